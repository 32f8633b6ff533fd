"""Which subscriptions and quotes a reader may see, and who decides on them."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, false, or_, select, true

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.billing.access import of_orgs
from portal.billing.catalogue import Audience, Price, pinned, price_of, prices
from portal.billing.models import Party
from portal.billing.quote_models import Quote, QuoteState
from portal.billing.subscription_models import Subscription
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.forms import options
from portal.core.words import price as short

HIDDEN = (QuoteState.DRAFT, QuoteState.IN_APPROVAL)


def _of_reader(column: Any, reader: Reader | None) -> ColumnElement[bool]:
    """Say that a row's party is one the reader sees the money of; all of them for staff of money."""
    if reader is None:
        return false()
    if reader.staff_may(May.READ_MONEY):
        return true()
    himself = Party.person_id == reader.person.id if reader.personal else false()
    own = select(Party.id).where(or_(of_orgs(reader.orgs(May.SEE_MONEY)), himself))
    found: ColumnElement[bool] = column.in_(own)
    return found


def visible_subscriptions(reader: Reader | None) -> Select[Subscription]:
    """Select the subscriptions a reader may see, the newest first."""
    return (
        select(Subscription).where(_of_reader(Subscription.party_id, reader)).order_by(Subscription.id.desc())
    )


def visible_quotes(reader: Reader | None) -> Select[Quote]:
    """Select the quotes that went out to a reader, the newest first."""
    return (
        select(Quote)
        .where(_of_reader(Quote.party_id, reader), Quote.state.not_in(HIDDEN))
        .order_by(Quote.id.desc())
    )


def open_quotes(reader: Reader | None) -> Select[Quote]:
    """Select the quotes that wait for the reader's answer."""
    return visible_quotes(reader).where(Quote.state == QuoteState.SENT)


def visible_subscription(uid: str) -> Subscription:
    """Return one subscription of those the reader may see; foreign ones look missing."""
    row = db.session.scalars(visible_subscriptions(me()).where(Subscription.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such subscription, or it is not yours."))
    return row


def visible_quote(uid: str) -> Quote:
    """Return one quote of those the reader may see; foreign ones look missing."""
    row = db.session.scalars(visible_quotes(me()).where(Quote.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such quote, or it is not yours."))
    return row


def may_decide(reader: Reader, party: Party) -> bool:
    """Whether the reader decides on money for a party: its billing contact, owner, or the person."""
    himself = reader.personal and party.person_id == reader.person.id
    return himself or party.org_id in reader.orgs(May.PAY)


def own_subscription(uid: str) -> Subscription:
    """Return a subscription the reader decides on."""
    row = visible_subscription(uid)
    if not may_decide(me(), row.party):
        raise Forbidden(_l("Only the owner or the billing contact decides on this."))
    return row


def own_quote(uid: str) -> Quote:
    """Return a quote the reader decides on."""
    row = visible_quote(uid)
    if not may_decide(me(), row.party):
        raise Forbidden(_l("Only the owner or the billing contact decides on this."))
    return row


def price_now(row: Subscription) -> Price:
    """Return what the plan of a subscription costs today; its own price where it is no longer sold."""
    try:
        return price_of(row.price.product.code, audience=Audience(**row.asked), currency=row.price.currency)
    except Refused:
        return pinned(row.price_id)


def choices(row: Subscription) -> Any:
    """Return the plans a subscription may change to: those of its stream and length, with what one costs."""
    product, asked = row.price.product, Audience(**row.asked)
    sold = {
        one.product: price_of(one.product, audience=asked)
        for one in prices()
        if one.stream == product.stream and one.months == row.months
    }
    found = {product.code: price_now(row), **sold}
    return options(
        (code, f"{catalogue.in_words(price.words)} · {short(price.amount)}") for code, price in found.items()
    )
