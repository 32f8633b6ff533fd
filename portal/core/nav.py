"""The entries of the rails: each domain adds its own, each reader sees what he may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from flask import current_app, g, request
from flask_babel import LazyString
from sqlalchemy import Select, TextClause, select

from portal.core import i18n
from portal.core.db import db, spelt
from portal.core.templates import address


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a rail: shown if `seen(reader)`; `count` selects one number, what waits, the same for everybody.

    `seen` may ask for the reader's roles alone: what a rail holds is remembered by them. Every page asks for the
    numbers, so `count` is called once per process and its statement spelt out once.
    """

    frame: str
    order: int
    endpoint: str
    label: LazyString
    icon: str
    seen: Callable[[Any], bool]
    count: Callable[[], Select[Any]] | None = None


class Line(NamedTuple):
    """A line of a rail as a page shows it; `waits` is its number."""

    section: str
    endpoint: str
    href: str
    label: str
    icon: str
    active: bool = False
    waits: int | None = None


@dataclass(frozen=True, slots=True)
class _Rail:
    """What a rail holds for everybody with the same roles, in one language: its lines, and those with numbers."""

    lines: tuple[Line, ...]
    counted: tuple[Entry, ...]


MOST_RAILS = 512
_entries: dict[tuple[str, str], Entry] = {}
_sections: dict[str, tuple[tuple[int, LazyString], ...]] = {}


def add(*entries: Entry) -> None:
    """Put entries on a rail; asked again for the same one it stays once."""
    _entries.update({(entry.frame, entry.endpoint): entry for entry in entries})


def divide(frame: str, *sections: tuple[int, LazyString]) -> None:
    """Head the entries of a rail from an order on with a title, so that a long one is found through."""
    _sections[frame] = sections


def _section(entry: Entry) -> LazyString | None:
    return next((title for at, title in reversed(_sections.get(entry.frame, ())) if entry.order >= at), None)


def _heads(entries: list[Entry]) -> list[str]:
    """Return for each entry the title that stands above it: that of its section above the section's first."""
    titles = [str(_section(entry) or "") for entry in entries]
    return [
        title if title != before else "" for title, before in zip(titles, ["", *titles[:-1]], strict=True)
    ]


def _held(frame: str, reader: Any) -> _Rail:
    """Return a frame's rail for a reader, remembered by his roles, the language and where the portal stands."""
    held: dict[Any, _Rail] = current_app.extensions.setdefault("rails", {})
    key = (frame, reader.roles, i18n.language(), request.environ.get("SCRIPT_NAME"))
    if (found := held.get(key)) is None:
        if len(held) >= MOST_RAILS:
            held.clear()
        found = held[key] = _drawn(frame, reader)
    return found


def _drawn(frame: str, reader: Any) -> _Rail:
    seen = sorted(
        (e for e in _entries.values() if e.frame == frame and e.seen(reader)), key=lambda e: e.order
    )
    lines = tuple(
        Line(title, entry.endpoint, address(entry.endpoint), str(entry.label), entry.icon)
        for entry, title in zip(seen, _heads(seen), strict=True)
    )
    return _Rail(lines, tuple(entry for entry in seen if entry.count))


def rail(frame: str, reader: Any) -> tuple[Line, ...]:
    """Return a frame's lines for a reader, in their order."""
    held = _held(frame, reader)
    current = g.get("nav") or _current(held.lines)
    counts = _counts(held.counted)
    return tuple(
        line._replace(active=line.endpoint == current, waits=counts.get(line.endpoint))
        if line.endpoint == current or line.endpoint in counts
        else line
        for line in held.lines
    )


def _current(lines: tuple[Line, ...]) -> str | None:
    """Return the one line this page belongs to: its own, the nearest above it in the address, or its blueprint's first."""
    endpoint, asked = request.endpoint or "", request.path
    if any(line.endpoint == endpoint for line in lines):
        return endpoint
    above = [
        (len(path), line.endpoint)
        for line in lines
        if (path := line.href.rstrip("/"))
        and not line.endpoint.endswith(".home")
        and asked.startswith(path + "/")
    ]
    kin = [line.endpoint for line in lines if line.endpoint.split(".")[0] == endpoint.split(".")[0]]
    return max(above)[1] if above else next(iter(kin), None)


def _counts(entries: tuple[Entry, ...]) -> dict[str, int]:
    """Return every number of the rail, asked in one statement."""
    if not entries:
        return {}
    conn = db.session.connection()
    asked = _asked(conn.dialect.name, *(entry.count for entry in entries if entry.count))
    row = conn.execute(asked).one()
    return {entry.endpoint: int(number or 0) for entry, number in zip(entries, row, strict=True)}


@lru_cache(maxsize=64)
def _asked(dialect: str, *counts: Callable[[], Select[Any]]) -> TextClause:
    """Return one statement for several numbers, spelt out for a dialect."""
    return spelt(
        select(*(count().scalar_subquery().label(f"n{n}") for n, count in enumerate(counts))), dialect
    )
