"""Quotes for a sale: a sum within the price's range, or agreed by two; accepted online exactly as shown."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.catalogue import Price, pinned
from portal.billing.changing import Outdated, accept_change, locked_quote, new_line, requote
from portal.billing.instalments import issue_instalments
from portal.billing.issuing import issue_invoice
from portal.billing.models import Order, Party
from portal.billing.numbers import take
from portal.billing.price_models import PriceVersion
from portal.billing.pricing import OutsideRange, PriceModel
from portal.billing.quote_letters import announce
from portal.billing.quote_models import LineRole, Quote, QuoteKind, QuoteLine, QuoteState
from portal.billing.splitting import Share, in_instalments, of_line
from portal.billing.subscription_models import DueRule
from portal.core import audit, catalogue, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.core.retry import patiently
from portal.core.states import move

Q = QuoteState


def _fingerprint(inputs: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _inputs(price: Price, quantity: int, sum_: int | None, shares: list[list[Any]]) -> dict[str, Any]:
    return {
        "price": price.id, "quantity": quantity, "sum": sum_, "bp": price.tax.bp, "tax": price.tax.code,
        "shares": shares,
    }  # fmt: skip


def _listed(price: Price, quantity: int, sum_: int | None) -> tuple[Money, bool]:
    """Return the list amount, and whether it lies outside the range and needs a second person."""
    try:
        return price.listed(quantity, quote=sum_), False
    except OutsideRange:
        return price.listed(quantity, quote=sum_, agreed=True), True
    except ValueError:
        raise Refused(
            _l("This quantity cannot be sold at this price."), field="quantity", status=422
        ) from None


def draft_quote(
    party: Party, price: Price, *, by: Person, language: str, quantity: int = 1, sum_: int | None = None,
    words: dict[str, str] | None = None, note: str = "", halves: bool = False,
) -> Quote:  # fmt: skip
    """Quote a sale and send it; outside the price's range it waits for a second person first.

    `sum_` is in the price's own terms, in minor units; with `halves` one half is invoiced at once, the other
    when the work is accepted.
    """
    if price.model is PriceModel.QUOTED and sum_ is None:
        raise Refused(_l("Please write the sum."), field="amount", status=422)
    if price.model is PriceModel.SHARE or price.months is not None:
        raise Refused(_l("This is not sold by quote."), field="product", status=422)
    listed, outside = _listed(price, quantity, sum_)
    if outside and not note:
        raise Refused(_l("Outside the range of this price: please say why."), field="note", status=422)
    shares = [[1, "issue", ""], [1, "milestone", "acceptance"]] if halves else []
    inputs, figures = _inputs(price, quantity, sum_, shares), price.figures(listed)
    number, today = take("Q")
    row = db.session.get_one(PriceVersion, price.id)
    gross, net, tax = Money(figures.gross), Money(figures.net), Money(figures.tax)
    quote = Quote(
        number=number, kind=QuoteKind.SALE, party=party, price=row, quantity=quantity, language=language,
        expires_on=today + timedelta(days=int(catalogue.policy("quote.valid_days"))),
        fingerprint=_fingerprint(inputs), gross=gross, net=net, tax=tax, inputs=inputs, by_name=by.name, by=by,
        note=note,
    )  # fmt: skip
    line = QuoteLine(
        quote=quote, n=1, role=LineRole.ITEM, words=words or price.words, quantity=quantity, list_amount=gross,
        discount=Money(0), gross=gross, net=net, tax=tax, tax_category=price.tax.code, tax_bp=price.tax.bp, price=row,
    )  # fmt: skip
    db.session.add_all([quote, line])
    db.session.flush()
    audit.record("quote.drafted", quote, by=by, org_id=party.org_id, number=number, gross=gross, reason=note)
    if outside:
        move(quote, Q.IN_APPROVAL)
    else:
        _send(quote, by)
    return quote


def _send(quote: Quote, by: Person) -> None:
    move(quote, Q.SENT)
    db.session.flush()
    audit.record(
        "quote.sent", quote, by=by, org_id=quote.party.org_id, number=quote.number, gross=quote.gross
    )
    outbox.queue("quote_paper", f"quote_paper:{quote.uid}", {"uid": quote.uid})
    announce(quote)


def approve_quote(quote: Quote, *, by: Person) -> None:
    """Stand for a quote outside the range: it goes out."""
    fresh = locked_quote(quote.id)
    if fresh.by_id == by.id:
        raise Forbidden(
            _l("You wrote this quote yourself: a second person stands for a sum outside the range.")
        )
    if fresh.state is not Q.IN_APPROVAL:
        raise Refused(_l("This quote is closed already."))
    fresh.second = by
    _send(fresh, by)


def withdraw_quote(quote: Quote, *, by: Person, reason: str) -> None:
    """Take a quote back before it is accepted."""
    fresh = locked_quote(quote.id)
    move(fresh, Q.WITHDRAWN)
    audit.record(
        "quote.withdrawn", fresh, by=by, org_id=fresh.party.org_id, reason=reason, number=fresh.number
    )


def decline_quote(quote: Quote, *, by: Person) -> None:
    """Say no to a quote, as its receiver."""
    fresh = locked_quote(quote.id)
    move(fresh, Q.DECLINED)
    audit.record("quote.declined", fresh, by=by, org_id=fresh.party.org_id, number=fresh.number)


def _holds(quote: Quote) -> None:
    if quote.expires_on < clock.today():
        raise Outdated(_l("This quote has expired. Please ask for a new one."))
    given = quote.inputs
    price = pinned(quote.price_id)
    sold = quote.price.valid_to is None or quote.price.valid_to > clock.today()
    now = _inputs(price, quote.quantity, given["sum"], given["shares"])
    if not sold or _fingerprint(now) != quote.fingerprint:
        raise Outdated(_l("The price has changed since this quote. Please ask for a new one."))


def accept_sale(quote: Quote, *, by: Person) -> Quote:
    """Accept a quote for a sale: the order and invoice have exactly its figures; two clicks make one order."""
    fresh = locked_quote(quote.id)
    if fresh.state is not Q.SENT:
        raise Refused(_l("This quote is closed already."))
    _holds(fresh)
    order = Order(party=fresh.party, ordered_subject=fresh.subject)
    db.session.add(order)
    line = fresh.lines[0]
    line.new_line = new_line(order, line)
    db.session.flush()
    if fresh.inputs["shares"]:
        shares = [Share(weight, DueRule(rule), None, said) for weight, rule, said in fresh.inputs["shares"]]
        in_instalments(line.new_line, shares, inclusive=fresh.price.inclusive)
        first = [part for part in of_line(line.new_line) if part.due_on is not None]
        fresh.invoice = issue_instalments(first, language=fresh.language, by=by)
    else:
        fresh.invoice = issue_invoice(order, language=fresh.language, by=by)
    move(fresh, Q.ACCEPTED)
    fresh.accepted_at, fresh.accepted_by = clock.now(), by.name
    audit.record(
        "quote.accepted", fresh, by=by, org_id=fresh.party.org_id, number=fresh.number, gross=fresh.gross
    )
    return fresh


def accept(quote: Quote, *, by: Person) -> Quote:
    """Accept a quote of either kind."""
    return accept_change(quote, by=by) if quote.kind is QuoteKind.CHANGE else accept_sale(quote, by=by)


def replace(quote: Quote, *, by: Person) -> Quote | None:
    """Return a new quote in place of an outdated one; None where a person has to write it."""
    if quote.kind is QuoteKind.CHANGE:
        return requote(quote, by=by)
    if quote.expires_on < clock.today() and quote.state is Q.SENT:
        _expire(quote.id)
    return None


def _expire(quote_id: int) -> bool:
    fresh = locked_quote(quote_id)
    if fresh.state is not Q.SENT or fresh.expires_on >= clock.today():
        return False
    move(fresh, Q.EXPIRED)
    audit.record("quote.expired", fresh, by="expiry", org_id=fresh.party.org_id, number=fresh.number)
    return True


def _expire_one(quote_id: int) -> bool:
    with transaction():
        return _expire(quote_id)


def sweep() -> int:
    """Close the quotes whose last day is over; return how many."""
    over = select(Quote.id).where(Quote.state == Q.SENT, Quote.expires_on < clock.today()).order_by(Quote.id)
    with reading():
        numbers = list(db.session.scalars(over))
    return sum(patiently(partial(_expire_one, number)) for number in numbers)
