"""Past books taken in: the facts of a file in the order of their days, each known at the end of its own day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.billing import (
    exchange,
    issuing,
    months,
    past_documents,
    past_money,
    recognising,
    recognition,
    revaluing,
)
from portal.billing.book_models import AccountingPeriod, PastRecord, PeriodState
from portal.billing.models import Order, OrderLine, Party
from portal.billing.past_file import Book, day_in, no, rate_in
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money

# What of one day comes first: papers, then facts, money, notes, refunds; the month's end; its close.
ISSUE, FACT, PAY, NOTE, REFUND, MONTH, CLOSE = range(7)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Deed:
    """One fact of the file with its day."""

    day: date
    turn: int
    n: int
    do: Callable[[], None]


@dataclass
class Outcome:
    """How many records were new and how many were there."""

    new: int = 0
    same: int = 0


def bring_in(book: Book, *, by: str) -> Outcome:
    """Take a file in, in the present transaction; what is there stays, and the same id with other content is `Refused`."""
    outcome, fresh = Outcome(), _fresh(book)
    for kind, records in book.records.items():
        outcome.new += len(fresh[kind])
        outcome.same += len(records) - len(fresh[kind])
    if not any(fresh.values()):
        return outcome
    past = Past(book)
    for record in fresh["orders"]:
        past.order(record)
    deeds = list(past.deeds(fresh))
    for deed in sorted(deeds, key=lambda one: (one.day, one.turn, one.n)):
        with clock.stopped_at(months.end_of(deed.day)):
            deed.do()
            db.session.flush()
    past.catch_up()
    audit.record("books.imported", "books:0", by=by, new=outcome.new)
    return outcome


def _fresh(book: Book) -> dict[str, list[dict[str, Any]]]:
    """Return the records that are not there yet, by kind, and note them; another content is refused."""
    known = {(row.kind, row.ref): row.body for row in db.session.scalars(select(PastRecord))}
    fresh: dict[str, list[dict[str, Any]]] = {}
    for kind in ("streams", "orders", "invoices", "commission", "credit_notes", "payments", "refunds"):
        fresh[kind] = []
        for record in book.of(kind):
            ref = str(
                record.get("id") or record.get("code") or f"{record.get('month')} {record.get('party')}"
            )[:80]
            if kind == "commission" and record.get("stream"):
                ref = f"{ref} {record['stream']}"[:80]
            if (kind, ref) not in known:
                known[kind, ref] = record
                db.session.add(PastRecord(kind=kind, ref=ref, body=record))
                fresh[kind].append(record)
            elif known[kind, ref] != record:
                raise no(f"{kind} {ref}", "id", "is there already with other content")
    for key, value in book.heads.items():
        if known.setdefault(("head", key), value) != value:
            raise no("file", key, "is there already with other content")
    for key in book.heads:
        there = select(PastRecord.id).where(PastRecord.kind == "head", PastRecord.ref == key)
        if db.session.scalar(there) is None:
            db.session.add(PastRecord(kind="head", ref=key, body=book.heads[key]))
    db.session.flush()
    return fresh


class Past:
    """What a run of the import has at hand: parties, lines and invoices by the file's names."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        # Read before the clock goes back: the catalogue need not reach as far as the books do.
        self.seller, self.prefix = issuing.seller(), str(catalogue.policy("invoice.reference_prefix"))
        self.tax = rate_in({"rate": book.heads.get("commission_vat", "0.06")}, "rate", "commission_vat")

    def party(self, name: str) -> Party:
        """Return the payer of a name, made on first need as an unclaimed organisation."""
        key = f"books:{name.strip()}"
        org = db.session.scalars(select(Organisation).where(Organisation.source_key == key)).first()
        if org is None:
            org = Organisation(legal_name=name.strip(), source_key=key, unclaimed=True)
            db.session.add(org)
            db.session.flush()
        return issuing.party_of(org)

    def line_of(self, subject: str) -> OrderLine | None:
        """Return the line of an imported order."""
        return db.session.scalars(
            select(OrderLine).join(Order).where(Order.ordered_subject == subject)
        ).first()

    def order(self, record: dict[str, Any]) -> OrderLine:
        """Write a signed order down: one line, at its list price less what was waived."""
        where = f"orders {record['id']}"
        signed = day_in(record, "signed", where)
        bills = [one for one in self.book.of("invoices") if one.get("order") == record["id"]]
        with clock.stopped_at(months.end_of(signed)):
            return self.line(
                f"books:order:{record['id']}", record["party"], record["stream"],
                bills[0]["method"] if bills else "none", net=record["net"], listed=record.get("list"), signed=signed,
                units=sum(one.get("units", 0) for one in bills) or 1,
            )  # fmt: skip

    def line(
        self, subject: str, party: str, stream: str, method: str, *, net: int, signed: date | None,
        listed: int | None = None, units: int = 1,
    ) -> OrderLine:  # fmt: skip
        """Write an order with one line."""
        order = Order(party=self.party(party), ordered_subject=subject)
        words = {
            "en": f"{stream} ({subject.split(':', 1)[1]})",
            "zh": f"{stream}（{subject.split(':', 1)[1]}）",
        }
        made = OrderLine(
            order=order, product="books", stream=stream, recognition=method, price_version=0, quantity=units,
            list_amount=Money(listed if listed is not None else net), gross=Money(net), net=Money(net), tax=Money(0),
            discount=Money((listed if listed is not None else net) - net), tax_category="books", tax_bp=None,
            words=words, agreed_on=signed,
        )  # fmt: skip
        db.session.add_all([order, made])
        db.session.flush()
        return made

    def deeds(self, fresh: dict[str, list[dict[str, Any]]]) -> list[Deed]:
        """Return every fact of the new records with its day, and the ends and closes of the months."""
        found: list[Deed] = []

        def add(day: date, turn: int, do: Callable[[], None]) -> None:
            found.append(Deed(day, turn, len(found), do))

        for record in fresh["invoices"]:
            past_documents.invoice_deeds(self, record, add)
        for record in fresh["commission"]:
            past_documents.commission_deeds(self, record, add)
        for record in fresh["payments"]:
            add(day_in(record, "on", "payments"), PAY, partial(past_money.pay, self, record))
        for record in fresh["credit_notes"]:
            add(day_in(record, "issued", "credit_notes"), NOTE, partial(past_documents.note, self, record))
        for record in fresh["refunds"]:
            add(day_in(record, "on", "refunds"), REFUND, partial(past_money.refund, self, record))
        self._months(found, add)
        return found

    def _months(self, found: list[Deed], add: Callable[[date, int, Callable[[], None]], None]) -> None:
        """Add the end of each month from the first fact to today, and the closes the file names."""
        today = clock.today()
        days = [deed.day for deed in found] + [months.last_of(month) for month in self.book.rates]
        if late := [day for day in days if day > today]:
            raise Refused(f"the file holds facts of {late[0]}, which has not come yet")
        month = months.first_of(min(days, default=today))
        while month < months.first_of(today):
            add(months.last_of(month), MONTH, partial(self.month_end, month))
            month = months.following(month)
        for closed, day in sorted(self.book.closes.items()):
            if day <= today:
                add(day, CLOSE, partial(self.close, closed, day))

    def month_end(self, month: date) -> None:
        """Book what was earned by a month's end, and carry receivables at its rate."""
        for line_id in recognising.unposted():
            recognition.catch_up(recognition.locked_line(line_id), today=months.following(month))
        end, value = months.last_of(month), self.book.rates.get(month)
        if value is None:
            return
        currencies = sorted(
            {one["currency"] for one in self.book.of("invoices") if one.get("currency", "CNY") != "CNY"}
        )
        for currency in currencies:
            if exchange.rate_at(currency, end) is None:
                exchange.load_rate(currency, end, value, source="past books", by="import")
        revaluing.revalue(end)

    def close(self, month: date, day: date) -> None:
        """Close a month at the end of a day; one that is there already stays as it is."""
        row = db.session.scalars(select(AccountingPeriod).where(AccountingPeriod.month == month)).first()
        if row is None:
            at = clock.start_of(day + DAY)
            db.session.add(AccountingPeriod(month=month, state=PeriodState.CLOSED, closed_at=at))

    def catch_up(self) -> None:
        """Book what the months up to today's have earned."""
        for line_id in recognising.unposted():
            recognition.catch_up(recognition.locked_line(line_id))
