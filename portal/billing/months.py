"""Months of the books: which are open, and on which day a fact is posted."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.core import clock
from portal.core.db import db
from portal.core.periods import nth


def first_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def following(month: date) -> date:
    """Return the first day of the next month."""
    return nth(first_of(month), 1, 1)


def last_of(day: date) -> date:
    """Return the last day of a day's month."""
    return following(day) - timedelta(days=1)


def end_of(day: date) -> datetime:
    """Return the last instant of a day in the office."""
    return clock.start_of(day + timedelta(days=1)) - timedelta(microseconds=1)


def shut_since(month: date, *, reason: str = "") -> set[date]:
    """Return the months from this one on that take no entry; with a reason finance still posts before the close.

    The rows are read under a shared lock, so that no month closes between this look and the entry's commit.
    """
    states = [PeriodState.CLOSED] if reason else [PeriodState.CLOSED, PeriodState.SOFT_CLOSED]
    statement = select(AccountingPeriod).where(
        AccountingPeriod.month >= month, AccountingPeriod.state.in_(states)
    )
    locked = statement.with_for_update(read=True, of=AccountingPeriod)
    return {row.month for row in db.session.scalars(locked.execution_options(populate_existing=True))}


def posting_day(month: date, on: date, *, at_end: bool = False, reason: str = "") -> date:
    """Return the day a fact is posted on: in the first open month from its own on, its own day if that is there."""
    shut = shut_since(month, reason=reason)
    while month in shut:
        month = following(month)
    return on if first_of(on) == month and not at_end else last_of(month)
