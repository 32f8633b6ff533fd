"""Working time: weekly hours in a zone, days off and days made up for, counted in half-open spans. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Span = tuple[int, int]  # minutes of a day, [from, to): 540 to 1080 is nine to six
WHOLE_DAY: tuple[Span, ...] = ((0, 1440),)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FURTHEST = timedelta(days=3660)
NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work: `week` by weekday from Monday, `days` where a date differs (empty: a day off)."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def hours(self, day: date) -> tuple[Span, ...]:
        """Return the spans of one day."""
        return self.days[day] if day in self.days else self.week[day.weekday()]

    def _instant(self, day: date, minute: int) -> datetime:
        day, minute = (day + timedelta(days=1), 0) if minute == 1440 else (day, minute)
        local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=self.zone)
        return local.astimezone(UTC)

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give the spans of working time within [start, end), in order."""
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last:
            for opens, closes in self.hours(day):
                begin, stop = max(start, self._instant(day, opens)), min(end, self._instant(day, closes))
                if begin < stop:
                    yield begin, stop
            day += timedelta(days=1)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies within [start, end)."""
        return sum((stop - begin for begin, stop in self.spans(start, end)), NOTHING)

    def after(self, start: datetime, length: timedelta) -> datetime | None:
        """Return the first instant at which so much working time has passed since `start`; None if it never does."""
        if length <= NOTHING:
            return start
        left = length
        for begin, stop in self.spans(start, start + FURTHEST):
            if stop - begin >= left:
                return begin + left
            left -= stop - begin
        return None


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _spans(pairs: Any) -> tuple[Span, ...]:
    found = tuple((_minute(opens), _minute(closes)) for opens, closes in pairs)
    edges = [one for span in found for one in span]
    if edges != sorted(set(edges)) or any(not 0 <= one <= 1440 for one in edges):
        raise ValueError(f"these hours overlap or end before they begin: {pairs}")
    return found


def pinned(body: Mapping[str, Any], holidays: Mapping[str, bool]) -> dict[str, Any]:
    """Return a calendar's row with the days known now, as a ticket keeps it: `holidays` says of a date whether it works."""
    days = holidays if body.get("holidays") else {}
    made_up = body.get("made_up", [])
    return {
        "zone": body["zone"],
        "week": {name: body["week"].get(name, []) for name in WEEK},
        "days": {day: made_up if works else [] for day, works in sorted(days.items())},
    }


def read(body: Mapping[str, Any]) -> Calendar:
    """Return the calendar that a ticket keeps; raises ValueError for hours that cannot be."""
    week = tuple(_spans(body["week"].get(name, [])) for name in WEEK)
    days = {date.fromisoformat(day): _spans(pairs) for day, pairs in body["days"].items()}
    if not any(week):
        raise ValueError("a calendar without any hours")
    return Calendar(ZoneInfo(body["zone"]), week, days)
