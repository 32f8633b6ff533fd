"""Who held which tier from when until when: what all figures about members are counted from, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.core.money import half_up
from portal.core.periods import days, nth
from portal.members.standing import EndingCause


@dataclass(frozen=True, slots=True)
class Span:
    """A term up to the day that ended it, `[start, stop)`; its dues of twelve months, net of tax, in fen.

    `cause` is what ended it before its time; `listed` says that a list told of it and not what happened; `move` is
    what the term itself says of a change of tier (upgrade, downgrade, reclass), if anything.
    """

    term: int
    start: date
    stop: date | None
    tier: str
    value: int = 0
    cause: EndingCause | None = None
    listed: bool = False
    move: str = ""

    def covers(self, day: date) -> bool:
        """Whether the span holds a day."""
        return self.start <= day and (self.stop is None or day < self.stop)

    @property
    def held(self) -> bool:
        """Whether the span holds a day at all."""
        return self.stop is None or self.start < self.stop


@dataclass(frozen=True, slots=True)
class Place:
    """Where a holder stands on a day: at which tier, with which dues a year."""

    tier: str
    value: int


def place(spans: Iterable[Span], day: date, ranks: Mapping[str, int]) -> Place | None:
    """Return where a holder stands on a day; of several spans the highest tier, and the dues of all."""
    found = [one for one in spans if one.covers(day)]
    if not found:
        return None
    best = min(found, key=lambda one: (ranks.get(one.tier, len(ranks)), -one.start.toordinal(), -one.term))
    return Place(best.tier, sum(one.value for one in found))


def yearly(charged: int, start: date, end: date | None, anchor: date, *, net: int = 1, gross: int = 1) -> int:
    """Return what a term is worth in twelve months, net of tax: reports.md, "Recurring income".

    `net` of `gross` is the share of the charge without tax. A term of whole years, counted from its anchor, counts a
    year's part; any other 365 days of it, so that a leap day moves nothing. A term without an end counts nothing.
    """
    if end is None or not charged or not gross:
        return 0
    without = half_up(charged * net, gross)
    years = _years(start, end, anchor) or _years(start, end, start)
    return half_up(without, years) if years else half_up(without * 365, days(start, end))


def _years(start: date, end: date, anchor: date) -> int:
    first, last = start.year - anchor.year, end.year - anchor.year
    whole = nth(anchor, 12, first) == start and nth(anchor, 12, last) == end
    return last - first if whole else 0


def since(spans: Sequence[Span]) -> date | None:
    """Return the first day ever held."""
    return min((one.start for one in spans if one.held), default=None)
