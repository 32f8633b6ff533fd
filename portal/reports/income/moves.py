"""What the journal says of contract lines, summed for pages and line by line for the rows behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from portal.billing import ledger, months
from portal.billing.models import Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.reports.journal import CONTRACT, FEN
from portal.reports.stored import reading as stored
from portal.reports.stored.models import StoredTotal

INVOICED, CREDITED = ("invoice", "void"), ("credit_note",)
# By code: the kinds of entries it is read from (None: all), its accounts, and the sign that makes income and invoices positive.
SOURCES: dict[str, tuple[tuple[str, ...] | None, str, int]] = {
    "invoiced_net": (INVOICED, "net", -1),
    "invoiced_tax": (INVOICED, "tax", -1),
    "credited_net": (CREDITED, "net", 1),
    "credited_tax": (CREDITED, "tax", 1),
    "recognised": (None, "income", -1),
}


def _of(code: str, kind: Any, account: Any) -> ColumnElement[bool]:
    """Return the condition that a side of an entry, or a stored total, belongs to a code."""
    kinds, accounts, _sign = SOURCES[code]
    income = account.startswith(f"{ledger.INCOME}.", autoescape=True)
    where = {"net": or_(account.in_(CONTRACT), income), "tax": account == ledger.VAT, "income": income}[
        accounts
    ]
    return where if kinds is None else and_(kind.in_(kinds), where)


class Piece(NamedTuple):
    """Fen of a stream in a posting month, of a month of service; of a payer and a contract line where those were asked for."""

    stream: str
    month: date
    service: date
    amount: int
    line: int = 0


class Posted(NamedTuple):
    """One side of an entry of a contract line."""

    line: int
    stream: str
    party: int
    day: date
    service: date
    kind: str
    source: str
    amount: int


def _joined(statement: Select[*tuple[Any, ...]], code: str, until: datetime) -> Select[*tuple[Any, ...]]:
    return (
        statement.join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .where(_of(code, JournalEntry.kind, JournalLine.account), JournalEntry.known_at <= until)
    )


def pieces(code: str, until: datetime, start: date, end: date, *, by_line: bool = False) -> list[Piece]:
    """Return what moved in `[start, end]` as known at an instant, by stream, month and month of service, and by line.

    Without lines, months whose totals are stored are read from there.
    """
    keys: list[Any] = [OrderLine.stream, JournalEntry.posted_on, JournalEntry.service_month]
    if by_line:
        keys.append(JournalLine.order_line_id)
    some = [] if by_line else stored.within(until, start, end)
    statement = _joined(select(*keys, func.sum(FEN)).select_from(JournalLine), code, until).where(
        stored.open_days(JournalEntry.posted_on, some, start, end)
    )
    sign = SOURCES[code][2]
    found = _totals(code, some)
    found += [
        Piece(row[0], months.first_of(row[1]), row[2], sign * int(row[-1]), row[3] if by_line else 0)
        for row in db.session.execute(statement.group_by(*keys).order_by(*keys))
    ]
    return found


def _totals(code: str, some: Sequence[stored.Kept]) -> list[Piece]:
    if not some:
        return []
    one, sign, posted = StoredTotal, SOURCES[code][2], {kept.id: kept.month for kept in some}
    keys = (one.stream, one.month_id, one.service_month)
    statement = (
        select(*keys, func.sum(stored.FEN))
        .where(stored.of_months(some), one.stream.is_not(None), _of(code, one.kind, one.account))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        Piece(stream or "", posted[month], service, sign * int(amount))
        for stream, month, service, amount in db.session.execute(statement)
    ]


def posted(
    code: str, until: datetime, start: date, end: date, *, streams: frozenset[str] | None = None,
    parties: frozenset[int] | None = None, line: int = 0,
) -> list[Posted]:  # fmt: skip
    """Return the sides of entries behind the same sums, in the order of their days."""
    statement = _joined(
        select(
            JournalLine.order_line_id, OrderLine.stream, Order.party_id, JournalEntry.posted_on,
            JournalEntry.service_month, JournalEntry.kind, JournalEntry.source, FEN,
        ).select_from(JournalLine),
        code, until,
    ).join(Order, Order.id == OrderLine.order_id).where(JournalEntry.posted_on.between(start, end))  # fmt: skip
    if streams is not None:
        statement = statement.where(OrderLine.stream.in_(sorted(streams)))
    if parties is not None:
        statement = statement.where(Order.party_id.in_(sorted(parties)))
    if line:
        statement = statement.where(JournalLine.order_line_id == line)
    sign = SOURCES[code][2]
    ordered = statement.order_by(JournalEntry.posted_on, JournalEntry.id, JournalLine.id)
    return [
        Posted(row[0], row[1], row[2], row[3], row[4], row[5], row[6], sign * int(row[7]))
        for row in db.session.execute(ordered)
    ]
