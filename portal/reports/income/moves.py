"""What the journal says of contract lines, summed for pages and line by line for the rows behind them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, or_, select

from portal.billing import ledger, months
from portal.billing.models import Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.reports.journal import CONTRACT, FEN, INCOME

ISSUED, NOTED = ("invoice", "void"), ("credit_note",)
NET = or_(JournalLine.account.in_(CONTRACT), INCOME)
TAX = JournalLine.account == ledger.VAT
# By code: the entries and accounts it is read from, and the sign that makes income and invoices positive.
SOURCES: dict[str, tuple[Any, int]] = {
    "invoiced_net": (and_(JournalEntry.kind.in_(ISSUED), NET), -1),
    "invoiced_tax": (and_(JournalEntry.kind.in_(ISSUED), TAX), -1),
    "credited_net": (and_(JournalEntry.kind.in_(NOTED), NET), 1),
    "credited_tax": (and_(JournalEntry.kind.in_(NOTED), TAX), 1),
    "recognised": (INCOME, -1),
}


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


def _within(
    statement: Select[*tuple[Any, ...]], code: str, until: datetime, start: date, end: date
) -> Select[*tuple[Any, ...]]:
    return (
        statement.join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .where(SOURCES[code][0], JournalEntry.known_at <= until, JournalEntry.posted_on.between(start, end))
    )


def pieces(code: str, until: datetime, start: date, end: date, *, by_line: bool = False) -> list[Piece]:
    """Return what moved in `[start, end]` as known at an instant, by stream, day and month of service, and by line."""
    keys: list[Any] = [OrderLine.stream, JournalEntry.posted_on, JournalEntry.service_month]
    if by_line:
        keys.append(JournalLine.order_line_id)
    statement = _within(select(*keys, func.sum(FEN)).select_from(JournalLine), code, until, start, end)
    sign = SOURCES[code][1]
    return [
        Piece(row[0], months.first_of(row[1]), row[2], sign * int(row[-1]), row[3] if by_line else 0)
        for row in db.session.execute(statement.group_by(*keys).order_by(*keys))
    ]


def posted(
    code: str, until: datetime, start: date, end: date, *, streams: frozenset[str] | None = None,
    parties: frozenset[int] | None = None, line: int = 0,
) -> list[Posted]:  # fmt: skip
    """Return the sides of entries behind the same sums, in the order of their days."""
    statement = _within(
        select(
            JournalLine.order_line_id, OrderLine.stream, Order.party_id, JournalEntry.posted_on,
            JournalEntry.service_month, JournalEntry.kind, JournalEntry.source, FEN,
        ).select_from(JournalLine),
        code, until, start, end,
    ).join(Order, Order.id == OrderLine.order_id)  # fmt: skip
    if streams is not None:
        statement = statement.where(OrderLine.stream.in_(sorted(streams)))
    if parties is not None:
        statement = statement.where(Order.party_id.in_(sorted(parties)))
    if line:
        statement = statement.where(JournalLine.order_line_id == line)
    sign = SOURCES[code][1]
    ordered = statement.order_by(JournalEntry.posted_on, JournalEntry.id, JournalLine.id)
    return [
        Posted(row[0], row[1], row[2], row[3], row[4], row[5], row[6], sign * int(row[7]))
        for row in db.session.execute(ordered)
    ]
