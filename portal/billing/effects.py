"""What a publication changes, and for whom: counted and listed before anybody presses the button."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from portal.billing.catalogue import Audience, Price, price_of
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.price_models import RANK, PriceVersion
from portal.billing.quote_models import Quote, QuoteState
from portal.billing.subscribing import last_n
from portal.billing.subscription_models import Renewal, Subscription, SubscriptionState
from portal.core import periods
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Renews:
    """A subscription that takes the new price with its next period."""

    row: Subscription
    on: date
    before: Money
    after: Money | None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a new price touches, and what it leaves alone."""

    renews: list[Renews]
    keeps: list[Subscription]
    quotes: list[Quote]
    offers: list[Invoice]

    @property
    def more(self) -> Money:
        """Return what all renewals together pay more (or less) for their next period."""
        return sum((one.after - one.before for one in self.renews if one.after is not None), Money(0))


def _sum(price: Price, quantity: int) -> Money | None:
    try:
        return price.listed(quantity)
    except ValueError:
        return None


def _takes(one: Subscription, row: PriceVersion) -> bool:
    """Whether a subscription would renew at this price: it is for its payer, and nothing more specific is."""
    who = Audience(**one.asked)
    if not who.matches(row.audience_kind, row.audience):
        return False
    try:
        now = price_of(row.product.code, on=row.valid_from, audience=who, currency=row.currency)
    except Refused:
        return True
    return RANK[now.audience[0]] <= RANK[row.audience_kind]


def effects(row: PriceVersion, price: Price, before: Price | None) -> Effects:
    """Return whom a price would touch from its first day on, if it were published now."""
    live = db.session.scalars(
        select(Subscription)
        .join(PriceVersion, PriceVersion.id == Subscription.price_id)
        .where(
            PriceVersion.product_id == row.product_id,
            PriceVersion.currency == row.currency,
            Subscription.state == SubscriptionState.ACTIVE,
        )
        .order_by(Subscription.id)
    ).all()
    renews, keeps = [], []
    for one in live:
        start = periods.nth(one.anchor, one.months, last_n(one) + 1)
        follows = one.renewal is Renewal.LATEST and one.next_price_id is None
        fits = _takes(one, row)
        if follows and fits and start >= row.valid_from:
            old = _sum(before, one.quantity) if before is not None else None
            renews.append(Renews(one, start, old or Money(0), _sum(price, one.quantity)))
        else:
            keeps.append(one)
    quotes = db.session.scalars(
        select(Quote)
        .join(PriceVersion, PriceVersion.id == Quote.price_id)
        .where(
            PriceVersion.product_id == row.product_id,
            PriceVersion.audience_kind == row.audience_kind,
            PriceVersion.audience == row.audience,
            Quote.state.in_([QuoteState.SENT, QuoteState.IN_APPROVAL]),
            Quote.expires_on >= row.valid_from,
        )
        .order_by(Quote.id)
    ).all()
    lines = select(OrderLine.order_id).where(
        OrderLine.product == row.product.code, OrderLine.agreed_on.is_(None)
    )
    offers = db.session.scalars(
        select(Invoice)
        .where(Invoice.state == InvoiceState.OPEN, Invoice.order_id.in_(lines))
        .order_by(Invoice.id)
    ).all()
    return Effects(renews, keeps, list(quotes), list(offers))
