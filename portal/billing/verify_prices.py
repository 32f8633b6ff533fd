"""The invariants of prices, subscriptions, discounts and quotes, each finding naming its row (I7, I8, I11)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from sqlalchemy import func, select

from portal.billing.catalogue import terms_of
from portal.billing.discount_models import DiscountOffer, Redemption
from portal.billing.models import Instalment, InvoiceLine, OrderLine
from portal.billing.price_models import ON_RECORD, PriceVersion, TaxRow
from portal.billing.pricing import PriceModel, borders
from portal.billing.quote_models import Quote, QuoteKind, QuoteState
from portal.billing.subscription_models import Subscription, SubscriptionPeriod
from portal.core import periods
from portal.core.db import db
from portal.core.money import Money


def _overlaps() -> list[str]:
    """No two published rows of one product and audience, or tax category, hold on one day."""
    found: list[str] = []
    prices = db.session.scalars(select(PriceVersion).where(PriceVersion.state.in_(ON_RECORD)))
    taxes = db.session.scalars(select(TaxRow).where(TaxRow.state.in_(ON_RECORD)))
    keyed = [((row.product_id, row.audience_kind, row.audience, row.currency), row) for row in prices]
    kin: dict[object, list[PriceVersion | TaxRow]] = {}
    for key, price in keyed:
        kin.setdefault(key, []).append(price)
    for tax in taxes:
        kin.setdefault(tax.code, []).append(tax)
    for rows in kin.values():
        held = sorted((row for row in rows if row.valid_to != row.valid_from), key=lambda row: row.valid_from)
        found += [
            f"prices: {one.subject} and {two.subject} hold on one day"
            for one, two in pairwise(held)
            if one.valid_to is None or one.valid_to > two.valid_from
        ]
    return found


def _steps() -> list[str]:
    """I11: amounts at the borders are never negative; graduated ones never fall."""
    found = []
    for row in db.session.scalars(select(PriceVersion).where(PriceVersion.state.in_(ON_RECORD))):
        try:
            sums = [sum_ for _q, sum_ in borders(row.model, terms_of(row.terms))]
        except ValueError as error:
            found.append(f"prices: {row.subject} cannot be computed: {error}")
            continue
        if any(sum_ < 0 for sum_ in sums):
            found.append(f"prices: {row.subject} is negative at a border")
        if row.model is PriceModel.GRADUATED and any(one > two for one, two in pairwise(sums)):
            found.append(f"prices: {row.subject} falls as the quantity rises")
    return found


def _periods() -> list[str]:
    """I7: period n of a subscription is [nth(n), nth(n+1)), and none is missing."""
    found = []
    rows = db.session.execute(
        select(SubscriptionPeriod, Subscription)
        .join(Subscription)
        .order_by(Subscription.id, SubscriptionPeriod.n)
    ).all()
    expected: dict[int, int] = {}
    for one, row in rows:
        if (one.start, one.end) != periods.period(row.anchor, row.months, one.n):
            found.append(f"subscriptions: {one.subject} does not lie where period {one.n} lies")
        if one.n != expected.get(row.id, 0):
            found.append(f"subscriptions: {row.subject} has no period {expected.get(row.id, 0)}")
        expected[row.id] = one.n + 1
    return found


def _redemptions() -> list[str]:
    """What discounts took off is what lines say; no discount is used more often than it may."""
    found = []
    taken = func.sum(Redemption.amount)
    rows = db.session.execute(
        select(OrderLine, taken).join(Redemption).group_by(OrderLine.id).having(taken > OrderLine.list_amount)
    )
    found += [f"discounts: more than the list price is taken off {line.subject}" for line, _sum in rows]
    count = func.count(func.distinct(OrderLine.order_id))
    used = db.session.execute(
        select(DiscountOffer.id, DiscountOffer.most_uses, count)
        .join(Redemption, Redemption.discount_id == DiscountOffer.id)
        .join(OrderLine, OrderLine.id == Redemption.order_line_id)
        .where(DiscountOffer.most_uses.is_not(None))
        .group_by(DiscountOffer.id, DiscountOffer.most_uses)
    )
    found += [
        f"discounts: discount:{number} was used {times} times of {most}"
        for number, most, times in used
        if most is not None and times > most
    ]
    return found


def _instalments() -> list[str]:
    """A line's net is the sum of its instalments' nets."""
    rows = db.session.scalars(select(Instalment).order_by(Instalment.order_line_id, Instalment.n)).all()
    sums: dict[int, tuple[OrderLine, int, int]] = {}
    for row in rows:
        line, net, tax = sums.get(row.order_line_id, (row.order_line, 0, 0))
        sums[row.order_line_id] = (line, net + row.net.minor, tax + row.tax.minor)
    return [
        f"instalments: those of {line.subject} do not make the line"
        for line, net, tax in sums.values()
        if (line.net, line.tax) != (Money(net), Money(tax))
    ]


def _quotes() -> list[str]:
    """I8: what was accepted is what was invoiced."""
    found = []
    rows = db.session.scalars(
        select(Quote).where(Quote.state == QuoteState.ACCEPTED, Quote.invoice_id.is_not(None))
    )
    for row in rows:
        if row.kind is QuoteKind.SALE and row.inputs.get("shares"):
            continue
        lines = db.session.execute(
            select(InvoiceLine.net, InvoiceLine.tax)
            .where(InvoiceLine.invoice_id == row.invoice_id)
            .order_by(InvoiceLine.n)
        ).all()
        if [(line.net, line.tax) for line in row.lines] != [(net, tax) for net, tax in lines]:
            found.append(f"quotes: {row.number} was invoiced otherwise than quoted")
    return found


CHECKS: tuple[Callable[[], list[str]], ...] = (
    _overlaps, _steps, _periods, _redemptions, _instalments, _quotes,
)  # fmt: skip
