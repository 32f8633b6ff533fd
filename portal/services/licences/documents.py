"""The documents of what is sold: an order whose lines are worth what they add, one invoice, and the way back."""

from __future__ import annotations

from datetime import date
from typing import Any

from portal.billing import issuing
from portal.billing.ladder import STANDARD
from portal.billing.models import Instalment, Invoice, Order, OrderLine
from portal.billing.pricing import Taxed
from portal.billing.selling import Part
from portal.billing.splitting import Share, in_instalments
from portal.billing.subscription_models import DueRule
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money
from portal.services.licences.models.deal import DealKind, LicenceQuote, LicenceQuoteLine


def invoice(quote: LicenceQuote, *, by: Any, on_credit: bool = False) -> Invoice:
    """Issue the invoice of a quote exactly as it stands. What it sells is agreed when it takes effect: until then an offer.

    Who may pay later is reminded as every debtor; an offer by a ladder of its own, whose last step no offer reaches.
    """
    ladder = STANDARD if on_credit else "licence_renewal" if quote.kind is DealKind.RENEWAL else "licence"
    order = _order(quote)
    for group in _grouped(quote).values():
        line = _sold(order, quote, group)
        for one in group:
            one.order_line = line
    db.session.flush()
    quote.invoice = issuing.issue_invoice(
        order, language=quote.language, by=by, ladder=ladder, parts=[_part(one) for one in quote.lines], subject=quote.subject
    )  # fmt: skip
    return quote.invoice


def collect(quote: LicenceQuote, due: date) -> None:
    """Order a small increase: one line worth the difference, agreed at once, invoiced with others of its month."""
    order = _order(quote)
    for group in _grouped(quote).values():
        line = _sold(order, quote, group)
        charge = group[-1]
        line.agreed_on, line.period_start, line.period_end = clock.today(), charge.starts, charge.ends
        for one in group:
            one.order_line = line
        db.session.flush()
        in_instalments(line, [Share(1, DueRule.DATE, due)], inclusive=quote.price.inclusive)


def _order(quote: LicenceQuote) -> Order:
    order = Order(party=issuing.party_of(quote.licence.org), ordered_subject=quote.subject)
    db.session.add(order)
    return order


def _grouped(quote: LicenceQuote) -> dict[date | None, list[LicenceQuoteLine]]:
    """Return the lines by the year they belong to: one line of the order each."""
    found: dict[date | None, list[LicenceQuoteLine]] = {}
    for one in quote.lines:
        found.setdefault(one.ends, []).append(one)
    return found


def _sold(order: Order, quote: LicenceQuote, group: list[LicenceQuoteLine]) -> OrderLine:
    product, tax = quote.price.product, quote.inputs["tax"]
    gross, discount = (sum((getattr(one, name) for one in group), Money(0)) for name in ("gross", "discount"))
    net = sum((one.net for one in group), Money(0))
    charge = group[-1]
    made = OrderLine(
        order=order, product=product.code, stream=product.stream, recognition=product.recognition,
        price_version=quote.price.version, quantity=max(1, charge.adds), tax_category=tax["code"], tax_bp=tax["bp"],
        words=charge.words, discount_words=charge.discount_words, list_amount=gross + discount, discount=discount,
        gross=gross, net=net, tax=gross - net,
    )  # fmt: skip
    db.session.add(made)
    return made


def _part(line: LicenceQuoteLine) -> Part:
    assert line.order_line is not None
    return Part(
        line.order_line, line.gross, line.net, line.tax, line.list_amount, line.discount, line.words, line.discount_words,
        quantity=max(1, line.adds), since=line.starts,
    )  # fmt: skip


def write_lines(quote: LicenceQuote, lines: list[dict[str, Any]]) -> None:
    """Write the lines of a quote in order."""
    for n, one in enumerate(lines, 1):
        figures: Taxed = one.pop("figures")
        sums = {"gross": Money(figures.gross), "net": Money(figures.net), "tax": Money(figures.tax)}
        plain: dict[str, Any] = {"list_amount": sums["gross"], "discount": Money(0), "discount_words": {}}
        db.session.add(LicenceQuoteLine(quote=quote, n=n, **{**plain, **sums, **one}))
    db.session.flush()
    db.session.refresh(quote, ["lines"])


def figures(line: OrderLine) -> Taxed:
    """Return what a line of an order is over."""
    return Taxed(line.net.minor, line.tax.minor, line.gross.minor)


def uncollect(lines: list[OrderLine], parts: list[Instalment]) -> None:
    """Let a small increase cost nothing, before it is invoiced: it stays on record over nothing and never falls due."""
    for part in parts:
        part.gross = part.net = part.tax = part.discount = Money(0)
        part.due_on = None
    for line in lines:
        line.gross = line.net = line.tax = line.list_amount = line.discount = Money(0)
    db.session.flush()
