"""The promise and its measure: first answers within 24 hours elapsed, judged in integers. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Asked:
    """A ticket as the measure sees it: when it came in (merged ones: the earliest), when a human first answered."""

    received: datetime
    answered: datetime | None


@dataclass(frozen=True, slots=True)
class Measure:
    """How many were answered in time, of how many that count. Nothing to count is neither kept nor missed."""

    good: int
    total: int

    @property
    def kept(self) -> bool | None:
        """Whether nine of ten were answered in time, without a fraction."""
        return None if self.total == 0 else 10 * self.good >= 9 * self.total


def in_time(one: Asked) -> bool:
    """Whether a human answered within 24 hours."""
    return one.answered is not None and one.answered - one.received <= WITHIN


def counts(one: Asked, at: datetime) -> bool:
    """Whether a ticket counts at an instant: it was answered, or is older than 24 hours."""
    return (one.answered is not None and one.answered <= at) or at - one.received > WITHIN


def measure(rows: Iterable[Asked], at: datetime) -> Measure:
    """Return the measure over tickets at an instant; answers after it are not known yet."""
    known = [
        Asked(one.received, one.answered if one.answered is not None and one.answered <= at else None)
        for one in rows
        if one.received <= at
    ]
    counted = [one for one in known if counts(one, at)]
    return Measure(sum(in_time(one) for one in counted), len(counted))
