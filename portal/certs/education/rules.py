"""The rules of continuing education, rows of the catalogue: how many points, in how many months, which kinds with which caps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.certs.levels import torn
from portal.core import catalogue

MOST_POINTS = 100
KIND = "education_kind"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work that gives points: what it is called, what it is worth in words, and the cap per renewal."""

    code: str
    name: str
    hint: str
    most: int | None


def kinds(*, on: date | None = None) -> list[Kind]:
    """Return the kinds in force on a day, in the order of the catalogue."""
    return [
        Kind(
            code, catalogue.in_words(body["name"]), catalogue.in_words(body.get("hint", "")), body.get("most")
        )
        for code, body in catalogue.entries(KIND, on=on).items()
    ]


def caps(*, on: date | None = None) -> dict[str, int]:
    """Return the caps in force on a day; a kind without one is not among them."""
    return {one.code: int(one.most) for one in kinds(on=on) if one.most is not None}


def name_of(code: str) -> str:
    """Return what a kind is called; its code if the catalogue has it no more."""
    body = catalogue.entries(KIND).get(code)
    return catalogue.in_words(body["name"]) if body else code


def needed(*, on: date | None = None) -> int:
    """Return how many points renew an award."""
    return int(catalogue.policy("education.points", on=on))


def months(*, on: date | None = None) -> int:
    """Return in how many months before the asking they must have been earned."""
    return int(catalogue.policy("education.months", on=on))


def share(*, on: date | None = None) -> int:
    """Return how many per cent of the accepted entries are drawn for a second look."""
    return int(catalogue.policy("education.second_look", on=on))


def whole(text: str) -> int | None:
    """Return points as they were typed, full-width figures too; None if that is no whole number."""
    typed = text.strip()
    return int(typed) if typed.isdecimal() and len(typed) < 6 else None


def no_whole_number() -> LazyString:
    """Return what is said to half points and to words."""
    return _l("Please give points as a whole number, such as 5.")


def _check(row: dict[str, Any]) -> None:
    code, most = str(row["code"]), row.get("most")
    if not isinstance(row.get("name"), dict):
        raise torn(KIND, code, "name must be given in both languages")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise torn(KIND, code, "most is a whole number of points, or is left out")


catalogue.checked(KIND, _check)
