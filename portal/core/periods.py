"""Calendar periods counted from an anchor, and what of an amount belongs to the days gone by."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

from portal.core.money import half_up, whole


def _day(value: object) -> date:
    """Refuse instants: a business date is a date in the office zone, and a datetime would pass as one."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError(f"a date is needed, not {type(value).__name__}")
    return value


def days(start: date, end: date) -> int:
    """Number of days in [start, end); negative if `end` lies before `start`. TypeError for instants."""
    return (_day(end) - _day(start)).days


def last(end: date | None) -> date | None:
    """Last day of a period whose `end` is the first day without it, as every page says it; None stays open."""
    return None if end is None else _day(end) - timedelta(days=1)


def nth(anchor: date, months: int, n: int) -> date:
    """First day of period `n` of `months` months each, counted from the anchor and never from the last end.

    Month of anchor + n·months, day = min(anchor's day, last of that month), billing.md §1. Negative `n`
    looks back. Raises ValueError for months < 1 or a year outside 1–9999.
    """
    if whole(months, "months") < 1:
        raise ValueError("a period has at least one month")
    count = _day(anchor).year * 12 + anchor.month - 1 + whole(n, "n") * months
    year, month = count // 12, count % 12 + 1
    if not date.min.year <= year <= date.max.year:
        raise ValueError("the period lies outside the calendar")
    return date(year, month, min(anchor.day, monthrange(year, month)[1]))


def period(anchor: date, months: int, n: int) -> tuple[date, date]:
    """Period `n` as (first day, first day of the next), [nth(n), nth(n+1)) of billing.md §1; errors: `nth`."""
    return nth(anchor, months, n), nth(anchor, months, n + 1)


def _share(amount: int, start: date, end: date, served: int) -> int:
    """Part of `amount` for the first `served` days of [start, end), which must hold a day."""
    length = days(start, end)
    if length < 1:
        raise ValueError("the period must have at least one day")
    return half_up(whole(amount) * max(0, min(served, length)), length)


def earned(amount: int, start: date, end: date, through: date) -> int:
    """Minor units of `amount` over [start, end) that are earned when day `through` has ended.

    half_up(a · k, D), k = days from start to `through` inclusive, clamped to 0…D (billing.md §1). It is
    cumulative: a slice is the difference of two calls, so any slicing sums to the amount. Raises ValueError
    if [start, end) is empty, TypeError for floats and instants.
    """
    return _share(amount, start, end, days(start, through) + 1)


def unused(amount: int, start: date, end: date, day: date) -> int:
    """Minor units of `amount` over [start, end) that are left on the morning of `day`.

    a − earned(a, start, end, day − 1), billing.md §1; errors as `earned`.
    """
    return amount - _share(amount, start, end, days(start, day))
