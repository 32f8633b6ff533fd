"""The journal: every movement one balanced entry, posted once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing import months
from portal.billing.kinds import KINDS
from portal.billing.models import Invoice, OrderLine, Party
from portal.billing.money_models import JournalEntry, JournalLine, Receipt
from portal.core import catalogue, clock
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Refused
from portal.core.money import Money

BANK, STRIPE, TEST_GATEWAY = "1002", "1012", "1019"
RECEIVABLE, DEFERRED, CREDIT, UNIDENTIFIED, VAT, REFUNDS = "1122", "2203", "2205", "2206", "2221", "2241"
CONTRACT_ASSET, REVALUATION, DISPUTED, OUTSIDE = "1125", "1129", "1131", "1900"
INCOME, FEES, EXCHANGE, BAD_DEBT = "6001", "6602", "6603", "6701"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry to be posted: debit positive, credit negative, in CNY; `units` in another currency."""

    account: str
    amount: Money
    party: Party | None = None
    invoice: Invoice | None = None
    order_line: OrderLine | None = None
    receipt: Receipt | None = None
    currency: str = LEDGER_CURRENCY
    units: int | None = None


def income(stream: str) -> str:
    """Return the account on which a stream's income lies."""
    return f"{INCOME}.{stream}"


def chart() -> dict[str, dict[str, Any]]:
    """Return the chart of accounts: names in both languages, kind, and by what each is kept."""
    return catalogue.entries("account")


def post(
    kind: str, source: str, lines: list[Line], *, on: date, n: int = 1, reverses: int | None = None,
    service: date | None = None, known_at: datetime | None = None, at_end: bool = False, reason: str = "",
) -> JournalEntry | None:  # fmt: skip
    """Book one movement; None if every line is zero. The only writer of the journal.

    `on` is the day of the fact, `service` a day of the month it belongs to (default: the fact's own); it is posted
    in the first month from that one on that is open, on the fact's day or (`at_end`, or if that day lies elsewhere)
    the month's last. `reason` lets finance post into a month proposed for closing. Raises ValueError when the lines
    do not sum to zero or name an account that is not on the chart, or the kind has no name: bugs, never refusals.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} has no name: billing/kinds.py gives each kind of entry one")
    kept = [line for line in lines if line.amount or line.units]
    if sum(line.amount.minor for line in kept) != 0:
        raise ValueError(f"{kind} {source} does not balance")
    if len({line.currency for line in kept}) == 1 and sum(line.units or 0 for line in kept) != 0:
        raise ValueError(f"{kind} {source} does not balance in {kept[0].currency}")
    known = chart()
    if unknown := {line.account for line in kept if known and line.account.split(".")[0] not in known}:
        raise ValueError(f"{kind} {source} names no account of the chart: {sorted(unknown)}")
    if not kept:
        return None
    month = (service or on).replace(day=1)
    entry = JournalEntry(
        kind=kind, source=source, n=n, service_month=month, reverses_id=reverses, reason=reason,
        posted_on=months.posting_day(month, on, at_end=at_end, reason=reason), known_at=known_at or clock.now(),
    )  # fmt: skip
    db.session.add(entry)
    for line in kept:
        db.session.add(
            JournalLine(
                entry=entry,
                account=line.account,
                amount=line.amount,
                currency=line.currency,
                units=line.units,
                party_id=line.party.id if line.party else None,
                invoice_id=line.invoice.id if line.invoice else None,
                order_line_id=line.order_line.id if line.order_line else None,
                receipt_id=line.receipt.id if line.receipt else None,
            )
        )
    db.session.flush()
    return entry


def mirror(entry: JournalEntry, kind: str) -> JournalEntry:
    """Book the opposite of an entry, once, in the first month from today's on that is open."""
    if kind not in KINDS:
        raise ValueError(f"{kind} has no name: billing/kinds.py gives each kind of entry one")
    today = clock.today()
    fresh = JournalEntry(
        kind=kind, source=entry.source, n=entry.n, posted_on=months.posting_day(today.replace(day=1), today),
        service_month=today.replace(day=1), reverses_id=entry.id,
    )  # fmt: skip
    db.session.add(fresh)
    for line in entry.lines:
        db.session.add(
            JournalLine(
                entry=fresh,
                account=line.account,
                amount=-line.amount,
                currency=line.currency,
                units=None if line.units is None else -line.units,
                party_id=line.party_id,
                invoice_id=line.invoice_id,
                order_line_id=line.order_line_id,
                receipt_id=line.receipt_id,
            )
        )
    db.session.flush()
    return fresh


def _sum(column: Any, *conditions: Any) -> int:
    found = db.session.scalar(select(func.coalesce(func.sum(column), 0)).where(*conditions))
    return found.minor if isinstance(found, Money) else int(found or 0)


def of_line(line: OrderLine, *accounts: str) -> int:
    """Return what stands on accounts for one order line, in fen, debit positive."""
    return _sum(JournalLine.amount, JournalLine.order_line_id == line.id, JournalLine.account.in_(accounts))


def of_invoice(invoice: Invoice, account: str) -> int:
    """Return what stands on an account for one invoice, in fen, debit positive."""
    return _sum(JournalLine.amount, JournalLine.invoice_id == invoice.id, JournalLine.account == account)


def taken_first(
    line: OrderLine, amount: int, first: str, then: str, *, party: Party, invoice: Invoice | None = None
) -> list[Line]:
    """Return the sides that take `amount` (its sign is the side's) from `first` as far as that stands, the rest on `then`.

    2203 and 1125 are kept for each line of an order by itself: never netted against another line's.
    """
    there = max(0, of_line(line, first) * (-1 if amount > 0 else 1))
    part = min(abs(amount), there) * (1 if amount > 0 else -1)
    return [
        Line(first, Money(part), party, invoice, line), Line(then, Money(amount - part), party, invoice, line)
    ]  # fmt: skip


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
