"""The money of terms and of changes of tier, in whole fen and days: pure functions of members.md 4.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from portal.core.money import half_up
from portal.core.periods import days, unused

K = TypeVar("K")
V = TypeVar("V")


class Direction(StrEnum):
    """Which way a change goes: to a higher tier, to a lower one, or to one that is neither."""

    UP = "up"
    DOWN = "down"
    ACROSS = "across"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A term `[start, end)` of the contract period `[first, last)`: what was charged for it, what a waiver covers.

    Amounts are fen with tax in them. The period is always the whole contractual one, never a shortened one.
    """

    start: date
    end: date
    first: date
    last: date
    charged: int
    waived: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What changing a term costs from a day on: given back, the new part, and what covers some of it."""

    unused: int
    new: int
    discount: int

    @property
    def charged(self) -> int:
        """Return what the new term charges: its part of the price less what is covered otherwise."""
        return self.new - self.discount

    @property
    def difference(self) -> int:
        """Return what is to be paid; below zero what comes back."""
        return self.charged - self.unused


def part_of(price: int, first: date, last: date, day: date) -> int:
    """Return what the days from `day` on cost of a price for a whole period: P − half_up(P · gone, D)."""
    return unused(price, first, last, day)


def left_of(charged: int, start: date, end: date, day: date) -> int:
    """Return what is left of a term's charge on the morning of a day: charged − half_up(charged · gone, length)."""
    return unused(charged, start, end, day)


def used_of(charged: int, start: date, end: date, day: date) -> int:
    """Return what of a term's charge was used before a day; with `left_of` it makes the charge."""
    gone, length = days(start, day), days(start, end)
    return half_up(charged * max(0, min(gone, length)), length)


def changed(
    term: Running, price: int, day: date, *, keep_waiver: bool = True, left: int | None = None
) -> Change:
    """Return what a change of a term costs from a day of it on; a waiver goes on covering the old tier's part.

    `left` is what the documents still hold of the old charge, where that is less than the formula gives.
    """
    new = part_of(price, term.first, term.last, day)
    back = left_of(term.charged, term.start, term.end, day)
    covered = left_of(term.waived, term.start, term.end, day) if keep_waiver else 0
    return Change(back if left is None else min(back, left), new, min(covered, new))


def direction(old: int | None, new: int | None) -> Direction:
    """Return which way a change goes by the ranks of the tiers, 0 the highest; without a rank it is neither."""
    if old is None or new is None or old == new:
        return Direction.ACROSS
    return Direction.UP if new < old else Direction.DOWN


def compared(old: Mapping[K, V], new: Mapping[K, V], without: V) -> dict[K, tuple[V, V]]:
    """Return what differs between two tables, as old and new; `without` stands for what one of them lacks."""
    keys = [*old, *(key for key in new if key not in old)]
    pairs = {key: (old.get(key, without), new.get(key, without)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
