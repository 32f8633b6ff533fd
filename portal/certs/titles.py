"""Levels as documents and awards need them: what they are called, which stand below, what their holders have shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.core import catalogue
from portal.core.errors import Missing

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Title:
    """A level: its code, its name in both languages, its place from the lowest (1), the scheme in force."""

    code: str
    zh: str
    en: str
    rank: int
    scheme: int


def titles(*, on: date | None = None) -> dict[str, Title]:
    """Return every level by code, the lowest first."""
    bodies = catalogue.entries("level", on=on)
    return {
        code: Title(code, body["name"]["zh"], body["name"]["en"], rank, _scheme(code, on))
        for rank, (code, body) in enumerate(bodies.items(), 1)
    }


def _scheme(code: str, on: date | None) -> int:
    return catalogue.version_of("scheme", code, on=on) or catalogue.version_of("level", code, on=on)


def title(code: str, *, on: date | None = None) -> Title:
    """Return one level; `Missing` if there is none."""
    found = titles(on=on).get(code)
    if found is None:
        raise Missing(_l("There is no such level."))
    return found


def said(code: str) -> str:
    """Return what a level is called in the reader's language; its code if the catalogue has it no more."""
    body = catalogue.entries("level").get(code)
    return catalogue.in_words(body["name"]) if body else code


def below(code: str, *, on: date | None = None) -> list[str]:
    """Return the levels a level asks for, directly or through others, the nearest first."""
    bodies = catalogue.entries("level", on=on)
    found: list[str] = []
    asked = _asked(bodies.get(code, {}))
    while asked:
        one = asked.pop(0)
        if one not in found and one != code:
            found.append(one)
            asked += _asked(bodies.get(one, {}))
    return found


def _asked(body: dict[str, Any]) -> list[str]:
    asks = body.get("asks") or []
    return [asks] if isinstance(asks, str) else list(asks)


def narrative(code: str, *, on: date | None = None) -> dict[str, str]:
    """Return what holders of a level have shown, in both languages."""
    body = catalogue.entries("achievement", on=on).get(code)
    if body is not None:
        return {"zh": body["narrative"]["zh"], "en": body["narrative"]["en"]}
    one = title(code, on=on)
    return {"zh": one.zh, "en": one.en}
