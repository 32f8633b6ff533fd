"""What was offered to the fen: quotes for a sale and for a change; accepted ones are issued exactly as shown."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, OrderLine, Party
from portal.billing.price_models import PriceVersion
from portal.billing.subscription_models import Subscription, SubscriptionPeriod
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life


class QuoteKind(StrEnum):
    """What a quote is for."""

    SALE = "sale"
    CHANGE = "change"


labels.name(QuoteKind, {QuoteKind.SALE: _l("Sale"), QuoteKind.CHANGE: _l("Change of a subscription")})


class QuoteState(StrEnum):
    """The life of a quote; a sent one never changes."""

    DRAFT = "draft"
    IN_APPROVAL = "in_approval"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


Q = QuoteState
QUOTE_LIFE = life(
    QuoteState,
    {
        Q.DRAFT: [Q.IN_APPROVAL, Q.SENT, Q.WITHDRAWN],
        Q.IN_APPROVAL: [Q.DRAFT, Q.SENT, Q.WITHDRAWN],
        Q.SENT: [Q.ACCEPTED, Q.DECLINED, Q.EXPIRED, Q.WITHDRAWN, Q.SUPERSEDED],
    },
)
labels.name(
    QuoteState,
    {
        Q.DRAFT: _l("Draft"),
        Q.IN_APPROVAL: _l("In approval"),
        Q.SENT: _l("Open for acceptance"),
        Q.ACCEPTED: _l("Accepted"),
        Q.DECLINED: _l("Declined"),
        Q.EXPIRED: _l("Expired"),
        Q.WITHDRAWN: _l("Withdrawn"),
        Q.SUPERSEDED: _l("Replaced by a newer one"),
    },
    {Q.IN_APPROVAL: "wait", Q.SENT: "wait", Q.ACCEPTED: "good", Q.EXPIRED: "warn"},
)


class Quote(Model):
    """An offer with exact figures and a last day; `fingerprint` names all it was computed from."""

    __tablename__ = "quote"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[QuoteKind] = mapped_column(choice(QuoteKind))
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship(lazy="joined", innerjoin=True)
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False, index=True)
    price: Mapped[PriceVersion] = relationship()
    quantity: Mapped[int]
    language: Mapped[str] = mapped_column(String(16))
    expires_on: Mapped[date]
    fingerprint: Mapped[str] = mapped_column(String(64))
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    by_name: Mapped[str] = mapped_column(String(120))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id], default=None)
    subscription_id: Mapped[int | None] = mapped_column(
        ForeignKey("subscription.id"), init=False, default=None, index=True
    )
    subscription: Mapped[Subscription | None] = relationship(default=None)
    period_id: Mapped[int | None] = mapped_column(
        ForeignKey("subscription_period.id"), init=False, default=None
    )
    period: Mapped[SubscriptionPeriod | None] = relationship(default=None)
    effective_on: Mapped[date | None] = mapped_column(default=None)
    note: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[QuoteState] = mapped_column(choice(QuoteState), default=QuoteState.DRAFT, index=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, default=None)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    credit_note_number: Mapped[str] = mapped_column(String(20), default="")
    accepted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    accepted_by: Mapped[str] = mapped_column(String(120), init=False, default="")
    replaced_by: Mapped[str] = mapped_column(String(32), init=False, default="")
    pdf_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    pdf: Mapped[StoredFile | None] = relationship(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[QuoteLine]] = relationship(init=False, back_populates="quote", order_by="QuoteLine.n")
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
    )


class LineRole(StrEnum):
    """What a line of a quote does."""

    ITEM = "item"
    CREDIT = "credit"
    CHARGE = "charge"
    UNDO = "undo"
    RESTORE = "restore"


labels.name(
    LineRole,
    {
        LineRole.ITEM: _l("Item"),
        LineRole.CREDIT: _l("What is left of the old"),
        LineRole.CHARGE: _l("The new, for the days left"),
        LineRole.UNDO: _l("Taken back from today"),
        LineRole.RESTORE: _l("Given back from today"),
    },
)


class QuoteLine(Model):
    """One line as offered; what is taken back points at the order line it comes from."""

    __tablename__ = "quote_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    quote_id: Mapped[int] = mapped_column(ForeignKey("quote.id"), init=False, index=True)
    quote: Mapped[Quote] = relationship(back_populates="lines")
    n: Mapped[int]
    role: Mapped[LineRole] = mapped_column(choice(LineRole))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    quantity: Mapped[int]
    list_amount: Mapped[Money]
    discount: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    tax_category: Mapped[str] = mapped_column(String(40))
    tax_bp: Mapped[int | None]
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False)
    price: Mapped[PriceVersion] = relationship()
    discount_words: Mapped[dict[str, str]] = mapped_column(JSON, default_factory=dict)
    starts: Mapped[date | None] = mapped_column(default=None)
    ends: Mapped[date | None] = mapped_column(default=None)
    old_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False, default=None)
    old_line: Mapped[OrderLine | None] = relationship(foreign_keys=[old_line_id], default=None)
    new_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False, default=None)
    new_line: Mapped[OrderLine | None] = relationship(foreign_keys=[new_line_id], default=None)
    __table_args__ = (
        UniqueConstraint("quote_id", "n"),
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("list_amount = gross + discount", name="discounted"),
    )
