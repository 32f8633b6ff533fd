"""The only reader of time: `now()` in UTC, `today()` in the foundation's zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

OFFICE = ZoneInfo("Asia/Shanghai")
_shift: ContextVar[timedelta | datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """Return the instant, aware and in UTC."""
    shift = _shift.get()
    if isinstance(shift, datetime):
        return shift
    real = datetime.now(UTC)
    return real if shift is None else real + shift


def today() -> date:
    """Return the business date: the foundation's calendar day."""
    return day_of(now())


def day_of(moment: datetime) -> date:
    """Return the foundation's calendar day on which an instant falls."""
    return moment.astimezone(OFFICE).date()


def start_of(day: date) -> datetime:
    """Return the first instant of a business date, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=OFFICE).astimezone(UTC)


def monotonic() -> float:
    """Return seconds for measuring how long something took; not a time of day."""
    return time.monotonic()


@contextmanager
def stopped_at(moment: datetime | date) -> Iterator[None]:
    """Hold the clock at an instant (a date: its noon in the office), for stories and `--as-of`."""
    if not isinstance(moment, datetime):
        moment = start_of(moment) + timedelta(hours=12)
    token = _shift.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _shift.reset(token)
