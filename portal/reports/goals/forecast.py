"""The forecast of a year as pure sums: bands from what is earned to what is only hoped for, month by month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from portal.core.money import half_up
from portal.core.periods import earned, nth

BANDS = ("recognised", "scheduled", "committed", "renewals", "pipeline")
CERTAIN = BANDS[:3]
DAY = timedelta(days=1)
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is expected: of which band and stream, how much of it falls into which month, and what it is.

    `whole` is what falls into the year before the probability (per cent) is taken.
    """

    band: str
    stream: str
    month: date
    whole: int
    percent: int
    line: int = 0
    party: int = 0
    words: str = ""

    @property
    def amount(self) -> int:
        """What is counted: half_up(whole × probability)."""
        return half_up(self.whole * self.percent, WHOLE)


@dataclass(slots=True)
class Forecast:
    """The items of a year; what is behind `through` is known, the rest lies ahead."""

    year: int
    through: date
    items: list[Item] = field(default_factory=list)

    @property
    def months(self) -> list[date]:
        """The first days of the months of the year."""
        return [date(self.year, n, 1) for n in range(1, 13)]

    def of(self, band: str, *, month: date | None = None, stream: str = "") -> list[Item]:
        """Return the items of a band, of one month or stream if asked."""
        return [
            one
            for one in self.items
            if one.band == band and month in (None, one.month) and stream in ("", one.stream)
        ]

    def sum(self, band: str, *, month: date | None = None, stream: str = "") -> int:
        """Return what a band comes to."""
        return sum(one.amount for one in self.of(band, month=month, stream=stream))

    @property
    def total(self) -> int:
        """What all bands come to."""
        return sum(one.amount for one in self.items)


def slices(net: int, start: date, end: date, since: date, until: date) -> list[tuple[date, int]]:
    """Return what of an amount earned daily over `[start, end)` falls into each month of `[since, until)`, exact in sum."""
    found, month = [], max(start, since).replace(day=1)
    while month < min(end, until):
        after = nth(month, 1, 1)
        first, last = max(month, since), min(after, until) - DAY
        if amount := earned(net, start, end, last) - earned(net, start, end, first - DAY):
            found.append((month, amount))
        month = after
    return found


def of_year(net: int, start: date, since: date, until: date, *, months: int = 12) -> list[tuple[date, int]]:
    """Return what a term of so many months from a day brings within `[since, until)`, by month."""
    return slices(net, start, nth(start, months, 1), since, until)


def items(
    band: str, stream: str, parts: Iterable[tuple[date, int]], *, percent: int = WHOLE, line: int = 0, party: int = 0,
    words: str = "",
) -> list[Item]:  # fmt: skip
    """Return the items of one thing from its parts by month."""
    return [
        Item(band, stream, month, amount, percent, line, party, words) for month, amount in parts if amount
    ]


def probability(followed: int, due: int, *, least: int, otherwise: int) -> tuple[int, bool]:
    """Return the probability of a renewal in per cent, and whether it is our own: from so many renewals on."""
    if due < max(1, least):
        return otherwise, False
    return half_up(followed * WHOLE, due), True


def running(sums: Sequence[int]) -> list[int]:
    """Return running sums."""
    found, total = [], 0
    for amount in sums:
        total += amount
        found.append(total)
    return found
