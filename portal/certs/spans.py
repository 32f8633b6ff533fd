"""How long an award lasts: whole days in the foundation's zone, half-open; early renewal loses nobody a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.core.clock import start_of
from portal.core.periods import nth

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """An award's days [start, end)."""

    start: date
    end: date

    @property
    def last(self) -> date:
        """The last day it counts, as printed."""
        return self.end - DAY

    @property
    def until(self) -> datetime:
        """The instant at which it has expired."""
        return start_of(self.end)


def granted(decided: date, months: int) -> Span:
    """Return the days of an award decided on a day: decided 2026-11-20 with 24 months lasts to 2028-11-19."""
    return Span(decided, nth(decided, months, 1))


def renewed(decided: date, months: int, old_end: date) -> Span:
    """Return the days of a renewal: from the old end if decided before it, else from the decision (certs.md §10)."""
    return Span(decided, nth(old_end if decided < old_end else decided, months, 1))


def in_window(on: date, end: date, window: tuple[int, int]) -> bool:
    """Whether a day lies in a renewal window, `[−180, 90)` days from the end of an award."""
    first, last = window
    return end + timedelta(days=first) <= on < end + timedelta(days=last)
