"""Which closed months have totals that answer a question, and the totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, ColumnElement, false, func, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from portal.billing import months
from portal.billing.book_models import AccountingPeriod, PastRecord, PeriodState
from portal.core.db import db
from portal.reports.once import once
from portal.reports.stored.models import StoredMonth, StoredTotal

FEN = type_coerce(StoredTotal.amount, BigInteger)


@dataclass(frozen=True, slots=True)
class Kept:
    """A closed month with totals: its last day and instant, when its last entry was known, whether all was booked at its end."""

    id: int
    month: date
    last: date
    at: datetime
    known_through: datetime
    settled: bool


def kept() -> list[Kept]:
    """Return the months whose totals are those of the books: closed as they were when the totals were made."""
    return once("stored months", _kept)


def _kept() -> list[Kept]:
    one, period = StoredMonth, AccountingPeriod
    imported = select(func.coalesce(func.max(PastRecord.id), 0)).scalar_subquery()
    rows = db.session.execute(
        select(one.id, one.month, one.known_through, one.settled)
        .join(period, period.month == one.month)
        .where(
            period.state == PeriodState.CLOSED,
            period.closed_at.is_not_distinct_from(one.closed_at),
            one.past == imported,
        )
        .order_by(one.month)
    )
    return [
        Kept(number, month, months.last_of(month), months.end_of(months.last_of(month)), through, settled)
        for number, month, through, settled in rows
    ]


def within(until: datetime, start: date, end: date) -> list[Kept]:
    """Return the stored months of `[start, end]`, days of whole months, that hold all that is known of them by an instant."""
    return [
        one
        for one in kept()
        if start <= one.month and one.last <= end and one.known_through <= until
    ]  # fmt: skip


def base(until: datetime, day: date) -> Kept | None:
    """Return the last stored month that is over by a day, known by an instant, and owed no entry at its end; None if there is none."""
    fitting = [one for one in kept() if one.settled and one.last <= day and one.at <= until]
    return fitting[-1] if fitting else None


def open_days(
    column: InstrumentedAttribute[date], some: Sequence[Kept], start: date, end: date
) -> ColumnElement[bool]:
    """Return the condition that a day is within `[start, end]` and in none of some stored months."""
    ranges = list(gaps(some, start, end))
    if not ranges:
        return false()
    return or_(*(column.between(first, last) for first, last in ranges))


def gaps(some: Sequence[Kept], start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the ranges of days of `[start, end]` that some stored months within it, in order, leave."""
    first = start
    for one in some:
        if first < one.month:
            yield first, months.last_of(_before(one.month))
        first = months.following(one.month)
    if first <= end:
        yield first, end


def _before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def of_months(some: Sequence[Kept]) -> ColumnElement[bool]:
    """Return the condition that a total is of one of some months."""
    return StoredTotal.month_id.in_([one.id for one in some])
