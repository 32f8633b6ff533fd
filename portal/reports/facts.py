"""The movements of the journal as known on a day, with what the report needs to know of each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select

from portal.billing import ledger, months
from portal.billing.book_models import Segment
from portal.billing.models import Invoice, InvoiceLine, Order, OrderLine, Party
from portal.billing.money_models import Allocation, JournalEntry, JournalLine, Receipt, Refund
from portal.billing.note_models import CreditNote, NoteState
from portal.billing.plans import Part, earned_by
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Move:
    """One line of the journal, in fen, with the day it is posted on."""

    kind: str
    source: str
    day: date
    service: date
    account: str
    amount: int
    line_id: int | None
    invoice_id: int | None
    receipt_id: int | None
    entry_id: int


@dataclass(frozen=True, slots=True)
class Sold:
    """One contract line."""

    stream: str
    party: str
    method: str
    net: int
    listed: int
    agreed_on: date | None


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice: gross and tax in fen, when it is due, and how its gross is spread over lines."""

    due_on: date | None
    gross: int
    tax: int
    lines: tuple[tuple[int, int, int], ...]  # order line, gross, net


@dataclass
class Facts:
    """What was known on a day."""

    known: date
    moves: list[Move] = field(default_factory=list)
    sold: dict[int, Sold] = field(default_factory=dict)
    bills: dict[int, Bill] = field(default_factory=dict)
    plans: dict[int, list[Part]] = field(default_factory=lambda: defaultdict(list))
    usage: list[tuple[int, date, int]] = field(default_factory=list)
    value_days: dict[int, date] = field(default_factory=dict)
    puts: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[CreditNote] = field(default_factory=list)
    refund_of: dict[str, int] = field(default_factory=dict)

    def stream(self, line_id: int) -> str:
        """Return the stream a line was sold under."""
        return self.sold[line_id].stream


def _fen(value: object) -> int:
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def gather(known: date) -> Facts:
    """Read everything that was known at the end of a day."""
    until = months.end_of(known)
    facts = Facts(known)
    _journal(facts, until)
    _contracts(facts, until)
    _plans(facts, until)
    facts.value_days = {row[0]: row[1] for row in db.session.execute(select(Receipt.id, Receipt.received_on))}
    puts = select(Allocation.id, Allocation.receipt_id, Allocation.invoice_id)
    facts.puts = {f"allocation:{row[0]}": (row[1], row[2]) for row in db.session.execute(puts)}
    back = select(Refund.id, Refund.receipt_id)
    facts.refund_of = {f"refund:{row[0]}": row[1] for row in db.session.execute(back)}
    notes = select(CreditNote).where(CreditNote.state == NoteState.ISSUED, CreditNote.issued_on <= known)
    facts.notes = list(db.session.scalars(notes.order_by(CreditNote.id)))
    return facts


def _journal(facts: Facts, until: datetime) -> None:
    e, one = JournalEntry, JournalLine
    rows = db.session.execute(
        select(
            e.kind, e.source, e.posted_on, e.service_month, one.account, one.amount, one.order_line_id, one.invoice_id,
            one.receipt_id, e.id,
        ).join(e, e.id == one.entry_id).where(e.known_at <= until).order_by(one.id)
    )  # fmt: skip
    facts.moves = [
        Move(row[0], row[1], row[2], row[3], row[4], _fen(row[5]), row[6], row[7], row[8], row[9])
        for row in rows
    ]


def _contracts(facts: Facts, until: datetime) -> None:
    statement = (
        select(OrderLine, Party)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Party, Party.id == Order.party_id)
        .where(Order.placed_at <= until)
    )
    for line, party in db.session.execute(statement.order_by(OrderLine.id)).unique():
        agreed = line.agreed_on if line.agreed_on is not None and line.agreed_on <= facts.known else None
        name = party.title or party.name
        facts.sold[line.id] = Sold(
            line.stream, name, line.recognition, line.net.minor, line.list_amount.minor, agreed
        )
    lines: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for row in db.session.execute(
        select(InvoiceLine.invoice_id, InvoiceLine.order_line_id, InvoiceLine.gross, InvoiceLine.net)
    ):
        lines[row.invoice_id].append((row.order_line_id, row.gross.minor, row.net.minor))
    bills = select(Invoice.id, Invoice.due_on, Invoice.gross, Invoice.tax).where(Invoice.number.is_not(None))
    for bill in db.session.execute(bills):
        facts.bills[bill.id] = Bill(bill.due_on, bill.gross.minor, bill.tax.minor, tuple(lines[bill.id]))


def _plans(facts: Facts, until: datetime) -> None:
    for one in db.session.scalars(select(Segment).where(Segment.known_at <= until)):
        cut = one.cut_on if one.cut_known_at is not None and one.cut_known_at <= until else None
        facts.plans[one.order_line_id].append(Part(one.starts, one.ends, one.amount, cut))
        if one.key.startswith("usage:"):
            facts.usage.append((one.order_line_id, one.starts, one.amount.minor))


def unbooked(facts: Facts, end: date) -> dict[int, int]:
    """Return what lines have earned by the earlier of a day, the day known and today, and no entry says yet.

    The running month is booked when it is over: until then its days are read from the plan, so that the answer is
    the same whenever the chore ran.
    """
    day = min(end, facts.known, clock.today())
    earned: dict[int, int] = defaultdict(int)
    root = f"{ledger.INCOME}."
    for move in facts.moves:
        if (
            move.line_id is not None
            and move.account.startswith(root)
            and move.service <= months.first_of(day)
        ):
            earned[move.line_id] -= move.amount
    found: dict[int, int] = {}
    for line_id, plan in facts.plans.items():
        if missing := earned_by(plan, day) - earned[line_id]:
            found[line_id] = missing
    return found
