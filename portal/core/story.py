"""History in words: audit entries as lines of a timeline, with what was before and what is now."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _

from portal.core import words as written
from portal.core.audit import AuditEntry
from portal.core.catalogue import in_words
from portal.core.money import Money

Said = Callable[[Any], str]
_verbs: dict[str, tuple[LazyString, str]] = {}
_details: dict[str, LazyString] = {}
_values: dict[str, Said] = {}
SUM = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*\+\d\d:\d\d")


def words(
    verbs: Mapping[str, tuple[LazyString, str]], details: Mapping[str, LazyString] | None = None
) -> None:
    """Say how verbs of the audit chain read on a timeline, with their icon, and what their details are called."""
    _verbs.update(verbs)
    _details.update(details or {})


def values(how: Mapping[str, Said]) -> None:
    """Say how the values of a detail read: by its key, or by `verb/key` where only that verb means it so."""
    _values.update(how)


def verbs() -> dict[str, str]:
    """Return every verb that has words, with the words in the reader's language."""
    return {verb: str(said) for verb, (said, _icon) in _verbs.items()}


def _plain(value: Any) -> str:
    """Return a value of the chain, which is JSON, as the reader writes it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        if value.keys() <= {"zh", "en"}:
            return in_words({key: str(text) for key, text in value.items()})
        return "; ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return _(", ").join(_plain(item) for item in value)
    return _text(str(value))


def _text(text: str) -> str:
    if found := SUM.fullmatch(text):
        return written.money(Money.parse(found[1], found[2]))
    try:
        if DAY.fullmatch(text):
            return written.day(date.fromisoformat(text))
        if INSTANT.fullmatch(text):
            return written.moment(datetime.fromisoformat(text))
    except ValueError:
        return text
    return text


def value(entry: AuditEntry, key: str, raw: Any) -> str:
    """Return one detail of an entry in the reader's language."""
    say = _values.get(f"{entry.verb}/{key}") or _values.get(key)
    if say is None or raw is None or isinstance(raw, bool | dict):
        return _plain(raw)
    return _(", ").join(map(say, raw)) if isinstance(raw, list) else say(raw)


def details(entry: AuditEntry, *, every: bool = False) -> list[tuple[str, str | None, str]]:
    """Return an entry's details: label, what was before (if that is known), what is now; `every` also raw ones."""
    found: list[tuple[str, str | None, str]] = []
    given = dict(entry.detail)
    if given.keys() >= {"old", "new"}:
        old, new = given.pop("old"), given.pop("new")
        found.append((_("Change"), value(entry, "old", old), value(entry, "new", new)))
    for key, raw in given.items():
        if (key not in _details and not every) or raw in (None, "", [], {}):
            continue
        label = str(_details.get(key, key))
        if isinstance(raw, dict) and raw.keys() == {"old", "new"}:
            found.append((label, value(entry, key, raw["old"]), value(entry, key, raw["new"])))
        else:
            found.append((label, None, value(entry, key, raw)))
    return found


def line(entry: AuditEntry, *, every: bool = False) -> dict[str, Any]:
    """Return an entry as a line of a timeline; a verb without words shows its code."""
    said, icon = _verbs.get(entry.verb, (entry.verb, "dot"))
    return {
        "what": str(said),
        "who": entry.actor if entry.actor_id else _("the portal"),
        "at": entry.at,
        "icon": icon,
        "detail": details(entry, every=every),
    }


def tell(entries: Iterable[Any], *more: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a timeline, the newest first, with lines of other kinds (mails, papers) at their place.

    Entries may be rows of the columns that a line shows.

    Verbs without words are not for people and stay out.
    """
    lines = [line(entry) for entry in entries if entry.verb in _verbs]
    if not more:
        return lines[::-1]
    return sorted([*lines, *more], key=lambda one: one["at"])[::-1]
