"""The file of a membership history, read whole: each row checked, and a refusal that says which one, which field and why."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.core.errors import Refused

COLUMNS = ("month", "event", "org_id", "name", "from_tier", "to_tier", "joined")
ENTERS, MOVES = ("join", "rejoin"), ("upgrade", "downgrade", "reclass")
EVENTS = (*ENTERS, "leave", *MOVES, "rename")
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
MOST = {"org_id": 120, "name": 200, "from_tier": 80, "to_tier": 80, "joined": 10, "event": 10, "month": 7}
MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One row: `nth` counts the same event of one organisation within a month."""

    line: int
    month: date
    event: str
    org_id: str
    name: str
    from_tier: str
    to_tier: str
    joined: date | None
    nth: int

    @property
    def key(self) -> str:
        """What the row is known by: the source's own words, and nothing of ours."""
        return f"{self.event}:{self.month:%Y-%m}:{self.nth}:{self.org_id}"

    def body(self) -> dict[str, Any]:
        """Return the row as it stood there, without where."""
        return {
            "month": f"{self.month:%Y-%m}", "event": self.event, "org_id": self.org_id, "name": self.name,
            "from_tier": self.from_tier, "to_tier": self.to_tier, "joined": str(self.joined or ""),
        }  # fmt: skip

    def no(self, field: str, why: str) -> Refused:
        """Return the refusal of this row: which, which field, and why."""
        return no(self.line, self.body(), field, why)


def no(line: int, row: dict[str, Any], field: str, why: str) -> Refused:
    """Return the refusal of a row: which, which field, and why."""
    what = " ".join(str(row.get(name) or "?")[:40] for name in ("month", "event", "org_id"))
    return Refused(f"line {line} ({what}): {field}: {why}", status=422)


def parse(text: str) -> list[Event]:
    """Read a history; raises `Refused` at the first row that cannot be taken."""
    events: list[Event] = []
    counted: dict[tuple[str, date, str], int] = {}
    for line, row in _rows(text):
        one = _event(line, row, counted)
        if events and one.month < events[-1].month:
            raise one.no("month", f"stands after {events[-1].month:%Y-%m}: rows must be in order of month")
        events.append(one)
    if not events:
        raise Refused("the file has no events", status=422)
    return events


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    if len(text) > MOST_BYTES:
        raise Refused("the file is larger than 32 MB", status=422)
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        heads = [head.strip().lower() for head in next(reader, [])]
        if sorted(heads) != sorted(COLUMNS):
            raise Refused(f"line 1: the header must be {','.join(COLUMNS)}", status=422)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(heads):
                raise Refused(
                    f"line {reader.line_num}: {len(cells)} cells where the header has {len(heads)}",
                    status=422,
                )
            yield (
                reader.line_num,
                {head: " ".join(cell.split()) for head, cell in zip(heads, cells, strict=True)},
            )
    except csv.Error as error:
        raise Refused(f"line {reader.line_num}: the file is not CSV: {error}", status=422) from None


def _event(line: int, row: dict[str, str], counted: dict[tuple[str, date, str], int]) -> Event:
    for field, most in MOST.items():
        if len(row[field]) > most:
            raise no(line, row, field, f"is longer than {most} characters")
        if not row[field].isprintable():
            raise no(line, row, field, "holds characters that cannot be shown")
    if row["event"] not in EVENTS:
        raise no(line, row, "event", f"{row['event']!r} is none of {', '.join(EVENTS)}")
    if not row["org_id"]:
        raise no(line, row, "org_id", "is missing")
    month = _month(line, row)
    place = (row["org_id"], month, row["event"])
    counted[place] = counted.get(place, 0) + 1
    one = Event(
        line=line, month=month, event=row["event"], org_id=row["org_id"], name=row["name"], from_tier=row["from_tier"],
        to_tier=row["to_tier"], joined=_joined(line, row), nth=counted[place],
    )  # fmt: skip
    _complete(one)
    return one


def _month(line: int, row: dict[str, str]) -> date:
    try:
        if MONTH.fullmatch(row["month"]):
            return date.fromisoformat(f"{row['month']}-01")
    except ValueError:
        pass
    raise no(line, row, "month", f"{row['month']!r} is no month like 2026-01")


def _joined(line: int, row: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(row["joined"]) if row["joined"] else None
    except ValueError:
        raise no(line, row, "joined", f"{row['joined']!r} is no day like 2026-01-31") from None


def _complete(one: Event) -> None:
    """Refuse a row that lacks what its event needs, or says what it cannot mean."""
    if one.event in (*ENTERS, *MOVES) and not one.to_tier:
        raise one.no("to_tier", "is missing")
    if one.event in ("leave", "rename") and one.to_tier:
        raise one.no("to_tier", f"a {one.event} goes to no tier")
    if one.event in ("join", "rename") and one.from_tier:
        raise one.no("from_tier", f"a {one.event} comes from no tier")
    if one.event in ("join", "rename") and not one.name:
        raise one.no("name", "is missing")
