"""Makes the totals of closed months: with the close, or all of them anew; says which are not those of the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, insert, select

from portal.billing import closing, months
from portal.billing.book_models import AccountingPeriod, PastRecord, PeriodState
from portal.billing.events import PeriodClosed
from portal.billing.models import OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db, transaction
from portal.core.db import reading as db_reading
from portal.core.money import Money
from portal.reports import owing
from portal.reports.journal import FEN
from portal.reports.stored import reading
from portal.reports.stored.models import StoredMonth, StoredTotal

Key = tuple[str, str, str | None, date]


@dataclass(frozen=True, slots=True)
class Made:
    """What the books say of a closed month."""

    month: date
    closed_at: datetime | None
    known_through: datetime
    settled: bool
    past: int
    totals: dict[Key, int]


def on_closed(event: PeriodClosed) -> None:
    """Keep the totals of a month within the transaction that closes it."""
    _keep(event.month)


def rebuild() -> int:
    """Make the totals of every closed month anew; return how many there are."""
    some = _closed()
    db.session.execute(delete(StoredTotal))
    db.session.execute(delete(StoredMonth))
    for month in some:
        _keep(month)
    return len(some)


def mend() -> int:
    """Make the totals of closed months that have none, or others than they were closed with; return of how many."""
    with db_reading():
        known = {one.month for one in reading.kept()}
        waiting = [month for month in _closed() if month not in known]
    for month in waiting:
        with transaction():
            if closing.row_to_move(month).state is PeriodState.CLOSED:
                _keep(month)
    return len(waiting)


def _closed() -> list[date]:
    rows = select(AccountingPeriod.month).where(AccountingPeriod.state == PeriodState.CLOSED)
    return list(db.session.scalars(rows.order_by(AccountingPeriod.month)))


def _keep(month: date) -> None:
    old = select(StoredMonth.id).where(StoredMonth.month == month)
    db.session.execute(delete(StoredTotal).where(StoredTotal.month_id.in_(old)))
    db.session.execute(delete(StoredMonth).where(StoredMonth.month == month))
    made = read(month)
    row = StoredMonth(
        month=month, closed_at=made.closed_at, known_through=made.known_through, settled=made.settled, past=made.past
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    cells = [
        {"month_id": row.id, "kind": kind, "account": account, "stream": stream, "service_month": service, "amount": Money(fen)}
        for (kind, account, stream, service), fen in made.totals.items()
    ]  # fmt: skip
    if cells:
        db.session.execute(insert(StoredTotal), cells)


def read(month: date) -> Made:
    """Work out from the entries what is to be kept of a closed month."""
    last, at = months.last_of(month), months.end_of(months.last_of(month))
    closed_at = db.session.scalar(select(AccountingPeriod.closed_at).where(AccountingPeriod.month == month))
    within = JournalEntry.posted_on.between(month, last)
    known = db.session.scalar(select(func.max(JournalEntry.known_at)).where(within))
    keys = (JournalEntry.kind, JournalLine.account, OrderLine.stream, JournalEntry.service_month)
    statement = (
        select(*keys, func.sum(FEN))
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .outerjoin(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .where(within)
        .group_by(*keys)
        .order_by(*keys)
    )
    totals: dict[Key, int] = {}
    for kind, account, stream, service, fen in db.session.execute(statement):
        totals[kind, account, stream, service] = int(fen)
    past = db.session.scalar(select(func.coalesce(func.max(PastRecord.id), 0)))
    return Made(month, closed_at, max(known or at, at), owing.settled(month, last, at), past or 0, totals)


def verify() -> tuple[int, list[str]]:
    """Compare the kept totals with the entries; return how many months were compared and a sentence for each that differs.

    Months that were closed anew since, or before an import, are read from the entries and are no fault.
    """
    faults = []
    known = reading.kept()
    for one in known:
        made = read(one.month)
        rows = db.session.execute(
            select(
                StoredTotal.kind, StoredTotal.account, StoredTotal.stream, StoredTotal.service_month, reading.FEN
            )
            .where(StoredTotal.month_id == one.id)
            .order_by(StoredTotal.id)
        )  # fmt: skip
        totals = {(kind, account, stream, service): int(fen) for kind, account, stream, service, fen in rows}
        if totals != made.totals or (one.known_through, one.settled) != (made.known_through, made.settled):
            faults.append(f"reports: the kept totals of {one.month:%Y-%m} are not those of the entries")
    return len(known), faults
