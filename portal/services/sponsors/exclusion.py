"""Which places exclude each other, and what a cancellation costs: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from portal.services.sponsors.kinds import Scope


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes a place: the organisation with its group and kind, the package, and what it has for itself."""

    org_id: int
    group: frozenset[int]
    category: str
    package_id: int
    scope: Scope


def excludes(one: Taker, other: Taker) -> bool:
    """Whether what one has for itself shuts another corporate group out; of its own group nobody is."""
    if other.org_id in one.group:
        return False
    return {
        Scope.NONE: False,
        Scope.PACKAGE: one.package_id == other.package_id,
        Scope.CATEGORY: bool(one.category) and one.category == other.category,
        Scope.EDITION: True,
    }[one.scope]


def conflict(one: Taker, other: Taker) -> bool:
    """Whether two places cannot stand in one edition: either shuts the other out."""
    return excludes(one, other) or excludes(other, one)


def in_the_way(asking: Taker, taken: Iterable[Taker]) -> Taker | None:
    """Return the first place that excludes, or would be excluded by, the one asked for."""
    return next((other for other in taken if conflict(asking, other)), None)


def percent_due(scale: Sequence[tuple[int, int]], start: date, on: date) -> int:
    """Return how many per cent of the price stay due when a place is cancelled on a day.

    `scale` has rows (days before the start, per cent), from many days to few: the first row whose days are left
    counts; with fewer days left than any row says everything is due.
    """
    left = (start - on).days
    for days, percent in sorted(scale, reverse=True):
        if left >= days:
            return percent
    return 100
