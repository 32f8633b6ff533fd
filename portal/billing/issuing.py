"""Orders and invoices: place an order, issue its numbered invoice, take an unpaid one back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, Select, func, select, type_coerce
from sqlalchemy.exc import IntegrityError

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import earning, exchange, ledger, recognition
from portal.billing.events import InvoiceIssued, InvoiceSettled
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, Order, OrderLine, Party
from portal.billing.money_models import Allocation
from portal.billing.note_models import CreditNoteShare
from portal.billing.numbers import take
from portal.billing.reference import reference
from portal.billing.selling import Item as Item  # for those who place orders
from portal.billing.selling import Part, whole_of
from portal.core import audit, catalogue, clock, outbox
from portal.core.db import LEDGER_CURRENCY, db
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
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:  # somebody else needed it first, at this very moment
        other = known_party(holder)
        if other is None:
            raise
        return other
    return made


def place_order(party: Party, subject: str, items: Sequence[Item]) -> Order:
    """Write down what a party orders, at today's prices; agreed on later unless the caller says so."""
    order = Order(party=party, ordered_subject=subject)
    db.session.add(order)
    for item in items:
        listed, discount, figures = item.figures()
        printed = {
            "currency": listed.currency, "gross": figures.gross, "net": figures.net, "tax": figures.tax,
            "list": listed.minor, "discount": discount.minor,
        }  # fmt: skip
        sums = exchange.booked(printed, exchange.rate_on(listed.currency, clock.today()))
        db.session.add(
            OrderLine(
                order=order,
                product=item.price.product,
                stream=item.price.stream,
                recognition=item.price.recognition,
                price_version=item.price.version,
                quantity=item.quantity,
                list_amount=sums["list"],
                discount=sums["discount"],
                gross=sums["gross"],
                net=sums["net"],
                tax=sums["tax"],
                printed=printed if listed.currency != LEDGER_CURRENCY else None,
                tax_category=item.price.tax.code,
                tax_bp=item.price.tax.bp,
                words=item.words or item.price.words,
                discount_words=item.discount_words,
            )
        )
    db.session.flush()
    return order


def draft_invoice(
    order: Order, *, language: str, ladder: str = "none", subject: str | None = None,
    lines: Sequence[OrderLine] | None = None, parts: Sequence[Part] | None = None,
) -> Invoice:  # fmt: skip
    """Write the invoice of an order, of some of its lines or of parts, without a number; one live invoice per subject."""
    chosen = (
        [whole_of(line) for line in (order.lines if lines is None else lines)] if parts is None else parts
    )
    currencies = {part.printed["currency"] if part.printed else LEDGER_CURRENCY for part in chosen}
    if len(currencies) > 1:
        raise Refused(_l("An invoice has one currency."))
    currency = currencies.pop() if currencies else LEDGER_CURRENCY
    invoice = Invoice(
        party=order.party, order=order, billed_subject=subject or order.ordered_subject, language=language,
        ladder=ladder, currency=currency, rate=exchange.rate_on(currency, clock.today()),
    )  # fmt: skip
    db.session.add(invoice)
    for n, line in enumerate(chosen, 1):
        body = catalogue.entry("tax", line.line.tax_category)
        sums = exchange.booked(line.printed, invoice.rate) if line.printed else _sums(line)
        db.session.add(
            InvoiceLine(
                invoice=invoice,
                order_line=line.line,
                n=n,
                words=line.words,
                discount_words=line.discount_words,
                quantity=line.quantity,
                list_amount=sums["list"],
                discount=sums["discount"],
                gross=sums["gross"],
                net=sums["net"],
                tax=sums["tax"],
                printed=line.printed,
                tax_bp=line.line.tax_bp,
                tax_words=body["words"],
            )
        )
    db.session.flush()
    total_up(invoice)
    return invoice


def _sums(line: Part) -> dict[str, Money]:
    return {
        "gross": line.gross, "net": line.net, "tax": line.tax, "list": line.list_amount, "discount": line.discount,
    }  # fmt: skip


def total_up(invoice: Invoice) -> None:
    """Let a draft say the sums of its lines, in the books and, where it is another, in its own currency."""
    db.session.refresh(invoice, ["lines"])
    invoice.gross = sum((line.gross for line in invoice.lines), Money(0))
    invoice.net = sum((line.net for line in invoice.lines), Money(0))
    invoice.tax = sum((line.tax for line in invoice.lines), Money(0))
    if invoice.currency != LEDGER_CURRENCY:
        invoice.printed = {"currency": invoice.currency} | {
            name: sum(int((line.printed or {})[name]) for line in invoice.lines)
            for name in ("gross", "net", "tax")
        }
    db.session.flush()


def seller() -> dict[str, Any]:
    """Return what an invoice says of the foundation today."""
    body = catalogue.entry("brand", "foundation")
    return {key: body[key] for key in ("name", "address", "mail", "bank")}


def buyer(party: Party) -> dict[str, Any]:
    """Return what an invoice says of its payer today."""
    names = ("title", "tax_number", "address", "telephone", "bank", "bank_account")
    return {name: getattr(party, name) for name in names}


