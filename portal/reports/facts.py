"""What the report needs to know of contracts, invoices, plans and money as known on a day, beside the journal's sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, selectinload

from portal.accounts.organisations import Organisation, called
from portal.accounts.people import Person
from portal.billing import months
from portal.billing.book_models import Segment
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, Order, OrderLine, Party
from portal.billing.money_models import Allocation, Receipt, Refund
from portal.billing.note_models import CreditNote, NoteState
from portal.billing.plans import DAY
from portal.billing.pricing import split
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money
from portal.core.periods import earned
from portal.reports import journal
from portal.reports.journal import Pool, Standing

NEVER = Standing()


@dataclass(frozen=True, slots=True)
class Sold:
    """One contract line; `waived` is the net of its list price less its net."""

    stream: str
    party_id: int
    method: str
    net: int
    waived: int
    agreed_on: date | None
    period: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice: gross and tax in fen, when it is due, and how its gross is spread over lines."""

    due_on: date | None
    gross: int
    tax: int
    lines: list[tuple[int, int, int]]  # order line, gross, net


@dataclass(frozen=True, slots=True)
class Planned:
    """Fen earned evenly over `[starts, ends)`, or up to the day before `cut_on`."""

    starts: date
    ends: date
    amount: int
    cut_on: date | None

    def earned_by(self, day: date) -> int:
        """Return the fen that are earned when a day has ended."""
        if self.cut_on is not None and self.cut_on <= day:
            day = self.cut_on - DAY
        if day >= self.ends:
            return self.amount
        return 0 if day < self.starts else earned(self.amount, self.starts, self.ends, day)


@dataclass(frozen=True, slots=True)
class Put:
    """Which receipt an allocation takes from, for which invoice, and the receipt's value date."""

    receipt_id: int
    invoice_id: int
    day: date


@dataclass
class Facts:
    """What was known on a day, for a period `[start, end]` of whole months."""

    known: date
    start: date
    end: date
    until: datetime
    pools: list[Pool] = field(default_factory=list)
    lines: dict[int, Standing] = field(default_factory=dict)
    owed: dict[int, int] = field(default_factory=dict)
    owed_before: int = 0
    sold: dict[int, Sold] = field(default_factory=dict)
    bills: dict[int, Bill] = field(default_factory=dict)
    plans: dict[int, list[Planned]] = field(default_factory=lambda: defaultdict(list))
    usage: list[tuple[int, date, int]] = field(default_factory=list)
    ended: list[tuple[int, date, int, int]] = field(default_factory=list)
    puts: dict[int, Put] = field(default_factory=dict)
    notes: list[CreditNote] = field(default_factory=list)

    def stream(self, line_id: int) -> str:
        """Return the stream a line was sold under."""
        return self.sold[line_id].stream

    def line(self, line_id: int) -> Standing:
        """Return where a line stands in the journal; nothing if it never was there."""
        return self.lines.get(line_id, NEVER)


def _fen(column: InstrumentedAttribute[Any]) -> Any:
    return type_coerce(column, BigInteger)


def gather(known: date, start: date, end: date, *, at: datetime | None = None) -> Facts:
    """Read everything about a period that was known at the end of a day, or at an instant of it."""
    until = at or months.end_of(known)
    facts = Facts(known, start, end, until)
    facts.pools = journal.pools(until, min(start, date(end.year, 1, 1)), end)
    facts.lines = journal.standings(until, start, end, months.first_of(min(end, known, clock.today())))
    for number, before, after in journal.owed(until, start, end):
        facts.owed_before += before
        facts.owed[number] = after
    _contracts(facts, until)
    _bills(facts)
    _plans(facts, until)
    puts = select(Allocation.id, Allocation.receipt_id, Allocation.invoice_id, Receipt.received_on)
    for number, receipt, invoice, day in db.session.execute(
        puts.join(Receipt, Receipt.id == Allocation.receipt_id)
    ):
        facts.puts[number] = Put(receipt, invoice, day)
    notes = select(CreditNote).where(CreditNote.state == NoteState.ISSUED, CreditNote.issued_on <= known)
    lines = selectinload(CreditNote.lines)
    facts.notes = list(db.session.scalars(notes.order_by(CreditNote.id).options(lines)))
    return facts


def _contracts(facts: Facts, until: datetime) -> None:
    one = OrderLine
    statement = (
        select(
            one.id, one.stream, Order.party_id, one.recognition, _fen(one.net), _fen(one.list_amount), one.agreed_on,
            _fen(one.discount), one.tax_bp, one.period_start, one.period_end,
        ).join(Order, Order.id == one.order_id).where(Order.placed_at <= until)
    )  # fmt: skip
    for row in db.session.execute(statement.order_by(one.id)):
        agreed = row[6] if row[6] is not None and row[6] <= facts.known else None
        waived = split(row[5], row[8] or 0).net - row[4] if row[7] else 0
        period = (row[9], row[10]) if row[9] is not None and row[10] is not None else None
        facts.sold[row[0]] = Sold(row[1], row[2], row[3], row[4], waived, agreed, period)


def _bills(facts: Facts) -> None:
    statement = select(Invoice.id, Invoice.due_on, _fen(Invoice.gross), _fen(Invoice.tax))
    for number, due, gross, tax in db.session.execute(statement.where(Invoice.number.is_not(None))):
        facts.bills[number] = Bill(due, gross, tax, [])
    one = InvoiceLine
    lines = select(one.invoice_id, one.order_line_id, _fen(one.gross), _fen(one.net)).order_by(one.id)
    for number, line, gross, net in db.session.execute(lines):
        if number in facts.bills:
            facts.bills[number].lines.append((line, gross, net))
    # What an invoice of a change takes back of the line that it ends: a line of another order. What it takes off within
    # a line of its own is in that line's net already.
    back = (
        select(one.order_line_id, Invoice.issued_on, _fen(one.net), Invoice.id).join(Invoice).join(OrderLine)
    )
    issued = Invoice.issued_on <= facts.known, Invoice.state != InvoiceState.VOID
    ended = one.net < Money(0), OrderLine.order_id != Invoice.order_id
    facts.ended = [
        (line, day, net, bill)
        for line, day, net, bill in db.session.execute(back.where(*ended, *issued).order_by(one.id))
    ]


def _plans(facts: Facts, until: datetime) -> None:
    one = Segment
    statement = select(
        one.order_line_id, one.starts, one.ends, _fen(one.amount), one.cut_on, one.cut_known_at,
        one.key.startswith("usage:", autoescape=True),
    ).where(one.known_at <= until)  # fmt: skip
    for line_id, starts, ends, amount, cut_on, cut_known, used in db.session.execute(statement):
        cut = cut_on if cut_known is not None and cut_known <= until else None
        facts.plans[line_id].append(Planned(starts, ends, amount, cut))
        if used:
            facts.usage.append((line_id, starts, amount))


def party_names() -> dict[int, str]:
    """Return what everybody who ordered something is called on paper, by the party's number."""
    one = Organisation
    statement = (
        select(
            Party.id, Party.title, Person.name, one.legal_name, one.legal_name_en, one.display_name_zh,
            one.display_name_en,
        )
        .outerjoin(one, one.id == Party.org_id)
        .outerjoin(Person, Person.id == Party.person_id)
        .where(Party.id.in_(select(Order.party_id)))
    )  # fmt: skip
    return {
        number: title or person or called(*names)
        for number, title, person, *names in db.session.execute(statement)
    }


def refunds() -> dict[int, int]:
    """Return of which receipt each refund is."""
    rows = db.session.execute(select(Refund.id, Refund.receipt_id))
    return {row.id: row.receipt_id for row in rows}
