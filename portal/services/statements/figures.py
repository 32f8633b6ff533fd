"""What a month's commission is, and what a correction adds to it: integers only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from portal.core.money import half_up

WHOLE_BP = 10_000
THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Share:
    """What a statement says of one month: turnover told now and before, the rate, and the commission it adds, in fen."""

    month: date
    base: int
    before: int
    bp: int
    commission: int


def commission(base: int, bp: int) -> int:
    """Return the commission on a turnover, both in fen: half-up, on the sum and not line by line."""
    return half_up(base * bp, WHOLE_BP)


def amount(milli_hours: int, unit_price: int) -> int:
    """Return what thousandths of an hour cost at a price for the hour, in fen."""
    return half_up(milli_hours * unit_price, THOUSAND)


def shares(
    told: Iterable[tuple[date, int]], before: Mapping[date, int], bp: Mapping[date, int]
) -> list[Share]:
    """Return what a statement's lines (month, fen) make by month: a correction adds what the month's true sum lacks.

    commission = commission(before + base) − commission(before), so whatever the corrections, they sum to the truth.
    """
    sums: dict[date, int] = {}
    for month, fen in told:
        sums[month] = sums.get(month, 0) + fen
    return [
        Share(
            month,
            base,
            was := before.get(month, 0),
            bp[month],
            commission(was + base, bp[month]) - commission(was, bp[month]),
        )
        for month, base in sorted(sums.items(), reverse=True)
    ]
