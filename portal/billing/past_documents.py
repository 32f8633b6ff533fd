"""The papers and facts of past books: invoices with their plans, commission, credit notes; figures as they stand there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from portal.billing import crediting, earning, issuing, ledger, months, past_money, recognition
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, OrderLine
from portal.billing.note_figures import Figures, printed_part, tax_credited, tax_to_date
from portal.billing.note_models import NoteKind
from portal.billing.past_file import day_in, month_in, no, rate_in, times
from portal.billing.plans import DAY
from portal.billing.reference import reference
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money, half_up

if TYPE_CHECKING:
    from portal.billing.past_books import Past

Add = Callable[[date, int, Callable[[], None]], None]
ISSUE, FACT = 0, 1


def invoice_deeds(past: Past, record: dict[str, Any], add: Add) -> None:
    """Add the issue of an invoice, and what of it was delivered, accepted or used."""
    where, method = f"invoices {record['id']}", record["method"]
    add(day_in(record, "issued", where), ISSUE, lambda: issue(past, record))
    if method == "point" and record.get("delivered"):
        day = day_in(record, "delivered", where)
        add(day, FACT, lambda: _earn(past, record, "done", day, record["net"]))
    elif method == "milestone" and record.get("milestones") and _lists_first(past, record):
        done = Fraction(0)
        stones = [
            (day_in(one, "accepted", where), one) for one in record["milestones"] if one.get("accepted")
        ]
        for n, (day, one) in enumerate(sorted(stones, key=lambda pair: pair[0])):
            before, done = done, done + rate_in(one, "pct", where)
            amount = times(record["contract_net"], done / 100) - times(record["contract_net"], before / 100)
            add(day, FACT, _fact(past, record, str(n), day, amount))
    elif method == "units":
        used, was = 0, 0
        for n, one in enumerate(sorted(record.get("used", []), key=lambda use: str(use["on"]))):
            was, used = used, used + one["units"]
            amount = half_up(record["net"] * used, record["units"]) - half_up(
                record["net"] * was, record["units"]
            )
            day = day_in(one, "on", where)
            add(day, FACT, _fact(past, record, str(n), day, amount))


def _fact(past: Past, record: dict[str, Any], name: str, day: date, amount: int) -> Callable[[], None]:
    return lambda: _earn(past, record, name, day, amount)


def _lists_first(past: Past, record: dict[str, Any]) -> bool:
    """Whether this is the contract's first invoice that lists milestones."""
    if record.get("order") is None:
        return True
    same = [
        one
        for one in past.book.of("invoices")
        if one.get("order") == record["order"] and one.get("milestones")
    ]
    return min(same, key=lambda one: str(one["issued"])) is record


def line_for(past: Past, record: dict[str, Any]) -> OrderLine:
    """Return the contract line an invoice belongs to, made if it has no order."""
    if record.get("order") is not None:
        found = past.line_of(f"books:order:{record['order']}")
    else:
        found = past.line_of(f"books:invoice:{record['id']}")
    if found is not None:
        return found
    return past.line(
        f"books:invoice:{record['id']}", record["party"], record["stream"], record["method"], net=record["net"],
        signed=None, units=record.get("units", 1),
    )  # fmt: skip


def _earn(past: Past, record: dict[str, Any], name: str, day: date, amount: int) -> None:
    line = line_for(past, record)
    recognition.catch_up(line)
    if amount:
        segment = recognition.add(
            line, f"{record['method']}:{line.id}:{record['id']}:{name}", day, day + DAY, amount
        )
        recognition.post_fact(line, segment)


def issue(past: Past, record: dict[str, Any]) -> None:
    """Issue a past invoice under its own number, and plan what it earns by days."""
    line, where = line_for(past, record), f"invoices {record['id']}"
    made = bill(
        past, line, str(record["id"]), day_in(record, "issued", where), net=record["net"], tax=record["tax"],
        currency=record.get("currency") or "CNY", rate=str(record.get("fx", "1")), net_fc=record.get("net_fc"),
    )  # fmt: skip
    if record["method"] == "daily" and record["net"]:
        start, end = day_in(record, "start", where), day_in(record, "end", where) + DAY
        recognition.catch_up(line)
        recognition.add(line, f"daily:{made.lines[0].id}", start, end, record["net"], of=made.lines[0])
        recognition.catch_up(line)
    past_money.pay_waiting(past, str(record["id"]), made)


