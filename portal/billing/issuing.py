"""Orders and invoices: place an order, issue its numbered invoice, take an unpaid one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import attempts, ledger
from portal.billing.events import InvoiceIssued, InvoiceReversed, InvoiceSettled
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, NumberSeries, Order, OrderLine, Party
from portal.billing.money_models import Allocation
from portal.billing.reference import reference
from portal.billing.selling import Item as Item  # for those who place orders
from portal.billing.selling import Part, whole_of
from portal.core import audit, catalogue, clock, outbox
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move


def known_party(holder: Organisation | Person) -> Party | None:
    """Return the paying party of a holder, if it was ever needed."""
    column = Party.org_id if isinstance(holder, Organisation) else Party.person_id
    return db.session.scalars(select(Party).where(column == holder.id)).first()


def party_of(holder: Organisation | Person) -> Party:
    """Return the paying party of a holder, made on first need."""
    found = known_party(holder)
    if found is not None:
        return found
    if isinstance(holder, Organisation):
        number = (
            (holder.legal_key or "").removeprefix("CN:") if (holder.legal_key or "").startswith("CN:") else ""
        )
        made = Party(org=holder, title=holder.legal_name, tax_number=number, address=holder.address)
    else:
        made = Party(person=holder, title=holder.name)
    db.session.add(made)
    db.session.flush()
    return made


def place_order(party: Party, subject: str, items: Sequence[Item]) -> Order:
    """Write down what a party orders, at today's prices; agreed on later unless the caller says so."""
    order = Order(party=party, ordered_subject=subject)
    db.session.add(order)
    for item in items:
        listed, discount, figures = item.figures()
        db.session.add(
            OrderLine(
                order=order,
                product=item.price.product,
                stream=item.price.stream,
                recognition=item.price.recognition,
                price_version=item.price.version,
                quantity=item.quantity,
                list_amount=listed,
                discount=discount,
                gross=Money(figures.gross),
                net=Money(figures.net),
                tax=Money(figures.tax),
                tax_category=item.price.tax.code,
                tax_bp=item.price.tax.bp,
                words=item.words or item.price.words,
                discount_words=item.discount_words,
            )
        )
    db.session.flush()
    return order


def next_number(key: str) -> int:
    """Take the next number of a series. Holds the counter's row until the commit, so there is never a gap."""
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(build(NumberSeries).values(key=key, next=1).on_conflict_do_nothing())
    taken = db.session.execute(
        update(NumberSeries)
        .where(NumberSeries.key == key)
        .values(next=NumberSeries.next + 1)
        .returning(NumberSeries.next - 1)
        .execution_options(synchronize_session=False)
    )
    return int(taken.scalar_one())


def _number(prefix: str) -> tuple[str, date]:
    """Return a document's number and day; the day is read after the counter, so dates never fall."""
    while True:
        year = clock.today().year
        with db.session.begin_nested() as savepoint:
            n = next_number(f"{prefix}-{year}")
            day = clock.today()
            if day.year == year:
                return f"{prefix}-{year}-{n:06d}", day
            savepoint.rollback()


def draft_invoice(
    order: Order,
    *,
    language: str,
    ladder: str = "none",
    parts: Sequence[Part] | None = None,
    subject: str | None = None,
) -> Invoice:
    """Write the invoice of an order, or of parts of it, without a number; one live invoice per subject."""
    invoice = Invoice(
        party=order.party, order=order, billed_subject=subject or order.ordered_subject, language=language,
        ladder=ladder,
    )  # fmt: skip
    db.session.add(invoice)
    parts = [whole_of(line) for line in order.lines] if parts is None else parts
    for n, line in enumerate(parts, 1):
        body = catalogue.entry("tax", line.line.tax_category)
        db.session.add(
            InvoiceLine(
                invoice=invoice,
                order_line=line.line,
                n=n,
                words=line.words,
                discount_words=line.discount_words,
                quantity=line.quantity,
                list_amount=line.list_amount,
                discount=line.discount,
                gross=line.gross,
                net=line.net,
                tax=line.tax,
                tax_bp=line.line.tax_bp,
                tax_words=body["words"],
            )
        )
    invoice.gross = sum((line.gross for line in parts), Money(0))
    invoice.net = sum((line.net for line in parts), Money(0))
    invoice.tax = sum((line.tax for line in parts), Money(0))
    db.session.flush()
    return invoice


def _seller() -> dict[str, Any]:
    body = catalogue.entry("brand", "foundation")
    return {key: body[key] for key in ("name", "address", "mail", "bank")}


