"""The entries of the rails: each domain adds its own, each reader sees what he may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import g, request
from flask_babel import LazyString
from sqlalchemy import Select, TextClause, select

from portal.core.db import db, spelt
from portal.core.templates import address


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a rail: shown if `seen(reader)`; `count` selects one number, what waits, the same for everybody.

    Every page asks it, so it is called once per process and its statement spelt out once.
    """

    frame: str
    order: int
    endpoint: str
    label: LazyString
    icon: str
    seen: Callable[[Any], bool]
    count: Callable[[], Select[Any]] | None = None


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


def rail(frame: str, reader: Any) -> list[dict[str, Any]]:
    """Return a frame's lines for a reader, in their order."""
    seen = sorted(
        (e for e in _entries.values() if e.frame == frame and e.seen(reader)), key=lambda e: e.order
    )
    current = g.get("nav") or _current(seen)
    counts = _counts([entry for entry in seen if entry.count])
    return [
        {
            "section": title,
            "href": address(entry.endpoint),
            "label": str(entry.label),
            "icon": entry.icon,
            "active": entry.endpoint == current,
            "count": counts.get(entry.endpoint),
        }
        for entry, title in zip(seen, _heads(seen), strict=True)
    ]


def _current(entries: list[Entry]) -> str | None:
    """Return the one line this page belongs to: its own, the nearest above it in the address, or its blueprint's first."""
    endpoint = request.endpoint or ""
    above = [
        (len(path), entry.endpoint)
        for entry in entries
        if (path := address(entry.endpoint).rstrip("/"))
        and not entry.endpoint.endswith(".home")
        and request.path.startswith(path + "/")
    ]
    kin = [entry.endpoint for entry in entries if entry.endpoint.split(".")[0] == endpoint.split(".")[0]]
    if any(entry.endpoint == endpoint for entry in entries):
        return endpoint
    return max(above)[1] if above else next(iter(kin), None)


def _counts(entries: list[Entry]) -> dict[str, int]:
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
