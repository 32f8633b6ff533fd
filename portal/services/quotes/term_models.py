"""What a customer subscribed to: the offer behind a subscription of billing, its tick for the renewal, and the notice."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.subscription_models import Subscription, SubscriptionState
from portal.core import clock, labels
from portal.core.db import Model
from portal.services.quotes.models import ServiceQuote


class Standing(StrEnum):
    """How a service by the year goes on, as people read it beside its name."""

    BY_CLICK = "by_click"
    BY_ITSELF = "by_itself"
    ENDING = "ending"
    ENDED = "ended"


labels.name(
    Standing,
    {
        Standing.BY_CLICK: _l("Runs; renewed by a click"), Standing.BY_ITSELF: _l("Renews by itself"),
        Standing.ENDING: _l("Ends after this period"), Standing.ENDED: _l("Has ended"),
    },
    {Standing.BY_CLICK: "good", Standing.BY_ITSELF: "good", Standing.ENDING: "warn"},
)  # fmt: skip


class ServiceTerm(Model):
    """A service that goes on period after period; renewed by a click, or by itself with the customer's own tick."""

    __tablename__ = "service_term"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), init=False, unique=True)
    subscription: Mapped[Subscription] = relationship(lazy="joined", innerjoin=True)
    offer: Mapped[str] = mapped_column(String(60))
    quote_id: Mapped[int] = mapped_column(ForeignKey("service_quote.id"), init=False, index=True)
    quote: Mapped[ServiceQuote] = relationship()
    by_itself: Mapped[bool] = mapped_column(default=False)
    notice_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    notice_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    notice_by: Mapped[Person | None] = relationship(init=False, default=None)
    reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)

    @property
    def standing(self) -> Standing:
        """How it goes on: what the customer ticked, or that it ends."""
        state = self.subscription.state
        if state is SubscriptionState.ACTIVE:
            return Standing.BY_ITSELF if self.by_itself else Standing.BY_CLICK
        return Standing(state.value)


class ServiceTermStep(Model):
    """That a step of the ladder to a renewal was reached, for the period that ends on a day. Written once."""

    __tablename__ = "service_term_step"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    term_id: Mapped[int] = mapped_column(ForeignKey("service_term.id"), init=False)
    term: Mapped[ServiceTerm] = relationship()
    ends_on: Mapped[date]
    step: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("term_id", "ends_on", "step"),)


class ServiceEnding(Model):
    """A service ended before its period, proposed by finance and confirmed by the manager, with a credit note."""

    __tablename__ = "service_ending"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    term_id: Mapped[int] = mapped_column(ForeignKey("service_term.id"), init=False, index=True)
    term: Mapped[ServiceTerm] = relationship()
    last_day: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    note_number: Mapped[str] = mapped_column(String(20), init=False, default="")
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    done_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),)
