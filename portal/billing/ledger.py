"""The journal: every movement one balanced entry, posted once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing.models import Invoice, OrderLine, Party
from portal.billing.money_models import JournalEntry, JournalLine, Receipt
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money

BANK, STRIPE, TEST_GATEWAY = "1002", "1012", "1019"
RECEIVABLE, DEFERRED, CREDIT, UNIDENTIFIED, VAT, REFUNDS = "1122", "2203", "2205", "2206", "2221", "2241"
CONTRACT_ASSET, REVALUATION, DISPUTED, OUTSIDE = "1125", "1129", "1131", "1900"
INCOME, FEES, EXCHANGE, BAD_DEBT = "6001", "6602", "6603", "6701"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry to be posted: debit positive, credit negative."""

    account: str
    amount: Money
    party: Party | None = None
    invoice: Invoice | None = None
    order_line: OrderLine | None = None
    receipt: Receipt | None = None


def post(
    kind: str, source: str, lines: list[Line], *, on: date, n: int = 1, reverses: int | None = None
) -> JournalEntry | None:
    """Book one movement; None if every line is zero. The only writer of the journal.

    Raises ValueError when the lines do not sum to zero: that is a bug, never a refusal.
    """
    kept = [line for line in lines if line.amount]
    if sum(line.amount.minor for line in kept) != 0:
        raise ValueError(f"{kind} {source} does not balance")
    if not kept:
        return None
    entry = JournalEntry(
        kind=kind, source=source, n=n, posted_on=on, service_month=on.replace(day=1), reverses_id=reverses
    )
    db.session.add(entry)
    for line in kept:
        db.session.add(
            JournalLine(
                entry=entry,
                account=line.account,
                amount=line.amount,
                party_id=line.party.id if line.party else None,
                invoice_id=line.invoice.id if line.invoice else None,
                order_line_id=line.order_line.id if line.order_line else None,
                receipt_id=line.receipt.id if line.receipt else None,
            )
        )
    db.session.flush()
    return entry


def mirror(entry: JournalEntry, kind: str) -> JournalEntry:
    """Book the opposite of an entry, once."""
    fresh = JournalEntry(
        kind=kind, source=entry.source, n=entry.n, posted_on=clock.today(),
        service_month=clock.today().replace(day=1), reverses_id=entry.id,
    )  # fmt: skip
    db.session.add(fresh)
    for line in entry.lines:
        db.session.add(
            JournalLine(
                entry=fresh,
                account=line.account,
                amount=-line.amount,
                party_id=line.party_id,
                invoice_id=line.invoice_id,
                order_line_id=line.order_line_id,
                receipt_id=line.receipt_id,
            )
        )
    db.session.flush()
    return fresh


def next_n(kind: str, source: str) -> int:
    """Return the next free number of entries of a kind about one thing."""
    last = select(func.max(JournalEntry.n)).where(JournalEntry.kind == kind, JournalEntry.source == source)
    return (db.session.scalar(last) or 0) + 1


def find(kind: str, source: str, n: int = 1) -> JournalEntry | None:
    """Return an entry by what it books."""
    return db.session.scalars(
        select(JournalEntry).where(
            JournalEntry.kind == kind, JournalEntry.source == source, JournalEntry.n == n
        )
    ).first()


def balance(account: str, *, party: Party | None = None) -> Money:
    """Return what stands on an account, debit positive."""
    statement = select(func.coalesce(func.sum(JournalLine.amount), 0)).where(JournalLine.account == account)
    if party is not None:
        statement = statement.where(JournalLine.party_id == party.id)
    found = db.session.scalar(statement)
    return found if isinstance(found, Money) else Money(int(found or 0))


def refuse_future(day: date) -> None:
    """Refuse a day that has not come."""
    if day > clock.today():
        raise Refused(_l("This day has not come yet."), field="received_on", status=422)