def bill(
    past: Past, line: OrderLine, number: str, day: date, *, net: int, tax: int, currency: str = "CNY",
    rate: str = "1", net_fc: int | None = None,
) -> Invoice:  # fmt: skip
    """Write an issued invoice of one line, with its entry."""
    party, gross = line.order.party, Money(net + tax)
    printed = None
    if currency != "CNY" and net_fc is not None:
        printed = {
            "currency": currency,
            "gross": net_fc,
            "net": net_fc,
            "tax": 0,
            "list": net_fc,
            "discount": 0,
        }
    invoice = Invoice(
        party=party, order=line.order, billed_subject=f"books:{number}", language="zh_Hans_CN", currency=currency,
        rate=rate if printed else "1", printed=printed,
    )  # fmt: skip
    row = InvoiceLine(
        invoice=invoice, order_line=line, n=1, words=line.words, discount_words={}, quantity=1, list_amount=gross,
        discount=Money(0), gross=gross, net=Money(net), tax=Money(tax), printed=printed, tax_bp=None,
        tax_words={"en": "–", "zh": "–"},
    )  # fmt: skip
    db.session.add_all([invoice, row])
    invoice.gross, invoice.net, invoice.tax = gross, Money(net), Money(tax)
    db.session.flush()
    db.session.refresh(invoice, ["lines"])
    invoice.seller, invoice.buyer = past.seller, issuing.buyer(party)
    invoice.buyer_name = party.title or party.name
    invoice.reference = reference(invoice.id, past.prefix)
    invoice.number, invoice.issued_on, invoice.due_on = number, day, day + timedelta(days=30)
    invoice.state = InvoiceState.OPEN if gross else InvoiceState.PAID
    db.session.flush()
    ledger.post("invoice", invoice.subject, issuing.sides(invoice), on=day)
    return invoice


def commission_deeds(past: Past, record: dict[str, Any], add: Add) -> None:
    """Add our share of a month's turnover when it is rated, and its invoice."""
    where = f"commission {record['month']} {record['party']}"
    stream = str(record.get("stream") or _commission_stream(past))
    month = month_in(str(record["month"]), where, "month")
    known = day_in(record, "known", where)
    share = times(record["gmv"], rate_in(record, "rate", where))
    subject = f"books:commission:{record['month']}:{record['party']}"[:80]

    def line() -> OrderLine:
        return past.line_of(subject) or past.line(
            subject, record["party"], stream, "usage", net=0, signed=None
        )

    def rate() -> None:
        row, last = line(), months.last_of(month)
        if share:
            segment = recognition.add(row, f"usage:{row.id}:{record['month']}", last, last + DAY, share)
            recognition.post_fact(row, segment)

    def send() -> None:
        made = bill(
            past, line(), str(record["invoice"]), clock.today(), net=share, tax=times(share, past.tax)
        )
        past_money.pay_waiting(past, str(record["invoice"]), made)

    add(known, FACT, rate)
    if record.get("invoice"):
        add(day_in(record, "invoiced", where), ISSUE, send)


def _commission_stream(past: Past) -> str:
    codes = [str(one["code"]) for one in past.book.of("streams")]
    for name in ("commission", "compute"):
        if name in codes:
            return name
    raise no("commission", "stream", "the file has no stream called commission")


def invoice_of(number: str, where: str) -> Invoice:
    """Return an imported invoice by its number."""
    found = db.session.scalars(select(Invoice).where(Invoice.billed_subject == f"books:{number}")).first()
    if found is None:
        raise no(where, "invoice", f"{number} is not issued on that day")
    return found


def note(past: Past, record: dict[str, Any]) -> None:
    """Issue a past credit note under its own number: figures as given, or as the termination makes them."""
    where = f"credit_notes {record['id']}"
    invoice = invoice_of(str(record["invoice"]), where)
    line, last_day = invoice.lines[0], None
    before = recognition.credited_net(line)
    if record["reason"] == "termination":
        kind, last_day = NoteKind.TERMINATION, day_in(record, "effective_end", where)
        net = earning.remaining(line, last_day).minor
        tax = tax_to_date(line.tax.minor, line.net.minor, before + net) - tax_credited(line)
    else:
        kind, net, tax = NoteKind.PRICE_ADJUSTMENT, record["net"], record["tax"]
    if before + net > line.net.minor or tax_credited(line) + tax > line.tax.minor:
        raise no(where, "net", f"more is credited than invoice {record['invoice']} says")
    part = Figures(line, Money(net), Money(tax), printed_part(line, net))
    crediting.issue_past(invoice, kind, part, number=str(record["id"]), last_day=last_day)
