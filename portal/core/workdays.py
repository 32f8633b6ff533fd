"""Working days: Monday to Friday without the catalogue's holidays, and the days it makes up for."""

from __future__ import annotations

from datetime import date, timedelta

from portal.core import catalogue, clock


def is_working(day: date) -> bool:
    """Whether people work on a day."""
    row = catalogue.entries("holiday", on=max(day, clock.today())).get(day.isoformat())
    return bool(row.get("works")) if row is not None else day.weekday() < 5


def after(day: date, count: int) -> date:
    """Return the day that lies so many working days after another one."""
    for _n in range(count):
        day += timedelta(days=1)
        while not is_working(day):
            day += timedelta(days=1)
    return day
