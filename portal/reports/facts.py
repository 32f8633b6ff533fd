"""What the report needs to know of contracts, invoices, plans and money as known on a day, beside the journal's sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

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
from portal.core import heap
from portal.core.db import db
from portal.core.money import Money
from portal.core.periods import earned
from portal.reports import journal
from portal.reports.journal import Pool, Standing

NEVER = Standing()
T = TypeVar("T")


class Sold(NamedTuple):
    """One contract line; `waived` is the net of its list price less its net."""

    stream: str
    party_id: int
    method: str
    net: int
    waived: int
    agreed_on: date | None
    period: tuple[date, date] | None = None


class Bill(NamedTuple):
    """One invoice: gross and tax in fen, when it is due, and how its gross is spread over lines."""

    due_on: date | None
    gross: int
    tax: int
    lines: list[tuple[int, int, int]]  # order line, gross, net


class Planned(NamedTuple):
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


class Put(NamedTuple):
    """Which receipt an allocation takes from, for which invoice, and the receipt's value date."""

    receipt_id: int
    invoice_id: int
    day: date


class Facts:
    """What was known at an instant, for a period `[start, end]` of whole months; each part is read when it is first asked for."""

    def __init__(
        self, known: date, start: date, end: date, until: datetime, held: dict[Hashable, Any] | None = None
    ) -> None:
        self.known, self.start, self.end, self.until = known, start, end, until
        self._held: dict[Hashable, Any] = {} if held is None else held

    def over(self, start: date, end: date) -> Facts:
        """Return what was known of another period: what both need is read once."""
        return Facts(self.known, start, end, self.until, self._held)

    def held(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was read under a key, for all periods as known at this instant; else read it now."""
        if key not in self._held:
            with heap.filling():
                self._held[key] = make()
        found: T = self._held[key]
        return found

    @cached_property
    def pools(self) -> list[Pool]:
        """The movements of the period and of its last year."""
        return journal.pools(self.until, min(self.start, date(self.end.year, 1, 1)), self.end)

    @cached_property
    def lines(self) -> dict[int, Standing]:
        """Where each contract line stands in the journal at the period's end."""
        return self.held(("lines", self.end), lambda: journal.standings(self.until, self.end))

    @cached_property
    def opened(self) -> dict[int, int]:
        """What stood on contract lines the day before the period."""
        return journal.balances(self.until, self.start - DAY)

    @cached_property
    def income(self) -> dict[int, int]:
        """What was booked as income of each contract line within the period."""
        return journal.income(self.until, self.start, self.end)

    @cached_property
    def owed(self) -> dict[int, int]:
        """What is owed of each invoice at the period's end."""
        return self.held(("owed", self.end), lambda: dict(journal.owed(self.until, self.end)))

    @cached_property
    def owed_before(self) -> int:
        """What was owed in all before the period."""
        return journal.owed_in_all(self.until, self.start - DAY)

    @cached_property
    def sold(self) -> dict[int, Sold]:
        """Every contract line."""
        return self.held("sold", lambda: dict(_contracts(self)))

    @cached_property
    def bills(self) -> dict[int, Bill]:
        """Every invoice that has a number."""
        return self.held("bills", _bills)

    @cached_property
    def ended(self) -> list[tuple[int, date, int, int]]:
        """What invoices of changes took back of lines of other orders: line, day, net, invoice."""
        return self.held("ended", lambda: _ended(self.known))

    @cached_property
    def plans(self) -> dict[int, list[Planned]]:
        """What each line earns and when."""
        return self.held("plans", lambda: _plans(self.until))

    @cached_property
    def usage(self) -> list[tuple[int, date, int]]:
        """What was rated of lines that are paid by use: line, day, net."""
        return self.held("usage", lambda: _usage(self.until))

    @cached_property
    def puts(self) -> dict[int, Put]:
        """Every allocation of a receipt."""
        return self.held("puts", lambda: dict(_puts()))

    @cached_property
    def notes(self) -> list[CreditNote]:
        """Every credit note issued by the day known."""
        return self.held("notes", lambda: _notes(self.known))

    def stream(self, line_id: int) -> str:
        """Return the stream a line was sold under."""
        return self.sold[line_id].stream

    def line(self, line_id: int) -> Standing:
        """Return where a line stands in the journal; nothing if it never was there."""
        return self.lines.get(line_id, NEVER)


def _fen(column: InstrumentedAttribute[Any]) -> Any:
    return type_coerce(column, BigInteger)


def gather(
    known: date,
    start: date,
    end: date,
    *,
    at: datetime | None = None,
    held: dict[Hashable, Any] | None = None,
) -> Facts:
    """Return what was known of a period at the end of a day, or at an instant of it, to be asked.

    `held` keeps what periods known at the same instant have in common.
    """
    return Facts(known, start, end, at or months.end_of(known), held)


def _contracts(facts: Facts) -> Iterator[tuple[int, Sold]]:
    one = OrderLine
    statement = (
        select(
            one.id, one.stream, Order.party_id, one.recognition, _fen(one.net), _fen(one.list_amount), one.agreed_on,
            _fen(one.discount), one.tax_bp, one.period_start, one.period_end,
        ).join(Order, Order.id == one.order_id).where(Order.placed_at <= facts.until)
    )  # fmt: skip
    for row in db.session.execute(statement.order_by(one.id)):
        agreed = row[6] if row[6] is not None and row[6] <= facts.known else None
        waived = split(row[5], row[8] or 0).net - row[4] if row[7] else 0
        period = (row[9], row[10]) if row[9] is not None and row[10] is not None else None
        yield row[0], Sold(row[1], row[2], row[3], row[4], waived, agreed, period)


def _bills() -> dict[int, Bill]:
    statement = select(Invoice.id, Invoice.due_on, _fen(Invoice.gross), _fen(Invoice.tax))
    numbered = statement.where(Invoice.number.is_not(None)).order_by(Invoice.id)
    found = {number: Bill(due, gross, tax, []) for number, due, gross, tax in db.session.execute(numbered)}
    one = InvoiceLine
    lines = select(one.invoice_id, one.order_line_id, _fen(one.gross), _fen(one.net)).order_by(one.id)
    for number, line, gross, net in db.session.execute(lines):
        if number in found:
            found[number].lines.append((line, gross, net))
    return found


def _ended(known: date) -> list[tuple[int, date, int, int]]:
    # What an invoice of a change takes back of the line that it ends: a line of another order. What it takes off within
    # a line of its own is in that line's net already.
    one = InvoiceLine
    back = (
        select(one.order_line_id, Invoice.issued_on, _fen(one.net), Invoice.id).join(Invoice).join(OrderLine)
    )
    issued = Invoice.issued_on <= known, Invoice.state != InvoiceState.VOID
    ended = one.net < Money(0), OrderLine.order_id != Invoice.order_id
    return [
        (line, day, net, bill)
        for line, day, net, bill in db.session.execute(back.where(*ended, *issued).order_by(one.id))
    ]


def _plans(until: datetime) -> dict[int, list[Planned]]:
    one, found = Segment, defaultdict[int, list[Planned]](list)
    statement = select(
        one.order_line_id, one.starts, one.ends, _fen(one.amount), one.cut_on, one.cut_known_at
    ).where(one.known_at <= until)
    for line_id, starts, ends, amount, cut_on, cut_known in db.session.execute(statement.order_by(one.id)):
        cut = cut_on if cut_known is not None and cut_known <= until else None
        found[line_id].append(Planned(starts, ends, amount, cut))
    return found


def _puts() -> Iterator[tuple[int, Put]]:
    statement = select(Allocation.id, Allocation.receipt_id, Allocation.invoice_id, Receipt.received_on)
    joined = statement.join(Receipt, Receipt.id == Allocation.receipt_id).order_by(Allocation.id)
    for number, receipt, invoice, day in db.session.execute(joined):
        yield number, Put(receipt, invoice, day)


def _notes(known: date) -> list[CreditNote]:
    issued = CreditNote.state == NoteState.ISSUED, CreditNote.issued_on <= known
    statement = select(CreditNote).where(*issued).order_by(CreditNote.id)
    return list(db.session.scalars(statement.options(selectinload(CreditNote.lines))))


def _usage(until: datetime) -> list[tuple[int, date, int]]:
    one = Segment
    used = one.known_at <= until, one.key.startswith("usage:", autoescape=True)
    statement = select(one.order_line_id, one.starts, _fen(one.amount)).where(*used).order_by(one.id)
    return [(line, day, fen) for line, day, fen in db.session.execute(statement)]


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
