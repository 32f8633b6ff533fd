"""What points are worth together: caps per kind, the oldest first. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from portal.core.periods import nth

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """An accepted entry: its number, kind, day and points."""

    number: int
    kind: str
    day: date
    points: int


@dataclass(frozen=True, slots=True)
class OfKind:
    """What one kind brought: points earned, the cap if there is one, and what of them counts."""

    kind: str
    earned: int
    most: int | None
    counts: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What counts of all pieces against the number needed; `taken` is what a renewal would use, each with its points."""

    needed: int
    counts: int
    kinds: tuple[OfKind, ...]
    taken: tuple[tuple[int, int], ...]

    @property
    def enough(self) -> bool:
        """Whether the number is reached."""
        return self.counts >= self.needed

    @property
    def missing(self) -> int:
        """Return how many points are missing."""
        return max(0, self.needed - self.counts)

    @property
    def used(self) -> int:
        """Return how many points a renewal would use."""
        return sum(counts for _number, counts in self.taken)


def days(asked_on: date, months: int, since: date) -> tuple[date, date]:
    """Return the first and last day that count for a renewal asked for on a day: so many months, and not before the award.

    Asked on 2028-11-20 with 24 months: from 2026-11-21 to that day.
    """
    return min(max(nth(asked_on + DAY, months, -1), since), asked_on), asked_on


def tally(pieces: Iterable[Piece], caps: Mapping[str, int], needed: int) -> Tally:
    """Count points up to the cap of each kind. A renewal uses the oldest pieces first, as many as it needs.

    A piece that goes over the cap counts as far as the cap; one that counts nothing is not used. A kind without a cap
    counts whole.
    """
    rows = sorted(pieces, key=lambda one: (one.day, one.number))
    earned: dict[str, int] = {}
    taken: list[tuple[int, int]] = []
    used = 0
    for one in rows:
        before = earned.get(one.kind, 0)
        earned[one.kind] = before + one.points
        counts = _capped(earned[one.kind], caps.get(one.kind)) - _capped(before, caps.get(one.kind))
        if counts and used < needed:
            taken.append((one.number, counts))
            used += counts
    kinds = tuple(
        OfKind(kind, points, caps.get(kind), _capped(points, caps.get(kind)))
        for kind, points in earned.items()
    )
    return Tally(needed, sum(one.counts for one in kinds), kinds, tuple(taken))


def _capped(points: int, most: int | None) -> int:
    return points if most is None else min(points, most)
