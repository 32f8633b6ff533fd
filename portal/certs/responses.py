"""The file of item responses of a past sitting, read whole: `candidate,ITEM1,ITEM2,…` with 0 or 1 in each cell."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

from portal.core.errors import Refused

FIRST = "candidate"
MARKS = {"0": 0, "1": 1, "": None}
MOST_BYTES, MOST_ITEMS, MOST_CANDIDATES, LONGEST = 32 * 1024 * 1024, 1000, 200_000, 120


@dataclass(frozen=True, slots=True)
class Responses:
    """Items in the file's order, and each candidate's marks: 0, 1, or None for an omitted answer."""

    items: tuple[str, ...]
    candidates: tuple[str, ...]
    marks: tuple[tuple[int | None, ...], ...]

    def digest(self) -> str:
        """Return the SHA-256 of what the file says, whatever the order of its rows and columns and how it is written."""
        order = sorted(range(len(self.items)), key=lambda i: self.items[i])
        rows = sorted(
            [who, *(marks[i] for i in order)] for who, marks in zip(self.candidates, self.marks, strict=True)
        )
        said = json.dumps([[self.items[i] for i in order], rows], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()


def parse(text: str) -> Responses:
    """Read the responses of a sitting; raises `Refused` at the first line that cannot be taken, naming line, field and why."""
    rows = _rows(text)
    _line, heads = next(rows, (1, []))
    items = _items(heads)
    seen: dict[str, int] = {}
    marks: list[tuple[int | None, ...]] = []
    for line, cells in rows:
        if len(cells) != len(heads):
            raise _no(line, f"{len(cells)} cells where the header has {len(heads)}")
        who = _candidate(line, cells[0], seen)
        marks.append(tuple(_mark(line, who, item, cell) for item, cell in zip(items, cells[1:], strict=True)))
        if len(marks) > MOST_CANDIDATES:
            raise _no(line, f"more than {MOST_CANDIDATES} candidates")
    if not marks:
        raise Refused("the file has no candidates", status=422)
    return Responses(items, tuple(seen), tuple(marks))


def _no(line: int, why: str) -> Refused:
    return Refused(f"line {line}: {why}", status=422)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that say something, each with its number in the file."""
    if len(text.encode()) > MOST_BYTES:
        raise Refused("the file is larger than 32 MB", status=422)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [" ".join(cell.split()) for cell in cells]
    except csv.Error as error:
        raise _no(reader.line_num, f"the file is not CSV: {error}") from None


def _items(heads: list[str]) -> tuple[str, ...]:
    """Return the items of the header: each has a name, and none stands there twice."""
    if not heads or heads[0].lower() != FIRST:
        raise _no(1, f"the header must be {FIRST},ITEM1,ITEM2,…")
    items = heads[1:]
    if not items:
        raise _no(1, "the header names no item")
    if len(items) > MOST_ITEMS:
        raise _no(1, f"the header has more than {MOST_ITEMS} items")
    for at, item in enumerate(items):
        if not item:
            raise _no(1, f"column {at + 2}: the item has no name")
        if len(item) > LONGEST or not item.isprintable():
            raise _no(1, f"column {at + 2}: the item's name is too long or cannot be shown")
        if item in items[:at]:
            raise _no(1, f"column {at + 2}: {item} stands there twice")
    return tuple(items)


def _candidate(line: int, who: str, seen: dict[str, int]) -> str:
    if not who:
        raise _no(line, f"{FIRST}: is missing")
    if len(who) > LONGEST or not who.isprintable():
        raise _no(line, f"{FIRST}: is too long or cannot be shown")
    if who in seen:
        raise _no(line, f"{FIRST}: {who} stands on line {seen[who]} already")
    seen[who] = line
    return who


def _mark(line: int, who: str, item: str, cell: str) -> int | None:
    if cell not in MARKS:
        raise _no(line, f"{who}: {item}: {cell[:20]!r} is neither 0 nor 1 nor empty")
    return MARKS[cell]
