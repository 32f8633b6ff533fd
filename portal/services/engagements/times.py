"""The days of a submission: when it is reminded of, and at whose end it is deemed accepted. No database."""

from __future__ import annotations

from datetime import date

from portal.core import catalogue, clock, workdays
from portal.services.engagements.work_models import WorkSubmission


def days() -> int:
    """Return after how many working days of silence a submission is deemed accepted."""
    return int(catalogue.policy("service.deemed_days"))


def reminders() -> list[int]:
    """Return the working days on which the customer is reminded before."""
    return sorted(int(one) for one in catalogue.policy("service.deemed_reminders"))


def last_day(row: WorkSubmission) -> date:
    """Return the last day on which the customer can still say no: the n-th working day after the submission."""
    return workdays.after(clock.day_of(row.submitted_at), days())


def reached(row: WorkSubmission, today: date) -> list[int]:
    """Return the reminders whose working day has come."""
    day = clock.day_of(row.submitted_at)
    return [step for step in reminders() if workdays.after(day, step) <= today]


def working_between(first: date, last: date) -> int:
    """Return how many working days lie in [first, last)."""
    count, day = 0, first
    while day < last:
        count += workdays.is_working(day)
        day = date.fromordinal(day.toordinal() + 1)
    return count