def _buyer(party: Party) -> dict[str, Any]:
    names = ("title", "tax_number", "address", "telephone", "bank", "bank_account")
    return {name: getattr(party, name) for name in names}


def issue_invoice(
    order: Order,
    *,
    language: str,
    by: Person | str,
    ladder: str = "none",
    parts: Sequence[Part] | None = None,
    subject: str | None = None,
) -> Invoice:
    """Issue the invoice of an order: number, day, reference, frozen parties, journal; PDF and mail follow.

    With `parts` it holds those instead of the whole lines, under a `subject` of its own.

    An invoice over nothing (a waiver) takes a number, posts no entry and is settled at once.
    """
    number, day = _number("INV")
    invoice = draft_invoice(order, language=language, ladder=ladder, parts=parts, subject=subject)
    due_days = int(catalogue.policy("invoice.due_days")) if order.party.org_id else 0
    prefix = str(catalogue.policy("invoice.reference_prefix"))
    seller, buyer = _seller(), _buyer(order.party)
    # All at once: from the first flush with a number on it, the row is frozen.
    invoice.number, invoice.issued_on = number, day
    invoice.due_on = day + timedelta(days=due_days)
    invoice.reference = reference(invoice.id, prefix)
    invoice.seller, invoice.buyer = seller, buyer
    invoice.buyer_name = order.party.title or order.party.name
    lines = [Line(ledger.RECEIVABLE, invoice.gross, party=order.party, invoice=invoice)]
    for line in invoice.lines:
        lines.append(Line(ledger.DEFERRED, -line.net, order.party, invoice, line.order_line))
        lines.append(Line(ledger.VAT, -line.tax, order.party, invoice, line.order_line))
    ledger.post("invoice", invoice.subject, lines, on=day)
    move(invoice, InvoiceState.OPEN if invoice.gross else InvoiceState.PAID)
    db.session.flush()
    audit.record(
        "invoice.issued", invoice, by=by, org_id=order.party.org_id, number=number, gross=invoice.gross,
        about=invoice.billed_subject,
    )  # fmt: skip
    outbox.queue("invoice_paper", f"invoice_paper:{invoice.uid}", {"uid": invoice.uid})
    publish(InvoiceIssued(invoice))
    if not invoice.gross:
        publish(InvoiceSettled(invoice))
    return invoice


def allocated(invoice: Invoice) -> Money:
    """Return what receipts have paid of an invoice."""
    statement = select(func.coalesce(func.sum(Allocation.amount), 0)).where(
        Allocation.invoice_id == invoice.id
    )
    found = db.session.scalar(statement)
    return found if isinstance(found, Money) else Money(int(found or 0))


def owed(invoice: Invoice) -> Money:
    """Return what is still to be paid of an issued invoice."""
    if invoice.state in {InvoiceState.VOID, InvoiceState.DRAFT}:
        return Money(0)
    return invoice.gross - allocated(invoice)


def locked(invoice_id: int) -> Invoice:
    """Return an invoice under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Invoice)
        .where(Invoice.id == invoice_id)
        .with_for_update(of=Invoice)
        .execution_options(populate_existing=True)
    ).one()


def reverse_invoice(invoice: Invoice, *, by: Person | str, reason: str) -> None:
    """Void an unpaid invoice with the mirror of its entry; it keeps its number. `Refused` once money is on it."""
    invoice = locked(invoice.id)
    if allocated(invoice):
        raise Refused(_l("Money is booked on this invoice. Release or refund it first."))
    move(invoice, InvoiceState.VOID)
    entry = ledger.find("invoice", invoice.subject)
    if entry is not None:
        ledger.mirror(entry, "void")
    audit.record(
        "invoice.voided", invoice, by=by, org_id=invoice.party.org_id, number=invoice.number, reason=reason
    )
    attempts.lapse(invoice, Money(0))
    publish(InvoiceReversed(invoice))


def agree(order: Order, start: date, end: date) -> None:
    """Agree on an order's lines for a period `[start, end)`: from here on they earn."""
    for line in order.lines:
        line.agreed_on, line.period_start, line.period_end = clock.today(), start, end


def cover(invoice: Invoice) -> str:
    """Return `due`, `settled`, `waived` or `reversed`: what a seller needs to know of the money."""
    if invoice.state is InvoiceState.VOID:
        return "reversed"
    if not invoice.gross:
        return "waived"
    return "settled" if not owed(invoice) else "due"
