"""The dry run of an erasure: what becomes of each kind of item, said by the domain that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.core import labels


class Fate(StrEnum):
    """What becomes of an item."""

    ERASED = "erased"
    ANONYMISED = "anonymised"
    KEPT = "kept"


labels.name(
    Fate,
    {
        Fate.ERASED: _l("Erased"),
        Fate.ANONYMISED: _l("Made anonymous"),
        Fate.KEPT: _l("Kept"),
    },
    {Fate.ERASED: "good", Fate.ANONYMISED: "wait", Fate.KEPT: "warn"},
)


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a dry run: how many rows, their fate, and why what is kept is kept; item and reason are codes."""

    item: str
    fate: Fate
    count: int
    because: str = ""


Lines = Callable[[Person], list[Line]]
Obstacles = Callable[[Person], list[LazyString]]
_lines: dict[str, Lines] = {}
_obstacles: dict[str, Obstacles] = {}
_words: dict[str, LazyString] = {}


def ask(domain: str, lines: Lines, obstacles: Obstacles | None = None) -> None:
    """Let a domain say what becomes of its items, and what stands in the way; `wiring.py` hands the callables over."""
    _lines[domain] = lines
    if obstacles is not None:
        _obstacles[domain] = obstacles


def say(words: Mapping[str, LazyString]) -> None:
    """Say what items and reasons are called."""
    _words.update(words)


def said(code: str) -> str:
    """Return what an item or a reason is called in the reader's language."""
    return str(_words.get(code, code))


def plan(person: Person) -> list[dict[str, Any]]:
    """Return the dry run of a person's erasure: a line for each kind of item there is."""
    return [
        {"item": line.item, "fate": line.fate.value, "count": line.count, "because": line.because}
        for lines in _lines.values()
        for line in lines(person)
        if line.count
    ]


def obstacles(person: Person) -> list[str]:
    """Return what must be settled before a person can be erased, in words."""
    return [str(one) for found in _obstacles.values() for one in found(person)]
