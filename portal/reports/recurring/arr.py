"""Recurring income as pure functions: what runs on a day counts by its yearly value, and every move is one of five kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from portal.core.money import half_up
from portal.core.periods import days, nth
from portal.reports.measures import share

MOVES = ("new", "reactivation", "expansion", "contraction", "churn")
SIGNS = {"new": 1, "reactivation": 1, "expansion": 1, "contraction": -1, "churn": -1}
YEAR = 365
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Run:
    """A daily line of a customer over `[start, end)` for `net` fen; `last` is its last day if it was ended before."""

    customer: int
    line: int
    stream: str
    start: date
    end: date
    net: int
    last: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the line runs on a day: a line that was ended counts through its last day."""
        return self.start <= day < self.end and (self.last is None or day <= self.last)

    @property
    def yearly(self) -> int:
        """What the line is worth a year."""
        return yearly(self.net, self.start, self.end)


def yearly(net: int, start: date, end: date) -> int:
    """Return half_up(N, m) for a term of m whole years, half_up(N·365, D) for any other, so that a leap day moves nothing."""
    years = end.year - start.year
    if 0 < years <= LONGEST and nth(start, 12, years) == end:
        return half_up(net, years)
    return half_up(net * YEAR, days(start, end))


def arr(runs: Iterable[Run], day: date) -> dict[int, int]:
    """Return the yearly value of what runs on a day, by customer; who pays nothing is left out."""
    found: dict[int, int] = defaultdict(int)
    for one in runs:
        if one.covers(day):
            found[one.customer] += one.yearly
    return {customer: value for customer, value in found.items() if value}


def waived(runs: Iterable[Run], day: date) -> set[int]:
    """Return the customers who have something running on a day and pay nothing for any of it."""
    sums: dict[int, int] = defaultdict(int)
    for one in runs:
        if one.covers(day):
            sums[one.customer] += one.yearly
    return {customer for customer, value in sums.items() if not value}


@dataclass(frozen=True, slots=True)
class Move:
    """How one customer's yearly value changed: the amount is never negative, the kind says which way."""

    customer: int
    kind: str
    amount: int
    before: int
    after: int


@dataclass(slots=True)
class Movement:
    """From S to E: `E = S + new + reactivation + expansion − contraction − churn`, always."""

    first: date
    last: date
    opened: Mapping[int, int]
    closed: Mapping[int, int]
    moves: list[Move] = field(default_factory=list)

    @property
    def opening(self) -> int:
        """S."""
        return sum(self.opened.values())

    @property
    def closing(self) -> int:
        """E."""
        return sum(self.closed.values())

    def of(self, kind: str) -> list[Move]:
        """Return the moves of a kind."""
        return [one for one in self.moves if one.kind == kind]

    def sum(self, kind: str) -> int:
        """Return what the moves of a kind come to."""
        return sum(one.amount for one in self.of(kind))

    @property
    def gross(self) -> Fraction | None:
        """GRR = (S − churn − contraction) / S; None where nothing was there."""
        return share(self.opening - self.sum("churn") - self.sum("contraction"), self.opening)

    @property
    def net(self) -> Fraction | None:
        """NRR = GRR + expansion / S."""
        grown = share(self.sum("expansion"), self.opening)
        return None if self.gross is None or grown is None else self.gross + grown


class OutOfBalance(RuntimeError):
    """Opening and moves do not come to the closing: a bug, never a refusal."""


def movement(runs: Iterable[Run], first: date, last: date) -> Movement:
    """Return how yearly values moved from the end of one day to that of another; checked to the fen."""
    runs = list(runs)
    found = Movement(first, last, arr(runs, first), arr(runs, last))
    had = {one.customer for one in runs if one.net and one.start <= first}
    for customer in sorted({*found.opened, *found.closed}):
        before, after = found.opened.get(customer, 0), found.closed.get(customer, 0)
        if before != after:
            kind = _kind(before, after, had=customer in had)
            found.moves.append(Move(customer, kind, abs(after - before), before, after))
    moved = sum(SIGNS[one.kind] * one.amount for one in found.moves)
    if found.opening + moved != found.closing:
        raise OutOfBalance(f"{found.opening} + {moved} is not {found.closing}")
    return found


def _kind(before: int, after: int, *, had: bool) -> str:
    if not before:
        return "reactivation" if had else "new"
    if not after:
        return "churn"
    return "expansion" if after > before else "contraction"


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers whose first paid term began in a month, with what they are worth at the end of each later one."""

    month: date
    customers: tuple[int, ...]
    values: tuple[tuple[date, int], ...]


def cohorts(runs: Iterable[Run], ends: Iterable[date]) -> list[Cohort]:
    """Return cohorts by the month of the first paid term, each with its yearly value on the days from then on."""
    runs, ends = list(runs), sorted(ends)
    first: dict[int, date] = {}
    for one in runs:
        if one.net > 0 and (one.last is None or one.last >= one.start):
            first[one.customer] = min(first.get(one.customer, one.start), one.start)
    at = {day: arr(runs, day) for day in ends}
    members: dict[date, list[int]] = defaultdict(list)
    for customer in sorted(first):
        members[first[customer].replace(day=1)].append(customer)
    return [
        Cohort(
            month,
            tuple(members[month]),
            tuple((day, sum(at[day].get(one, 0) for one in members[month])) for day in ends if day >= month),
        )
        for month in sorted(members)
        if ends and month <= ends[-1]
    ]
