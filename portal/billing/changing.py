"""Changes of a subscription: quoted to the fen, accepted exactly so, quoted anew when anything moved."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import recognition
from portal.billing.catalogue import Audience, Price, pinned, price_of
from portal.billing.change_notes import issue_note
from portal.billing.change_plan import NEW, Planned, When, plan
from portal.billing.issuing import issue_invoice
from portal.billing.models import Order, OrderLine
from portal.billing.numbers import take
from portal.billing.price_models import PriceVersion
from portal.billing.pricing import Taxed
from portal.billing.quote_models import Quote, QuoteKind, QuoteLine, QuoteState
from portal.billing.selling import Part
from portal.billing.subscribing import locked
from portal.billing.subscription_models import Subscription
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move


class Outdated(Refused):
    """A quote no longer says what would be issued: its inputs moved, or its last day is over."""


def quote_change(
    row: Subscription, price: Price, *, by: Person | str, quantity: int = 1, on: date | None = None,
    when: When | None = None,
) -> Quote:  # fmt: skip
    """Write down what a change would cost, binding until its last day: up now, down with the next period."""
    fresh = locked(row.id)
    day = on or clock.today()
    if day < clock.today():
        raise Refused(_l("A change cannot begin in the past."), field="on", status=422)
    found = plan(fresh, price, quantity, day, when)
    total = sum((line.figures for line in found.lines), Taxed(0, 0, 0))
    number, today = take("Q")
    days = int(catalogue.policy("quote.valid_days"))
    quote = Quote(
        number=number, kind=QuoteKind.CHANGE, party=fresh.party, price=db.session.get_one(PriceVersion, price.id),
        quantity=quantity, language=fresh.language, expires_on=today + timedelta(days=days),
        fingerprint=found.fingerprint, gross=Money(total.gross), net=Money(total.net), tax=Money(total.tax),
        inputs=found.inputs, by_name=str(getattr(by, "name", by)), by=by if isinstance(by, Person) else None,
        subscription=fresh, period=found.period, effective_on=found.day,
    )  # fmt: skip
    db.session.add(quote)
    for n, line in enumerate(found.lines, 1):
        db.session.add(_quote_line(quote, n, line))
    db.session.flush()
    move(quote, QuoteState.SENT)
    audit.record("quote.sent", quote, by=by, org_id=fresh.party.org_id, number=number, gross=quote.gross)
    return quote


def _quote_line(quote: Quote, n: int, line: Planned) -> QuoteLine:
    figures = line.figures
    return QuoteLine(
        quote=quote, n=n, role=line.role, words=line.words, quantity=line.quantity, list_amount=Money(figures.gross),
        discount=Money(0), gross=Money(figures.gross), net=Money(figures.net), tax=Money(figures.tax),
        tax_category=line.price.tax.code, tax_bp=line.price.tax.bp,
        price=db.session.get_one(PriceVersion, line.price.id), old_line=line.old, starts=line.starts,
        ends=line.ends,
    )  # fmt: skip


def locked_quote(quote_id: int) -> Quote:
    """Return a quote under its lock, fresh from the database."""
    return db.session.scalars(
        select(Quote)
        .where(Quote.id == quote_id)
        .with_for_update(of=Quote)
        .execution_options(populate_existing=True)
    ).one()


def still_holds(quote: Quote) -> None:
    """Raise `Outdated` unless a change's quote still says what would be issued."""
    row = quote.subscription
    if row is None or quote.effective_on is None or quote.period is None:
        raise Outdated(_l("This quote is no longer valid."))
    if quote.expires_on < clock.today():
        raise Outdated(_l("This quote has expired. Here is a new one with the figures of today."))
    day = quote.effective_on if quote.inputs["when"] == "now" else max(clock.today(), quote.period.start)
    sold = quote.price
    if sold.valid_from > clock.today() or (sold.valid_to is not None and sold.valid_to <= clock.today()):
        raise Outdated(_l("The price has changed since this quote. Here is a new one."))
    try:
        price = pinned(quote.price_id)
        found = plan(row, price, quote.quantity, day, quote.inputs["when"])
    except Refused as refusal:
        raise Outdated(refusal.words) from None
    if found.fingerprint != quote.fingerprint or quote.period.end <= clock.today():
        raise Outdated(_l("Something this quote was computed from has changed. Here is a new one."))


