"""How members came, moved and went over `[start, end)`: pure functions of spans, each figure as the rows it counts.

The state of a day is that at its end: the opening is the eve of `start`, the closing the eve of `end`, so that what
happens on `start` belongs to the period and opening plus movements is always the closing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from portal.members.spans import Place, Span, place, since
from portal.members.standing import EndingCause

DAY = timedelta(days=1)
Holders = Mapping[int, Sequence[Span]]
FIGURES = ("opening", "new", "returned", "moved_in", "moved_out", "departed", "in_grace", "closing")
SIGNS = {
    "opening": 1,
    "new": 1,
    "returned": 1,
    "moved_in": 1,
    "moved_out": -1,
    "departed": -1,
    "in_grace": -1,
}


@dataclass(frozen=True, slots=True)
class Window:
    """A period `[start, end)`, the days of grace, the day up to which facts are known, and the tiers' ranks, highest first."""

    start: date
    end: date
    grace: int
    known: date
    ranks: Mapping[str, int]

    @property
    def eve(self) -> date:
        """The day whose end opens the period."""
        return self.start - DAY

    @property
    def last(self) -> date:
        """The last day of the period, whose end closes it."""
        return self.end - DAY


@dataclass(frozen=True, slots=True)
class Row:
    """What one figure counts of one holder: on which day, at which tier with which dues; `other` is the tier across from a move."""

    holder: int
    day: date
    tier: str
    value: int
    other: str = ""
    kind: str = ""


@dataclass(slots=True)
class Movement:
    """The rows of each figure of the bridge."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in FIGURES})

    def of(self, figure: str, tier: str = "") -> list[Row]:
        """Return the rows of a figure, of all tiers or of one."""
        return [row for row in self.rows[figure] if not tier or row.tier == tier]

    def count(self, figure: str, tier: str = "") -> int:
        """Return how many rows a figure has."""
        return len(self.of(figure, tier))

    def moves(self, kind: str) -> list[Row]:
        """Return the changes of tier that went up, down or neither, by the tier they went to."""
        return [row for row in self.rows["moved_in"] if row.kind == kind]

    def balance(self, tier: str = "") -> int:
        """Return opening plus movements less closing: nothing, always."""
        return sum(sign * self.count(name, tier) for name, sign in SIGNS.items()) - self.count(
            "closing", tier
        )

    def tiers(self) -> set[str]:
        """Return every tier that some row names."""
        return {row.tier for rows in self.rows.values() for row in rows}


def movement(holders: Holders, window: Window) -> Movement:
    """Return how all holders moved within a period."""
    made = Movement()
    for holder, spans in holders.items():
        if spans:
            _follow(made, holder, spans, window)
    return made


def _follow(made: Movement, holder: int, spans: Sequence[Span], window: Window) -> None:
    before = place(spans, window.eve, window.ranks)
    if before is not None:
        made.rows["opening"].append(Row(holder, window.eve, before.tier, before.value))
    for day in _turns(spans, window):
        after = place(spans, day, window.ranks)
        if before is None and after is not None:
            made.rows[_arrival(spans, day)].append(Row(holder, day, after.tier, after.value))
        elif before is not None and after is None:
            made.rows[_departure(spans, day, window)].append(Row(holder, day, before.tier, before.value))
        elif before is not None and after is not None and before.tier != after.tier:
            kind = _kind(spans, day, before, after, window.ranks)
            made.rows["moved_out"].append(Row(holder, day, before.tier, before.value, after.tier, kind))
            made.rows["moved_in"].append(Row(holder, day, after.tier, after.value, before.tier, kind))
        before = after
    if before is not None:
        made.rows["closing"].append(Row(holder, window.last, before.tier, before.value))


def _turns(spans: Sequence[Span], window: Window) -> list[date]:
    """Return the days of the period on which anything of a holder begins or is no more."""
    ends = {one.start for one in spans} | {one.stop for one in spans if one.stop is not None}
    return sorted(day for day in ends if window.start <= day < window.end)


def _arrival(spans: Sequence[Span], day: date) -> str:
    """Return what an arrival is: terms of a list import open the balance, the first ever is new, others return."""
    if all(one.listed for one in spans if one.covers(day)):
        return "opening"
    return "new" if since(spans) == day else "returned"


def _departure(spans: Sequence[Span], day: date, window: Window) -> str:
    """Return whether nothing followed by the end of grace, or grace runs as far as is known."""
    ran_out = any(one.stop == day and one.held and one.cause is None for one in spans)
    followed = any(one.start > day and one.held for one in spans)
    waits = ran_out and not followed and window.known < day + timedelta(days=window.grace)
    return "in_grace" if waits else "departed"


def _kind(spans: Sequence[Span], day: date, before: Place, after: Place, ranks: Mapping[str, int]) -> str:
    """Return whether a change of tier went up, down or neither: as its term says, else by the tiers' ranks."""
    said = [
        one.move for one in spans if one.start == day and one.held and one.tier == after.tier and one.move
    ]
    if said and len({one.tier for one in spans if one.covers(day)}) == 1:
        return said[-1]
    old, new = ranks.get(before.tier), ranks.get(after.tier)
    if old is None or new is None:
        return "reclass"
    return "upgrade" if new < old else "downgrade"


