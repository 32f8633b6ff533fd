"""Sums that the database makes over the journal as known on a day: by stream and day, by contract line, by invoice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, func, or_, select, type_coerce

from portal.billing import ledger
from portal.billing.models import OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import clock
from portal.core.db import db
from portal.reports.dates import not_of
from portal.reports.stored import reading as stored
from portal.reports.stored.models import StoredTotal

CONTRACT = (ledger.DEFERRED, ledger.CONTRACT_ASSET)
RECEIVABLE = (ledger.RECEIVABLE, ledger.REVALUATION)
CASH = (ledger.BANK, ledger.STRIPE, ledger.TEST_GATEWAY)
RECENT = timedelta(days=366)
FEN = type_coerce(JournalLine.amount, BigInteger)
INCOME = JournalLine.account.startswith(f"{ledger.INCOME}.", autoescape=True)


class Pool(NamedTuple):
    """What moved on an account on a day for one stream (None: for no contract line), in fen, debit positive."""

    kind: str
    account: str
    stream: str | None
    day: date
    amount: int


class Standing(NamedTuple):
    """One contract line at the end of a period, in fen: its contract balance, and its income to date."""

    contract: int = 0
    income: int = 0


class Settled(NamedTuple):
    """One entry that put money on an invoice: by which allocation, the fen taken off the receipt and off the invoice, since when."""

    allocation_id: int
    cash: int
    settled: int
    known_at: datetime


class SentBack(NamedTuple):
    """One refund that left: its day, the fen that went, and since when that is known."""

    refund_id: int
    day: date
    amount: int
    known_at: datetime


def _sum(*conditions: ColumnElement[bool], sign: int = 1) -> ColumnElement[Any]:
    amount = FEN if sign > 0 else -FEN
    return func.coalesce(func.sum(case((and_(*conditions), amount), else_=0)), 0)


def _known(statement: Select[*tuple[Any, ...]], until: datetime) -> Select[*tuple[Any, ...]]:
    return statement.join(JournalEntry, JournalEntry.id == JournalLine.entry_id).where(
        JournalEntry.known_at <= until
    )


def _stood(statement: Select[*tuple[Any, ...]], until: datetime, day: date) -> Select[*tuple[Any, ...]]:
    """Narrow a statement to sides of entries posted by a day and known at an instant.

    Of the last year nearly all are, and those that are not are few: they are left out, and the others need no entry read.
    """
    if min(day, until.date()) < clock.today() - RECENT:
        return _known(statement, until).where(JournalEntry.posted_on <= day)
    others = or_(JournalEntry.posted_on > day, JournalEntry.known_at > until)
    return statement.where(not_of(JournalLine.entry_id, JournalEntry.id, others))


def pools(until: datetime, start: date, end: date) -> list[Pool]:
    """Return the movements of `[start, end]` known at an instant, summed by kind, account, stream and day.

    Those of months whose totals are stored stand on the month's first day.
    """
    some, one = stored.within(until, start, end), StoredTotal
    keys = (JournalEntry.kind, JournalLine.account, OrderLine.stream, JournalEntry.posted_on)
    statement = _known(select(*keys, func.sum(FEN)), until).where(
        stored.open_days(JournalEntry.posted_on, some, start, end)
    )
    summed = statement.outerjoin(OrderLine, OrderLine.id == JournalLine.order_line_id).group_by(*keys)
    rows: list[tuple[Any, ...]] = [tuple(row) for row in db.session.execute(summed)]
    if some:
        held = (one.kind, one.account, one.stream, one.month_id)
        totals = select(*held, func.sum(stored.FEN)).where(stored.of_months(some)).group_by(*held)
        months = {kept.id: kept.month for kept in some}
        rows += [(*row[:3], months[row[3]], row[4]) for row in db.session.execute(totals)]
    return [Pool(kind, account, stream, day, int(amount)) for kind, account, stream, day, amount in rows]


def _of_lines(*sums: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    key = JournalLine.order_line_id
    return select(key, *sums).where(key.is_not(None)).group_by(key)


def standings(until: datetime, end: date) -> dict[int, Standing]:
    """Return where each contract line stands when a day has ended."""
    income = _sum(INCOME, sign=-1)
    statement = _of_lines(func.sum(-FEN) - income, income).where(
        or_(JournalLine.account.in_(CONTRACT), INCOME)
    )
    statement = _stood(statement, until, end)
    return {line: Standing(int(left), int(fen)) for line, left, fen in db.session.execute(statement)}


def balances(until: datetime, day: date) -> dict[int, int]:
    """Return the contract lines on which something stands when a day has ended, with deferred less contract asset."""
    left = func.sum(-FEN)
    statement = _stood(_of_lines(left).where(JournalLine.account.in_(CONTRACT)), until, day)
    return {line: int(fen) for line, fen in db.session.execute(statement.having(left != 0))}


def balance(until: datetime, day: date) -> int:
    """Return deferred less contract asset of all contract lines when a day has ended; of stored months by their totals."""
    some, total = stored.within(until, date.min, day), StoredTotal
    entries = _known(select(func.coalesce(func.sum(-FEN), 0)).select_from(JournalLine), until).where(
        JournalLine.order_line_id.is_not(None),
        JournalLine.account.in_(CONTRACT),
        stored.open_days(JournalEntry.posted_on, some, date.min, day),
    )
    left = int(db.session.scalar(entries) or 0)
    if some:
        kept = select(func.coalesce(func.sum(-stored.FEN), 0)).where(
            stored.of_months(some), total.stream.is_not(None), total.account.in_(CONTRACT)
        )
        left += int(db.session.scalar(kept) or 0)
    return left


def income(until: datetime, start: date, end: date) -> dict[int, int]:
    """Return the income of a period booked on each contract line."""
    statement = _known(_of_lines(func.sum(-FEN)), until).where(
        JournalEntry.posted_on.between(start, end), INCOME
    )
    return {line: int(fen) for line, fen in db.session.execute(statement)}


def invoiced(until: datetime) -> dict[int, int]:
    """Return the net of the invoices known at an instant on each contract line, void ones taken out."""
    statement = _known(_of_lines(func.sum(-FEN)), until).where(
        JournalEntry.kind.in_(("invoice", "void")), or_(JournalLine.account.in_(CONTRACT), INCOME)
    )
    return {line: int(fen) for line, fen in db.session.execute(statement)}


def owed(until: datetime, day: date) -> Iterator[tuple[int, int]]:
    """Yield each invoice of which something is owed when a day has ended, with what, as the books carry it."""
    key, left = JournalLine.invoice_id, func.sum(FEN)
    statement = _receivable(select(key, left), until, day).group_by(key).having(left != 0)
    for number, fen in db.session.execute(statement.order_by(key)):
        yield number, int(fen)


def owed_in_all(until: datetime, day: date) -> int:
    """Return what is owed of all invoices when a day has ended."""
    return int(db.session.scalar(_receivable(select(func.coalesce(func.sum(FEN), 0)), until, day)) or 0)


def _receivable(statement: Select[*tuple[Any, ...]], until: datetime, day: date) -> Select[*tuple[Any, ...]]:
    some = JournalLine.invoice_id.is_not(None), JournalLine.account.in_(RECEIVABLE)
    return _stood(statement.select_from(JournalLine).where(*some), until, day)


def settled(until: datetime) -> Iterator[Settled]:
    """Yield what each entry put on an invoice, in the order they were booked."""
    one = JournalLine.account
    statement = select(
        JournalEntry.source, _sum(one == ledger.CREDIT), _sum(one == ledger.RECEIVABLE, sign=-1), JournalEntry.known_at
    )  # fmt: skip
    rows = _known(statement.select_from(JournalLine), until).where(JournalEntry.kind == "allocation")
    for source, cash, amount, known in db.session.execute(
        rows.group_by(JournalEntry.id, JournalEntry.source, JournalEntry.known_at).order_by(JournalEntry.id)
    ):
        yield Settled(int(source.partition(":")[2]), int(cash), int(amount), known)


def sent_back(until: datetime) -> Iterator[SentBack]:
    """Yield each refund that left."""
    keys = (JournalEntry.source, JournalEntry.posted_on, JournalEntry.known_at)
    statement = _known(select(*keys, func.sum(-FEN)).select_from(JournalLine), until)
    rows = statement.where(JournalEntry.kind == "refund_done", JournalLine.account.in_(CASH)).group_by(*keys)
    for source, day, known, amount in db.session.execute(rows.order_by(func.min(JournalLine.id))):
        yield SentBack(int(source.partition(":")[2]), day, int(amount), known)
