"""Subscriptions: begun at a pinned price, renewed ahead of time one period after the other, ended at a border."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.catalogue import Audience, Price, pinned, price_of
from portal.billing.discount_models import DiscountOffer
from portal.billing.discounting import order_with
from portal.billing.events import PeriodOrdered, SubscriptionEnded
from portal.billing.issuing import issue_invoice
from portal.billing.models import Party
from portal.billing.price_models import PriceVersion
from portal.billing.selling import Item
from portal.billing.subscription_models import (
    Renewal,
    Subscription,
    SubscriptionPeriod,
    SubscriptionState,
)
from portal.core import audit, catalogue, clock, periods
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.retry import patiently
from portal.core.states import move


def subscribe(
    party: Party,
    price: Price,
    *,
    by: Person | str,
    quantity: int = 1,
    anchor: date | None = None,
    language: str = "zh_Hans_CN",
    renewal: Renewal | None = None,
    lead_days: int | None = None,
    audience: Audience | None = None,
    discount: DiscountOffer | None = None,
) -> Subscription:
    """Begin a subscription: the price is pinned, period 0 is ordered and invoiced at once."""
    if price.months is None:
        raise Refused(_l("This is sold once and does not renew."))
    who = audience or Audience()
    row = Subscription(
        party=party, price=db.session.get_one(PriceVersion, price.id), quantity=quantity,
        anchor=anchor or clock.today(), months=price.months,
        renewal=renewal or Renewal(catalogue.policy("subscription.renewal")),
        lead_days=int(catalogue.policy("subscription.lead_days")) if lead_days is None else lead_days,
        language=language, asked={"tier": who.tier, "category": who.category, "person": who.person},
        discount=discount,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "subscription.begun", row, by=by, org_id=party.org_id, product=price.product, quantity=quantity,
        on=row.anchor,
    )  # fmt: skip
    _order_period(row, 0, by=by)
    return row


_held: list[Callable[[Subscription], bool]] = []


def ask_holder(holds: Callable[[Subscription], bool]) -> None:
    """Let a higher domain say which subscriptions it renews by itself: their periods come by `next_period` alone."""
    _held[:] = [holds]


def locked(subscription_id: int) -> Subscription:
    """Return a subscription under its lock, fresh from the database."""
    return db.session.scalars(
        select(Subscription)
        .where(Subscription.id == subscription_id)
        .with_for_update(of=Subscription)
        .execution_options(populate_existing=True)
    ).one()


def last_n(row: Subscription) -> int:
    """Return the number of the last period there is."""
    found = select(func.max(SubscriptionPeriod.n)).where(SubscriptionPeriod.subscription_id == row.id)
    return int(db.session.scalar(found) or 0)


def period_on(row: Subscription, day: date) -> SubscriptionPeriod | None:
    """Return the period that holds a day."""
    return db.session.scalars(
        select(SubscriptionPeriod).where(
            SubscriptionPeriod.subscription_id == row.id,
            SubscriptionPeriod.start <= day,
            SubscriptionPeriod.end > day,
        )
    ).first()


def price_for(row: Subscription, start: date, *, first: bool) -> Price:
    """Return the price of the period that begins on a day: what was agreed next, the pinned one, or the latest."""
    if row.next_price_id is not None:
        return pinned(row.next_price_id, on=start)
    if first or row.renewal is Renewal.KEEP:
        return pinned(row.price_id, on=start)
    return price_of(
        row.price.product.code, on=start, audience=Audience(**row.asked), currency=row.price.currency
    )


@dataclass(frozen=True, slots=True)
class Ahead:
    """One period that is not ordered yet: its days, what it costs today, and when it is invoiced."""

    start: date
    end: date
    net: Money
    tax: Money
    gross: Money
    invoiced_on: date


def ahead(price: Price, quantity: int, anchor: date, *, count: int = 4) -> list[Ahead]:
    """Return the first periods of a subscription as they would be at today's price and tax; nothing is written."""
    figures = price.figures(price.listed(quantity))
    lead = timedelta(days=int(catalogue.policy("subscription.lead_days")))
    net, tax, gross = (Money(one, price.currency) for one in (figures.net, figures.tax, figures.gross))
    found = []
    for n in range(count):
        start, end = periods.period(anchor, price.months or 1, n)
        day = clock.today() if n == 0 else max(clock.today(), start - lead)
        found.append(Ahead(start, end, net, tax, gross, day))
    return found


