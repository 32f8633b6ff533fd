"""Receivables in other currencies at a month's end: carried at its rate through 1129, deferred income stays as invoiced."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from portal.billing import exchange, ledger, months
from portal.billing.ledger import Line
from portal.billing.models import Invoice
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import clock
from portal.core.db import LEDGER_CURRENCY, db, transaction
from portal.core.money import Money

KIND = "revaluation"


def _standing(end: date) -> dict[int, list[int]]:
    """Return of each invoice in another currency: units left, 1122 and 1129 in fen, as posted by a day."""
    statement = (
        select(
            JournalLine.invoice_id,
            JournalLine.account,
            func.sum(JournalLine.amount),
            func.sum(JournalLine.units),
        )
        .join(JournalEntry)
        .join(Invoice, Invoice.id == JournalLine.invoice_id)
        .where(Invoice.currency != LEDGER_CURRENCY, JournalEntry.posted_on <= end)
        .where(JournalLine.account.in_([ledger.RECEIVABLE, ledger.REVALUATION]))
        .group_by(JournalLine.invoice_id, JournalLine.account)
    )
    found: dict[int, list[int]] = {}
    for invoice_id, account, amount, units in db.session.execute(statement):
        row = found.setdefault(int(invoice_id or 0), [0, 0, 0])
        fen = amount.minor if isinstance(amount, Money) else int(amount)
        if account == ledger.RECEIVABLE:
            row[0], row[1] = int(units or 0), fen
        else:
            row[2] = fen
    return found


def _wanted(end: date) -> list[tuple[Invoice, int]]:
    """Return what 1129 of each invoice lacks to stand at the rate of a month's end; invoices without a rate are left out."""
    found = []
    for invoice_id, (units, booked, there) in sorted(_standing(end).items()):
        invoice = db.session.get_one(Invoice, invoice_id)
        rate = exchange.rate_at(invoice.currency, end)
        if rate is None:
            continue
        missing = exchange.in_books(units, invoice.currency, rate) - booked - there
        if missing:
            found.append((invoice, missing))
    return found


def currencies(end: date) -> list[str]:
    """Return the currencies in which something is still owed at a month's end."""
    open_ones = [number for number, (units, _booked, _there) in _standing(end).items() if units]
    statement = select(Invoice.currency).where(Invoice.id.in_(open_ones)).distinct()
    return sorted(db.session.scalars(statement))


def due(end: date) -> bool:
    """Whether receivables are to be revalued at a month's end."""
    return bool(_wanted(end))


def revalue(end: date) -> int:
    """Book the differences of a month's end, once; return how many invoices moved. The difference belongs to no stream."""
    moved = _wanted(end)
    for invoice, missing in moved:
        source = f"{invoice.subject}:{end:%Y-%m}"
        ledger.post(
            KIND, source,
            [
                Line(ledger.REVALUATION, Money(missing), invoice.party, invoice),
                Line(ledger.EXCHANGE, Money(-missing), invoice.party, invoice),
            ],
            on=end, n=ledger.next_n(KIND, source), known_at=max(months.end_of(end), known(invoice, end)),
        )  # fmt: skip
    return len(moved)


def known(invoice: Invoice, end: date) -> datetime:
    """Return when what a revaluation rests on was known: the last fact about the invoice up to that day."""
    found = db.session.scalar(
        select(func.max(JournalEntry.known_at))
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(JournalLine.invoice_id == invoice.id, JournalEntry.posted_on <= end)
    )
    return found if isinstance(found, datetime) else months.end_of(end)


def sweep() -> int:
    """Revalue at the end of the last month, if its rate is loaded and it is open."""
    end = months.first_of(clock.today()) - timedelta(days=1)
    with transaction():
        if months.first_of(end) in months.shut_since(months.first_of(end)):
            return 0
        return revalue(end)
