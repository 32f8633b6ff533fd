"""A statement of account: what one payer owed, what came and went, and what is left, from the journal alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import Subquery, func, select

from portal.billing import kinds, ledger, queries
from portal.billing.models import Invoice, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money

NONE = Money(0)
# Between these accounts money of one payer moves without changing what he owes: putting a receipt on an invoice
# is no line of a statement, the receipt is.
OWN = (ledger.RECEIVABLE, ledger.CREDIT, ledger.DISPUTED)
MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: what it is, of which document, what it charges (or, negative, credits), and what is owed then."""

    day: date
    kind: str
    document: str
    invoice: Invoice | None
    amount: Money
    balance: Money

    @property
    def charge(self) -> Money:
        """What it adds to the debt."""
        return max(self.amount, NONE)

    @property
    def credit(self) -> Money:
        """What it takes off the debt."""
        return max(-self.amount, NONE)

    @property
    def words(self) -> str:
        """What it is called in the reader's language."""
        return kinds.to_payer(self.kind)


@dataclass(frozen=True, slots=True)
class Account:
    """A payer's account over a period, both days inclusive. Above zero the payer owes, below it is the payer's credit."""

    party: Party
    start: date
    end: date
    opening: Money
    lines: tuple[Line, ...]
    closing: Money

    @property
    def charged(self) -> Money:
        """All that was added to the debt in the period."""
        return sum((line.charge for line in self.lines), NONE)

    @property
    def credited(self) -> Money:
        """All that was taken off it."""
        return sum((line.credit for line in self.lines), NONE)


def _money(value: object) -> Money:
    return value if isinstance(value, Money) else Money(int(str(value or 0)))


def _net(party: Party) -> Subquery:
    return (
        select(
            JournalEntry.id,
            JournalEntry.posted_on,
            JournalEntry.kind,
            func.sum(JournalLine.amount).label("net"),
            func.max(JournalLine.invoice_id).label("invoice_id"),
            func.max(JournalLine.receipt_id).label("receipt_id"),
        )
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(JournalLine.party_id == party.id, JournalLine.account.in_(OWN))
        .group_by(JournalEntry.id, JournalEntry.posted_on, JournalEntry.kind)
        .subquery()
    )


def account(party: Party, start: date, end: date) -> Account:
    """Return a payer's statement over a period; `Refused` when it is turned round or too long to be read."""
    if start > end:
        raise Refused(_l("The first day lies after the last one."), field="start", status=422)
    net = _net(party)
    columns = net.c
    before = db.session.scalar(select(func.sum(columns.net)).where(columns.posted_on < start))
    rows = db.session.execute(
        select(net)
        .where(columns.posted_on >= start, columns.posted_on <= end, columns.net != NONE)
        .order_by(columns.posted_on, columns.id)
        .limit(MOST_LINES + 1)
    ).all()
    if len(rows) > MOST_LINES:
        raise Refused(_l("This period has too many lines. Please ask for a shorter one."), status=422)
    opening = balance = _money(before)
    wanted = {row.invoice_id for row in rows}, {row.receipt_id for row in rows}
    invoices = {one.id: one for one in db.session.scalars(select(Invoice).where(Invoice.id.in_(wanted[0])))}
    receipts = queries.references(wanted[1])
    lines = []
    for row in rows:
        amount = _money(row.net)
        balance += amount
        invoice, paid = invoices.get(row.invoice_id), receipts.get(row.receipt_id, "")
        document = str(invoice.number or "") if invoice is not None else paid
        lines.append(Line(row.posted_on, row.kind, document, invoice, amount, balance))
    return Account(party, start, end, opening, tuple(lines), balance)