def _words(price: Price, start: date, end: date) -> dict[str, str]:
    last = end - timedelta(days=1)
    return {tongue: f"{said} {start} – {last}" for tongue, said in price.words.items()}


def _order_period(row: Subscription, n: int, *, by: Person | str) -> SubscriptionPeriod:
    """Order and invoice period n; the unique key makes a second one impossible."""
    start, end = periods.period(row.anchor, row.months, n)
    price = pinned(price_for(row, start, first=n == 0).id)  # taxed by the row of today, the day of issue
    quantity = row.next_quantity or row.quantity
    item = Item(price, quantity, words=_words(price, start, end))
    discounts = (
        [row.discount] if row.discount is not None and (n == 0 or not row.discount.first_period_only) else []
    )
    subject = f"{row.subject}:{n}"
    order = order_with(row.party, subject, [item], discounts, audience=Audience(**row.asked), first=n == 0)
    line = order.lines[0]
    line.agreed_on, line.period_start, line.period_end = clock.today(), start, end
    db.session.flush()
    invoice = issue_invoice(order, language=row.language, by=by)
    made = SubscriptionPeriod(
        subscription=row, n=n, start=start, end=end, order=order, line=line, quantity=quantity, invoice=invoice,
        price=db.session.get_one(PriceVersion, price.id),
    )  # fmt: skip
    db.session.add(made)
    row.price, row.quantity = made.price, quantity
    row.next_price, row.next_quantity = None, None
    db.session.flush()
    publish(PeriodOrdered(made))
    return made


def renew(subscription_id: int, *, by: Person | str = "renewal") -> bool:
    """Create the one next period if it is due; False if it is not, or is there already."""
    row = locked(subscription_id)
    if row.state is not SubscriptionState.ACTIVE or any(holds(row) for holds in _held):
        return False
    n = last_n(row) + 1
    start = periods.nth(row.anchor, row.months, n)
    if clock.today() < start - timedelta(days=row.lead_days):
        return False
    made = _order_period(row, n, by=by)
    audit.record(
        "subscription.renewed", row, by=by, org_id=row.party.org_id, number=n, start=made.start, end=made.end
    )
    return True


def end_subscription(row: Subscription, *, by: Person | str) -> None:
    """Let a subscription end with its last ordered period."""
    fresh = locked(row.id)
    move(fresh, SubscriptionState.ENDING)
    fresh.ends_on = periods.nth(fresh.anchor, fresh.months, last_n(fresh) + 1)
    fresh.next_price, fresh.next_quantity = None, None
    audit.record("subscription.ending", fresh, by=by, org_id=fresh.party.org_id, on=fresh.ends_on)


def keep_subscription(row: Subscription, *, by: Person | str) -> None:
    """Take the end back while the last period still runs."""
    fresh = locked(row.id)
    if fresh.ends_on is not None and fresh.ends_on <= clock.today():
        raise Refused(_l("The last period is over: please begin anew."))
    move(fresh, SubscriptionState.ACTIVE)
    fresh.ends_on = None
    audit.record("subscription.kept", fresh, by=by, org_id=fresh.party.org_id)


def _end(subscription_id: int) -> bool:
    row = locked(subscription_id)
    over = row.ends_on is not None and row.ends_on <= clock.today()
    if row.state is not SubscriptionState.ENDING or not over:
        return False
    move(row, SubscriptionState.ENDED)
    audit.record("subscription.ended", row, by="renewal", org_id=row.party.org_id, on=row.ends_on)
    publish(SubscriptionEnded(row))
    return True


def _one(number: int) -> bool:
    with transaction():
        return renew(number) or _end(number)


def sweep() -> int:
    """Renew what is due, one period per transaction, until nothing is due any more; return how many were done."""
    live = (
        select(Subscription.id).where(Subscription.state != SubscriptionState.ENDED).order_by(Subscription.id)
    )
    with reading():
        numbers = list(db.session.scalars(live))
    done = 0
    for number in numbers:
        while patiently(partial(_one, number)):
            done += 1
    return done