def issue_invoice(
    order: Order, *, language: str, by: Person | str, ladder: str = "none",
    draft: Callable[[], Invoice] | None = None, parts: Sequence[Part] | None = None, subject: str | None = None,
) -> Invoice:  # fmt: skip
    """Issue the invoice of an order: number, day, reference, frozen parties, journal; PDF and mail follow.

    An invoice over nothing (a waiver) takes a number, posts no entry and is settled at once. `draft` writes another
    draft than that of the whole order (instalments): after the counter, so that days never fall. With `parts` it
    holds those instead of the whole lines, under a `subject` of its own.
    """
    number, day = take("INV")
    made = draft() if draft is not None else None
    invoice = made or draft_invoice(order, language=language, ladder=ladder, parts=parts, subject=subject)
    due_days = int(catalogue.policy("invoice.due_days")) if order.party.org_id else 0
    prefix = str(catalogue.policy("invoice.reference_prefix"))
    invoice.seller, invoice.buyer = seller(), buyer(order.party)
    # All at once: from the first flush with a number on it, the row is frozen.
    invoice.number, invoice.issued_on = number, day
    invoice.due_on = day + timedelta(days=due_days)
    invoice.reference = reference(invoice.id, prefix)
    invoice.buyer_name = order.party.title or order.party.name
    ledger.post("invoice", invoice.subject, sides(invoice), on=day)
    move(invoice, InvoiceState.OPEN if invoice.gross else InvoiceState.PAID)
    db.session.flush()
    audit.record(
        "invoice.issued", invoice, by=by, org_id=order.party.org_id, number=number, gross=invoice.gross,
        about=invoice.billed_subject,
    )  # fmt: skip
    outbox.queue("invoice_paper", f"invoice_paper:{invoice.uid}", {"uid": invoice.uid})
    since = {part.line.id: part.since for part in parts or ()}
    for line in invoice.lines:
        if line.net.minor < 0:
            earning.replace_line(
                line.order_line, invoice.subject, day=day, since=since.get(line.order_line_id)
            )
        else:
            recognition.plan(line.order_line)
    publish(InvoiceIssued(invoice))
    if not invoice.gross:
        publish(InvoiceSettled(invoice))
    return invoice


def sides(invoice: Invoice) -> list[Line]:
    """Return what the issue books: net closes the line's contract asset first; a credit line is the negative of it."""
    units = int(invoice.printed["gross"]) if invoice.printed else None
    party = invoice.party
    sides = [Line(ledger.RECEIVABLE, invoice.gross, party, invoice, currency=invoice.currency, units=units)]
    nets: dict[int, int] = {}
    for line in invoice.lines:
        nets[line.order_line_id] = nets.get(line.order_line_id, 0) + line.net.minor
    for line in invoice.lines:
        # What one document says of an order line is booked at once: its own charge and credit are never two debts.
        of, net = line.order_line, nets.pop(line.order_line_id, 0)
        order = (
            (ledger.CONTRACT_ASSET, ledger.DEFERRED)
            if net >= 0
            else (ledger.DEFERRED, ledger.income(of.stream))
        )
        sides += ledger.taken_first(of, -net, *order, party=party, invoice=invoice)
        sides.append(Line(ledger.VAT, -line.tax, party, invoice, of))
    return sides


def _on(invoice: Invoice) -> Select[int]:
    return select(func.coalesce(func.sum(type_coerce(Allocation.amount, BigInteger)), 0)).where(
        Allocation.invoice_id == invoice.id
    )


def _off(invoice: Invoice) -> Select[int]:
    return select(func.coalesce(func.sum(type_coerce(CreditNoteShare.gross, BigInteger)), 0)).where(
        CreditNoteShare.invoice_id == invoice.id
    )


def allocated(invoice: Invoice) -> Money:
    """Return what receipts have paid of an invoice."""
    return Money(int(db.session.scalars(_on(invoice)).one()))


def credited(invoice: Invoice) -> Money:
    """Return what issued credit notes take off an invoice."""
    return Money(int(db.session.scalars(_off(invoice)).one()))


def owed(invoice: Invoice) -> Money:
    """Return what is still to be paid of an issued invoice, in the books: total less credit notes less money on it."""
    if invoice.state in {InvoiceState.VOID, InvoiceState.DRAFT}:
        return Money(0)
    parts = db.session.execute(select(_off(invoice).scalar_subquery(), _on(invoice).scalar_subquery())).one()
    return invoice.gross - Money(sum(int(part) for part in parts))


def locked(invoice_id: int) -> Invoice:
    """Return an invoice under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Invoice)
        .where(Invoice.id == invoice_id)
        .with_for_update(of=Invoice)
        .execution_options(populate_existing=True)
    ).one()


def agree(order: Order, start: date, end: date) -> None:
    """Agree on an order's lines for a period `[start, end)`: from here on they earn."""
    for line in order.lines:
        recognition.agree(line, (start, end))


def cover(invoice: Invoice) -> str:
    """Return `due`, `settled`, `waived` or `reversed`: what a seller needs to know of the money."""
    if invoice.state is InvoiceState.VOID or invoice.reversed:
        return "reversed"
    if not invoice.gross:
        return "waived"
    return "settled" if not owed(invoice) else "due"
