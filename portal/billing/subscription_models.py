"""What is sold period after period: subscriptions, their periods, and the parts in which a line is invoiced."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import new_uid
from portal.billing.discount_models import DiscountOffer
from portal.billing.models import Instalment, Invoice, Order, OrderLine, Party
from portal.billing.price_models import PriceVersion
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class SubscriptionState(StrEnum):
    """The life of a subscription."""

    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"


S = SubscriptionState
SUBSCRIPTION_LIFE = life(SubscriptionState, {S.ACTIVE: [S.ENDING], S.ENDING: [S.ACTIVE, S.ENDED]})
labels.name(
    SubscriptionState,
    {S.ACTIVE: _l("Renews by itself"), S.ENDING: _l("Ends after this period"), S.ENDED: _l("Has ended")},
    {S.ACTIVE: "good", S.ENDING: "warn"},
)


class Renewal(StrEnum):
    """Which price the next period has."""

    KEEP = "keep"
    LATEST = "latest"


labels.name(Renewal, {Renewal.KEEP: _l("Keeps its price"), Renewal.LATEST: _l("Takes the price of the day")})


class Subscription(Model):
    """What a party buys period after period, at a pinned price; period n is counted from the anchor."""

    __tablename__ = "subscription"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship(lazy="joined", innerjoin=True)
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False, index=True)
    price: Mapped[PriceVersion] = relationship(foreign_keys=[price_id])
    quantity: Mapped[int]
    anchor: Mapped[date]
    months: Mapped[int]
    renewal: Mapped[Renewal] = mapped_column(choice(Renewal))
    lead_days: Mapped[int]
    language: Mapped[str] = mapped_column(String(16))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    state: Mapped[SubscriptionState] = mapped_column(
        choice(SubscriptionState), default=SubscriptionState.ACTIVE, index=True
    )
    ends_on: Mapped[date | None] = mapped_column(default=None)
    next_price_id: Mapped[int | None] = mapped_column(ForeignKey("price.id"), init=False, default=None)
    next_price: Mapped[PriceVersion | None] = relationship(foreign_keys=[next_price_id], default=None)
    next_quantity: Mapped[int | None] = mapped_column(default=None)
    discount_id: Mapped[int | None] = mapped_column(ForeignKey("discount.id"), init=False, default=None)
    discount: Mapped[DiscountOffer | None] = relationship(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    periods: Mapped[list[SubscriptionPeriod]] = relationship(
        init=False, back_populates="subscription", order_by="SubscriptionPeriod.n"
    )
    __table_args__ = (
        CheckConstraint("quantity > 0", name="something"),
        CheckConstraint("months > 0", name="lasts"),
    )


class SubscriptionPeriod(Model):
    """Period n of a subscription, [start, end), with its order; there is one of each n."""

    __tablename__ = "subscription_period"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), init=False, index=True)
    subscription: Mapped[Subscription] = relationship(back_populates="periods")
    n: Mapped[int]
    start: Mapped[date]
    end: Mapped[date]
    order_id: Mapped[int] = mapped_column(ForeignKey("billing_order.id"), init=False, unique=True)
    order: Mapped[Order] = relationship()
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, unique=True)
    line: Mapped[OrderLine] = relationship()
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False)
    price: Mapped[PriceVersion] = relationship()
    quantity: Mapped[int]
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        UniqueConstraint("subscription_id", "n"),
        CheckConstraint('start < "end"', name="lasts"),
    )


class DueRule(StrEnum):
    """When a part of a line is invoiced."""

    ISSUE = "issue"
    DATE = "date"
    MILESTONE = "milestone"


labels.name(
    DueRule,
    {DueRule.ISSUE: _l("At once"), DueRule.DATE: _l("On a day"), DueRule.MILESTONE: _l("At a milestone")},
)


class InstalmentTerm(Model):
    """What was agreed on a part of a line: when it falls due, and at which milestone."""

    __tablename__ = "instalment_term"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    instalment_id: Mapped[int] = mapped_column(ForeignKey("instalment.id"), init=False, unique=True)
    instalment: Mapped[Instalment] = relationship()
    rule: Mapped[DueRule] = mapped_column(choice(DueRule))
    milestone: Mapped[str] = mapped_column(String(120), default="")
