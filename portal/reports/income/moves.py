"""What the journal says of contract lines, summed for pages and line by line for the rows behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from portal.billing import ledger, months
from portal.billing.models import Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.reports.dates import month
from portal.reports.journal import CONTRACT, FEN
from portal.reports.stored import reading as stored
from portal.reports.stored.models import StoredTotal

INVOICED, CREDITED = ("invoice", "void"), ("credit_note",)
TAKEN_BACK = ("credit_note", "void")
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


# What sums can be kept apart by: the cells of a statement; days stand for their months.
GRAINS: dict[str, ColumnElement[Any]] = {
    "stream": OrderLine.stream.expression,
    "month": JournalEntry.posted_on.expression,
    "party": Order.party_id.expression,
    "line": OrderLine.id.expression,
}
USAGE, NONE = "usage", "none"


class Piece(NamedTuple):
    """Fen of a stream in a posting month, of a month of service; of a contract line where it is not read from the journal."""

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


def _of_some(
    statement: Select[*tuple[Any, ...]], streams: frozenset[str] | None, parties: frozenset[int] | None
) -> Select[*tuple[Any, ...]]:
    """Narrow a statement to some streams and to some payers."""
    if streams is not None:
        statement = statement.where(OrderLine.stream.in_(sorted(streams)))
    if parties is not None:
        statement = statement.where(Order.party_id.in_(sorted(parties)))
    return statement


def pieces(
    code: str, until: datetime, start: date, end: date, *, streams: frozenset[str] | None = None,
    parties: frozenset[int] | None = None,
) -> list[Piece]:  # fmt: skip
    """Return what moved in `[start, end]` as known at an instant, by stream, month and month of service.

    Unless it is asked of some payers, months whose totals are stored are read from there.
    """
    keys = (OrderLine.stream, JournalEntry.posted_on, JournalEntry.service_month)
    some = stored.within(until, start, end) if parties is None else []
    days = stored.open_days(JournalEntry.posted_on, some, start, end)
    statement = _joined(select(*keys, func.sum(FEN)).select_from(JournalLine), code, until).where(days)
    if parties is not None:
        statement = statement.join(Order, Order.id == OrderLine.order_id)
    statement = _of_some(statement, streams, parties)
    sign = SOURCES[code][2]
    found = [one for one in _totals(code, some) if streams is None or one.stream in streams]
    found += [
        Piece(stream, months.first_of(day), service, sign * int(amount))
        for stream, day, service, amount in db.session.execute(statement.group_by(*keys).order_by(*keys))
    ]
    return found


def agreed_by(known: date) -> ColumnElement[str]:
    """Return the month in which a line was booked, as `Books.agreed` says it."""
    one = OrderLine
    when = case((one.agreed_on <= known, month(one.agreed_on)), else_=NONE)
    return case((one.recognition == "usage", USAGE), else_=when)


def sums(
    code: str, until: datetime, start: date, end: date, grains: Sequence[str], *, known: date,
    streams: frozenset[str] | None = None, parties: frozenset[int] | None = None,
) -> dict[tuple[Any, ...], int]:  # fmt: skip
    """Return what moved in `[start, end]` as known at an instant, summed by grains: `stream`, `month`, `party`, `line`, `agreed`."""
    keys = [agreed_by(known) if grain == "agreed" else GRAINS[grain] for grain in grains]
    # Grouped by their names: the same words with other numbers would be another expression to the database.
    named = [key.label(f"by_{grain}") for key, grain in zip(keys, grains, strict=True)]
    statement = _joined(select(*named, func.sum(FEN)).select_from(JournalLine), code, until)
    statement = statement.join(Order, Order.id == OrderLine.order_id)
    statement = _of_some(statement.where(JournalEntry.posted_on.between(start, end)), streams, parties)
    sign, at = SOURCES[code][2], grains.index("month") if "month" in grains else None
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for *key, amount in db.session.execute(statement.group_by(*(one.name for one in named))):
        if at is not None:
            key[at] = months.first_of(key[at])
        found[tuple(key)] += sign * int(amount)
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
    parties: frozenset[int] | None = None, line: int = 0, apart: bool = False,
) -> list[Posted]:  # fmt: skip
    """Return the sides of entries behind the same sums, in the order of their days; `apart`: those alone that are corrections.

    A correction was posted in a later month than that of its service, or takes back what was invoiced.
    """
    statement = _joined(
        select(
            JournalLine.order_line_id, OrderLine.stream, Order.party_id, JournalEntry.posted_on,
            JournalEntry.service_month, JournalEntry.kind, JournalEntry.source, FEN,
        ).select_from(JournalLine),
        code, until,
    ).join(Order, Order.id == OrderLine.order_id).where(JournalEntry.posted_on.between(start, end))  # fmt: skip
    statement = _of_some(statement, streams, parties)
    if line:
        statement = statement.where(JournalLine.order_line_id == line)
    if apart:
        late = month(JournalEntry.posted_on) > month(JournalEntry.service_month)
        statement = statement.where(or_(late, JournalEntry.kind.in_(TAKEN_BACK)))
    sign = SOURCES[code][2]
    ordered = statement.order_by(JournalEntry.posted_on, JournalEntry.id, JournalLine.id)
    return [
        Posted(row[0], row[1], row[2], row[3], row[4], row[5], row[6], sign * int(row[7]))
        for row in db.session.execute(ordered)
    ]
