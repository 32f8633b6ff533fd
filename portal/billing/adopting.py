"""Subscriptions whose periods were ordered elsewhere: by a quote that was accepted, line by line."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.catalogue import Audience, Price
from portal.billing.events import PeriodOrdered
from portal.billing.models import Invoice, OrderLine
from portal.billing.price_models import PriceVersion, Product
from portal.billing.subscribing import last_n, locked
from portal.billing.subscription_models import (
    Renewal,
    Subscription,
    SubscriptionPeriod,
    SubscriptionState,
)
from portal.core import audit, catalogue, periods
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move


def adopt(
    line: OrderLine,
    price: Price,
    invoice: Invoice | None,
    *,
    by: Person | str,
    language: str,
    audience: Audience | None = None,
) -> Subscription:
    """Begin a subscription whose period 0 was ordered already, by a line agreed with its days: a quote that was accepted."""
    if price.months is None or line.period_start is None:
        raise Refused(_l("This is sold once and does not renew."))
    who, party = audience or Audience(), line.order.party
    row = Subscription(
        party=party, price=db.session.get_one(PriceVersion, price.id), quantity=line.quantity, anchor=line.period_start,
        months=price.months, renewal=Renewal(catalogue.policy("subscription.renewal")),
        lead_days=int(catalogue.policy("subscription.lead_days")), language=language,
        asked={"tier": who.tier, "category": who.category, "person": who.person},
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "subscription.begun", row, by=by, org_id=party.org_id, product=price.product, quantity=line.quantity, on=row.anchor
    )  # fmt: skip
    _keep_period(row, 0, line, invoice)
    return row


def next_days(row: Subscription) -> tuple[date, date]:
    """Return the days of the period after the last one there is."""
    return periods.period(row.anchor, row.months, last_n(row) + 1)


def next_period(
    row: Subscription, line: OrderLine, invoice: Invoice | None, *, by: Person | str
) -> SubscriptionPeriod:
    """Add the next period of a subscription, which was ordered by a line agreed for exactly its days."""
    fresh = locked(row.id)
    if fresh.state is SubscriptionState.ENDED or (line.period_start, line.period_end) != next_days(fresh):
        raise Refused(_l("This is not the next period of the subscription any more."))
    made = _keep_period(fresh, last_n(fresh) + 1, line, invoice)
    if fresh.state is SubscriptionState.ENDING:
        move(fresh, SubscriptionState.ACTIVE)
        fresh.ends_on = None
    audit.record(
        "subscription.renewed", fresh, by=by, org_id=fresh.party.org_id, number=made.n, start=made.start, end=made.end
    )  # fmt: skip
    return made


def _keep_period(row: Subscription, n: int, line: OrderLine, invoice: Invoice | None) -> SubscriptionPeriod:
    """Write down period n over the days of its line."""
    start, end = periods.period(row.anchor, row.months, n)
    price = db.session.scalars(
        select(PriceVersion).join(Product).where(Product.code == line.product, PriceVersion.version == line.price_version)
    ).one()  # fmt: skip
    made = SubscriptionPeriod(
        subscription=row, n=n, start=start, end=end, order=line.order, line=line, quantity=line.quantity,
        invoice=invoice, price=price,
    )  # fmt: skip
    db.session.add(made)
    row.price, row.quantity = price, line.quantity
    db.session.flush()
    publish(PeriodOrdered(made))
    return made
