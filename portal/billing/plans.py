"""How income is earned over time: what a plan of segments has earned by a day, and how a plan is cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from portal.billing import months
from portal.core.money import Money, spread
from portal.core.periods import earned

DAY = timedelta(days=1)


class Planned(Protocol):
    """An amount earned evenly over `[starts, ends)`, or up to the day before `cut_on`."""

    @property
    def starts(self) -> date: ...
    @property
    def ends(self) -> date: ...
    @property
    def amount(self) -> Money: ...
    @property
    def cut_on(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A segment as plain values."""

    starts: date
    ends: date
    amount: Money
    cut_on: date | None = None


def earned_of(part: Planned, day: date) -> int:
    """Return the fen of one segment that are earned when a day has ended."""
    through = day if part.cut_on is None else min(day, part.cut_on - DAY)
    return earned(part.amount.minor, part.starts, part.ends, through)


def earned_by(plan: Iterable[Planned], day: date) -> int:
    """Return the fen that a plan has earned when a day has ended: cumulative, so any slicing sums to the whole."""
    return sum(earned_of(part, day) for part in plan)


def total(plan: Iterable[Planned]) -> int:
    """Return the fen that a plan earns in the end, cuts taken into account."""
    return earned_by(plan, date.max - DAY)


def due_by_month(
    plan: Sequence[Planned], posted: Mapping[date, int], *, until: date
) -> list[tuple[date, int]]:
    """Return the months before `until` (a month's first) whose entries differ from the plan, and by how many fen.

    Cumulative: a month owes what is earned by its end less all that is posted up to it and owed before it.
    """
    month = months.first_of(min(one.starts for one in plan))
    stop = min(until, months.following(max(months.first_of(one.ends) for one in plan)))
    before = sum(amount for at, amount in posted.items() if at < month)
    owed = []
    while month < stop:
        before += posted.get(month, 0)
        if due := earned_by(plan, months.last_of(month)) - before:
            owed.append((month, due))
            before += due
        month = months.following(month)
    return owed


def lower(plan: Sequence[Planned], day: date, cut: int) -> tuple[Part, ...]:
    """Return the new segments after a price cut of `cut` fen on `day`: what stays deferred less the cut, over the days left.

    The day itself included. Segments that run together share the cut by what is left of each.
    """
    left = [max(0, earned_of(part, date.max - DAY) - earned_of(part, day - DAY)) for part in plan]
    share = min(cut, sum(left))
    parts = []
    for part, rest, less in zip(plan, left, spread(share, left), strict=True):
        end = part.ends if part.cut_on is None else min(part.ends, part.cut_on)
        if rest - less and end > day:
            parts.append(Part(max(day, part.starts), end, Money(rest - less)))
    return tuple(parts)
