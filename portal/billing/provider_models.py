"""What a payment provider does with money it took: disputes, payouts with their fees, cards kept on file."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Party
from portal.billing.money_models import Receipt
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life


class DisputeState(StrEnum):
    """The life of a payment that its payer disputes."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


D = DisputeState
DISPUTE_LIFE = life(
    DisputeState, {D.INQUIRY: [D.OPEN, D.CLOSED], D.CLOSED: [D.OPEN], D.OPEN: [D.WON, D.LOST]}
)
labels.name(
    DisputeState,
    {
        D.INQUIRY: _l("The bank asks"),
        D.OPEN: _l("Disputed"),
        D.WON: _l("Won"),
        D.LOST: _l("Lost"),
        D.CLOSED: _l("Closed without a dispute"),
    },
    {D.INQUIRY: "wait", D.OPEN: "wait", D.WON: "good", D.LOST: "bad"},
)


class Dispute(Model):
    """A payment its payer disputes at the bank: the provider holds the money until it is decided."""

    __tablename__ = "dispute"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    dispute_id: Mapped[str] = mapped_column(String(120), unique=True)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"), init=False, index=True)
    receipt: Mapped[Receipt] = relationship(lazy="joined", innerjoin=True)
    amount: Mapped[Money]
    reason: Mapped[str] = mapped_column(String(60))
    status: Mapped[str] = mapped_column(String(40))
    state: Mapped[DisputeState] = mapped_column(choice(DisputeState), default=DisputeState.INQUIRY)
    opened_on: Mapped[date] = mapped_column(init=False, default_factory=clock.today)
    answer_by: Mapped[datetime | None] = mapped_column(default=None)
    decided_on: Mapped[date | None] = mapped_column(init=False, default=None)


class PayoutState(StrEnum):
    """The life of a payout from the provider to our bank account."""

    PAID = "paid"
    FAILED = "failed"


PAYOUT_LIFE = life(PayoutState, {PayoutState.PAID: [PayoutState.FAILED]})
labels.name(
    PayoutState,
    {PayoutState.PAID: _l("Paid out"), PayoutState.FAILED: _l("Came back")},
    {PayoutState.PAID: "good", PayoutState.FAILED: "bad"},
)


class Payout(Model):
    """Money the provider sent to our bank account: what payments brought, less refunds, disputes and fees."""

    __tablename__ = "payout"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    provider: Mapped[str] = mapped_column(String(40))
    payout_id: Mapped[str] = mapped_column(String(120))
    amount: Mapped[Money]
    fee: Mapped[Money]
    arrives_on: Mapped[date]
    state: Mapped[PayoutState] = mapped_column(choice(PayoutState), default=PayoutState.PAID)
    booked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[PayoutLine]] = relationship(
        init=False, back_populates="payout", order_by="PayoutLine.id"
    )
    __table_args__ = (UniqueConstraint("provider", "payout_id"),)


class PayoutLine(Model):
    """One movement at the provider that a payout contains: a payment, refund or dispute with its fee."""

    __tablename__ = "payout_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    payout_id: Mapped[int] = mapped_column(ForeignKey("payout.id"), init=False, index=True)
    payout: Mapped[Payout] = relationship(back_populates="lines")
    txn_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    gross: Mapped[Money]
    fee: Mapped[Money]
    net: Mapped[Money]
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), init=False, default=None)
    receipt: Mapped[Receipt | None] = relationship(lazy="joined", default=None)
    __table_args__ = (UniqueConstraint("payout_id", "txn_id"),)


_KEPT = "removed_at IS NULL"


class SavedCard(Model):
    """A card its payer ticked to keep at the provider; we hold its name there and its last four digits."""

    __tablename__ = "saved_card"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship(lazy="joined", innerjoin=True)
    customer: Mapped[str] = mapped_column(String(120))
    method: Mapped[str] = mapped_column(String(120))
    words: Mapped[str] = mapped_column(String(80))
    saved_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    removed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    removed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    removed_by: Mapped[Person | None] = relationship(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_saved_card_kept", "party_id", unique=True,
            sqlite_where=literal_column(_KEPT), postgresql_where=literal_column(_KEPT),
        ),
    )  # fmt: skip