@dataclass(frozen=True, slots=True)
class Worth:
    """One holder's dues at the opening and at the closing, in fen; None where it was no member then."""

    holder: int
    tier: str
    opened: int | None
    closed: int | None


def worths(made: Movement) -> list[Worth]:
    """Return every opening or closing member with its dues on both days, opening tier first."""
    opened = {row.holder: row for row in made.rows["opening"]}
    closed = {row.holder: row for row in made.rows["closing"]}
    return [
        Worth(
            one, (opened.get(one) or closed[one]).tier, opened[one].value if one in opened else None,
            closed[one].value if one in closed else None,
        )
        for one in dict.fromkeys([*opened, *closed])
    ]  # fmt: skip


def kept(both: Sequence[Worth]) -> tuple[int, int]:
    """Return how many of the opening members close as members too, of how many."""
    opening = [one for one in both if one.opened is not None]
    return sum(one.closed is not None for one in opening), len(opening)


def gross_retention(both: Sequence[Worth]) -> tuple[int, int]:
    """Return Σ min(v at the opening, v at the closing) and Σ v at the opening, of members with dues at the opening."""
    paying = [one for one in both if one.opened]
    return sum(min(one.opened or 0, one.closed or 0) for one in paying), sum(
        one.opened or 0 for one in paying
    )


def net_retention(both: Sequence[Worth]) -> tuple[int, int]:
    """Return Σ v at the closing and Σ v at the opening, of members with dues at the opening."""
    paying = [one for one in both if one.opened]
    return sum(one.closed or 0 for one in paying), sum(one.opened or 0 for one in paying)


@dataclass(frozen=True, slots=True)
class Churn:
    """Of the opening members those who departed within the period, in logos and in the money they had at the opening."""

    gone: list[Row]
    opening: list[Row]

    @property
    def logos(self) -> tuple[int, int]:
        """How many went, of how many."""
        return len(self.gone), len(self.opening)

    @property
    def money(self) -> tuple[int, int]:
        """What they paid a year, of what all paid."""
        return sum(row.value for row in self.gone), sum(row.value for row in self.opening)


def churn(made: Movement, tier: str = "") -> Churn:
    """Return the churn of all opening members, or of those who opened at a tier."""
    went = {row.holder for row in made.rows["departed"]}
    opening = list({row.holder: row for row in reversed(made.of("opening", tier))}.values())[::-1]
    return Churn([row for row in opening if row.holder in went], opening)


def renewals(holders: Holders, window: Window) -> tuple[list[Row], list[Row]]:
    """Return the terms that ran out or were resigned in the period, and those of them followed without a gap."""
    due: list[Row] = []
    followed: list[Row] = []
    for holder, spans in holders.items():
        for one in spans:
            if one.stop is None or not one.held or not window.start <= one.stop < window.end:
                continue
            if one.cause not in {None, EndingCause.RESIGNED}:
                continue
            row = Row(holder, one.stop, one.tier, one.value)
            due.append(row)
            if any(other.covers(one.stop) for other in spans):
                followed.append(row)
    return due, followed


@dataclass(frozen=True, slots=True)
class Point:
    """How many of a cohort a term covers on a day."""

    day: date
    holders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """The holders whose first term starts in a year (0: those of a list import), and who of them is left at each year's end."""

    year: int
    holders: tuple[int, ...]
    points: tuple[Point, ...]


LISTED = 0


def cohorts(holders: Holders, through: date) -> list[Cohort]:
    """Return the cohorts of all who began by a day, with a point for every 31 December up to it."""
    found: dict[int, list[int]] = {}
    for holder, spans in holders.items():
        first = since(spans)
        if first is not None and first <= through:
            listed = all(one.listed for one in spans if one.held and one.start == first)
            found.setdefault(LISTED if listed else first.year, []).append(holder)
    return [
        _cohort(holders, year, found[year], through) for year in sorted(found, key=lambda y: (y == LISTED, y))
    ]


def _cohort(holders: Holders, year: int, members: list[int], through: date) -> Cohort:
    starts = [day.year for one in members if (day := since(holders[one])) is not None]
    points = [
        Point(day, tuple(one for one in members if any(span.covers(day) for span in holders[one])))
        for day in _year_ends(min(starts), through)
    ]
    return Cohort(year, tuple(members), tuple(points))


def _year_ends(first: int, through: date) -> Iterator[date]:
    for year in range(first, through.year + 1):
        if date(year, 12, 31) <= through:
            yield date(year, 12, 31)