def accept_change(quote: Quote, *, by: Person | str) -> Quote:
    """Accept a quote: exactly its figures are issued. `Outdated` (409), before anything is written, if it moved."""
    row = locked(quote.subscription_id) if quote.subscription_id else None
    fresh = locked_quote(quote.id)
    if fresh.state is not QuoteState.SENT or row is None:
        raise Refused(_l("This quote is closed already."))
    still_holds(fresh)
    if fresh.inputs["when"] == "next":
        row.next_price, row.next_quantity = fresh.price, fresh.quantity
    else:
        _issue(fresh, by)
        row.price, row.quantity = fresh.price, fresh.quantity
        row.next_price, row.next_quantity = None, None
    move(fresh, QuoteState.ACCEPTED)
    fresh.accepted_at, fresh.accepted_by = clock.now(), str(getattr(by, "name", by))
    db.session.flush()
    audit.record(
        "quote.accepted", fresh, by=by, org_id=fresh.party.org_id, number=fresh.number, gross=fresh.gross
    )
    return fresh


def _issue(quote: Quote, by: Person | str) -> None:
    """Issue the lines of a quote as they stand: an invoice, or a credit note where the sum is negative."""
    order = Order(party=quote.party, ordered_subject=quote.subject)
    db.session.add(order)
    for line in quote.lines:
        if line.role in NEW:
            line.new_line = new_line(order, line)
        elif line.old_line is None or -line.net.minor > recognition.standing(line.old_line)[0]:
            raise Outdated(_l("Something this quote was computed from has changed. Here is a new one."))
    db.session.flush()
    if quote.gross < Money(0):
        quote.credit_note_number = issue_note(quote, by)
        return
    parts = [_part(line) for line in quote.lines]
    quote.invoice = issue_invoice(order, language=quote.language, by=by, parts=parts, subject=quote.subject)


def _part(line: QuoteLine) -> Part:
    of = line.new_line or line.old_line
    if of is None:
        raise ValueError(f"{line.subject} belongs to no order")
    return Part(
        of, line.gross, line.net, line.tax, line.list_amount, line.discount, line.words, quantity=line.quantity,
        since=line.starts,
    )  # fmt: skip


def new_line(order: Order, line: QuoteLine) -> OrderLine:
    """Write the order line of what a quote sells: its figures, and its days if it has any."""
    price = line.price
    made = OrderLine(
        order=order, product=price.product.code, stream=price.product.stream, recognition=price.product.recognition,
        price_version=price.version, quantity=line.quantity, list_amount=line.list_amount, discount=line.discount,
        gross=line.gross, net=line.net, tax=line.tax, tax_category=line.tax_category, tax_bp=line.tax_bp,
        words=line.words, discount_words=line.discount_words,
    )  # fmt: skip
    made.agreed_on, made.period_start, made.period_end = clock.today(), line.starts, line.ends
    db.session.add(made)
    return made


def requote(quote: Quote, *, by: Person | str) -> Quote:
    """Replace an outdated quote by one with the figures of today."""
    fresh = locked_quote(quote.id)
    if fresh.subscription is None:
        raise Refused(_l("This quote is closed already."))
    row, code = fresh.subscription, fresh.price.product.code
    made = quote_change(
        row, price_of(code, audience=Audience(**row.asked), currency=fresh.price.currency), by=by, quantity=fresh.quantity,
        on=max(clock.today(), fresh.effective_on or clock.today()) if fresh.inputs["when"] == "now" else None,
        when=fresh.inputs["when"],
    )  # fmt: skip
    move(fresh, QuoteState.SUPERSEDED)
    fresh.replaced_by = made.uid
    audit.record("quote.superseded", fresh, by=by, org_id=fresh.party.org_id, number=made.number)
    return made
