"""Paying online: attempts, the events that tell of them, and the test gateway's own sessions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt
from portal.billing.provider_models import SavedCard
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life


class AttemptState(StrEnum):
    """The life of an attempt to pay online."""

    CREATING = "creating"
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


T = AttemptState
ATTEMPT_LIFE = life(
    AttemptState,
    {
        T.CREATING: [T.OPEN, T.FAILED],
        T.OPEN: [T.PROCESSING, T.PAID, T.FAILED, T.EXPIRED],
        T.PROCESSING: [T.PAID, T.FAILED],
    },
)
labels.name(
    AttemptState,
    {
        T.CREATING: _l("Being opened"),
        T.OPEN: _l("Waiting for payment"),
        T.PROCESSING: _l("Being processed"),
        T.PAID: _l("Paid"),
        T.FAILED: _l("Failed"),
        T.EXPIRED: _l("Expired"),
    },
    {T.OPEN: "wait", T.PROCESSING: "wait", T.PAID: "good", T.FAILED: "bad"},
)
_ALIVE = "state IN ('creating', 'open', 'processing')"


class CheckoutAttempt(Model):
    """One session at the payment provider for one invoice; at most one is alive per invoice."""

    __tablename__ = "checkout_attempt"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)
    n: Mapped[int]
    amount: Mapped[Money]
    gateway: Mapped[str] = mapped_column(String(12))
    state: Mapped[AttemptState] = mapped_column(choice(AttemptState), default=AttemptState.CREATING)
    session_id: Mapped[str | None] = mapped_column(String(120), unique=True, default=None)
    url: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), init=False, default=None)
    receipt: Mapped[Receipt | None] = relationship(init=False, default=None)
    keep_card: Mapped[bool] = mapped_column(default=False)
    card_id: Mapped[int | None] = mapped_column(ForeignKey("saved_card.id"), init=False, default=None)
    card: Mapped[SavedCard | None] = relationship(default=None)
    auto_key: Mapped[str | None] = mapped_column(String(80), unique=True, init=False, default=None)
    why: Mapped[str] = mapped_column(String(200), init=False, default="")
    __table_args__ = (
        UniqueConstraint("invoice_id", "n"),
        Index(
            "uq_checkout_attempt_live", "invoice_id", unique=True,
            sqlite_where=literal_column(_ALIVE), postgresql_where=literal_column(_ALIVE),
        ),
    )  # fmt: skip


class GatewayEvent(Model):
    """What a provider told us, as received; worked later, and once."""

    __tablename__ = "gateway_event"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    event_id: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(80))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    received_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    worked_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    error: Mapped[str] = mapped_column(String(500), init=False, default="")
    tries: Mapped[int] = mapped_column(init=False, default=0)
    replays: Mapped[int] = mapped_column(init=False, default=0)


class PracticeSession(Model):
    """A session of the built-in test gateway, where no money moves."""

    __tablename__ = "test_session"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    session_id: Mapped[str] = mapped_column(String(80), unique=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    invoice_uid: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Money]
    success_url: Mapped[str] = mapped_column(String(500))
    status: Mapped[str] = mapped_column(String(12), default="open")
    payment_status: Mapped[str] = mapped_column(String(12), default="unpaid")  # unpaid, paid, failed
    payment_intent: Mapped[str | None] = mapped_column(String(80), default=None)


class PracticeRefund(Model):
    """A refund of the built-in test gateway; asked again with the same key it is the same one."""

    __tablename__ = "test_refund"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    refund_id: Mapped[str] = mapped_column(String(80), unique=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    refund_uid: Mapped[str] = mapped_column(String(32))
    payment: Mapped[str] = mapped_column(String(80), index=True)
    amount: Mapped[Money]
    status: Mapped[str] = mapped_column(String(12))


class Trouble(StrEnum):
    """What can be wrong with money that a provider tells of."""

    MISFIT = "misfit"
    CURRENCY = "currency"
    DISPUTE = "dispute"
    REFUNDED_OUTSIDE = "refunded_outside"
    MODE = "mode"
    ACCOUNT = "account"
    PAYOUT = "payout"
    SHORT = "short"


labels.name(
    Trouble,
    {
        Trouble.MISFIT: _l("The payment differs from what was asked for"),
        Trouble.CURRENCY: _l("The payment came in another currency and is not booked"),
        Trouble.DISPUTE: _l("The payer disputes a payment"),
        Trouble.REFUNDED_OUTSIDE: _l("A refund was made outside the portal"),
        Trouble.MODE: _l("An event of test mode came to real money, or the other way round"),
        Trouble.ACCOUNT: _l("An event of another account of the provider came"),
        Trouble.PAYOUT: _l("A payout does not add up and is not booked"),
        Trouble.SHORT: _l("More was taken back than was left of the payment"),
    },
)


class PaymentAlert(Model):
    """Something about a payment that a person of finance must look at; said once, closed with a note."""

    __tablename__ = "payment_alert"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    trouble: Mapped[Trouble] = mapped_column(choice(Trouble))
    detail: Mapped[str] = mapped_column(String(300))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False)
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), init=False)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    invoice: Mapped[Invoice | None] = relationship(lazy="joined", default=None)
    receipt: Mapped[Receipt | None] = relationship(lazy="joined", default=None)
    closed_by: Mapped[Person | None] = relationship(init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    note: Mapped[str] = mapped_column(String(300), init=False, default="")
