"""How a target stands, in integers: attainment, pace against the days gone or a profile of the year, what is needed a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from portal.billing import months
from portal.core.money import half_up
from portal.core.periods import days, nth

WHOLE = 10_000


class Standing(StrEnum):
    """The verdict on a target's pace."""

    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    BEHIND = "behind"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Pace:
    """A goal over `[start, end)` as it stands when day `through` has ended; `weight` is how much of the year should be done."""

    goal: int
    actual: int
    weight: Fraction
    months_left: int
    bound: Fraction

    @property
    def attainment(self) -> Fraction | None:
        """A / T."""
        return Fraction(self.actual, self.goal) if self.goal else None

    @property
    def pace(self) -> Fraction | None:
        """A / (T·w); None before the period has begun or without a goal."""
        due = self.goal * self.weight
        return Fraction(self.actual) / due if due else None

    @property
    def due(self) -> Fraction:
        """What should be reached by now: T·w."""
        return self.goal * self.weight

    @property
    def gap(self) -> int:
        """What is still needed; negative where more than the goal is there."""
        return self.goal - self.actual

    @property
    def needed(self) -> int | None:
        """half_up(T − A, full months left); None when none is left."""
        return half_up(max(0, self.gap), self.months_left) if self.months_left else None

    @property
    def standing(self) -> Standing:
        """On track from 1 on, at risk from the bound on, else behind."""
        if self.pace is None:
            return Standing.NO_DATA
        if self.pace >= 1:
            return Standing.ON_TRACK
        return Standing.AT_RISK if self.pace >= self.bound else Standing.BEHIND


def weight(start: date, end: date, through: date, profile: Sequence[int] = ()) -> Fraction:
    """Return how much of a period should be done when a day has ended: by its days, or by a profile of its months.

    A profile gives each month its ten-thousandths; within a month they come evenly by its days.
    """
    gone = min(max(0, days(start, through) + 1), days(start, end))
    if not profile:
        return Fraction(gone, days(start, end))
    done, month, after = Fraction(0), start, start + timedelta(days=gone)
    for part in profile:
        following = min(nth(month, 1, 1), end)
        if after >= following:
            done += Fraction(part, WHOLE)
        elif after > month:
            done += Fraction(part * days(month, after), WHOLE * days(month, following))
        month = following
    return done


def months_left(end: date, through: date) -> int:
    """Return the full months between a day and the end of a period."""
    first = through + timedelta(days=1)
    month = first if first.day == 1 else months.following(first)
    return max(0, (end.year - month.year) * 12 + end.month - month.month)


def look(
    goal: int, actual: int, *, start: date, end: date, through: date, profile: Sequence[int] = (), bound: Fraction = Fraction(9, 10)
) -> Pace:  # fmt: skip
    """Return how a goal over `[start, end)` stands when a day has ended."""
    return Pace(goal, actual, weight(start, end, through, profile), months_left(end, through), bound)


def fits(profile: Sequence[int]) -> bool:
    """Whether a profile is twelve whole numbers, none negative, that sum to ten thousand."""
    return len(profile) == 12 and sum(profile) == WHOLE and all(part >= 0 for part in profile)
