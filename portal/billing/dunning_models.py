"""Reminders: each step of a ladder reached once per invoice, what holds them, and the orders payers quote."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, Party
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life


class NoticeState(StrEnum):
    """What became of the words of a step."""

    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"
    SKIPPED = "skipped"
    QUIET = "quiet"


N = NoticeState
NOTICE_LIFE = life(NoticeState, {N.WAITING: [N.SENT, N.DROPPED]})
labels.name(
    NoticeState,
    {
        N.WAITING: _l("Goes out on the next working day"),
        N.SENT: _l("Mailed"),
        N.DROPPED: _l("Not needed any more"),
        N.SKIPPED: _l("Passed over"),
        N.QUIET: _l("For finance only"),
    },
    {N.SENT: "good", N.WAITING: "wait"},
)


class DecisionState(StrEnum):
    """The life of what a step only proposes: a person decides."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


D = DecisionState
DECISION_LIFE = life(DecisionState, {D.PROPOSED: [D.CONFIRMED, D.DECLINED]})
labels.name(
    DecisionState,
    {D.PROPOSED: _l("To be decided"), D.CONFIRMED: _l("Confirmed"), D.DECLINED: _l("Declined")},
    {D.PROPOSED: "wait", D.CONFIRMED: "warn"},
)


class DunningNotice(Model):
    """One step of a ladder that an invoice reached: unique, written with its outbox row; `place` is its order."""

    __tablename__ = "dunning_notice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)
    step: Mapped[str] = mapped_column(String(40))
    place: Mapped[int]
    action: Mapped[str] = mapped_column(String(40))
    due_on: Mapped[date]
    reached_on: Mapped[date]
    words_on: Mapped[date | None] = mapped_column(default=None)
    balance: Mapped[Money | None] = mapped_column(default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    state: Mapped[NoticeState] = mapped_column(choice(NoticeState), default=NoticeState.WAITING, index=True)
    __table_args__ = (UniqueConstraint("invoice_id", "step"),)


class DunningDecision(Model):
    """What a step proposes (block the service, write off), and what a person decided."""

    __tablename__ = "dunning_decision"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    notice_id: Mapped[int] = mapped_column(ForeignKey("dunning_notice.id"), init=False, unique=True)
    notice: Mapped[DunningNotice] = relationship(lazy="joined", innerjoin=True)
    state: Mapped[DecisionState] = mapped_column(
        choice(DecisionState), default=DecisionState.PROPOSED, index=True
    )
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    by: Mapped[Person | None] = relationship(default=None)
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (CheckConstraint("state = 'proposed' OR by_id IS NOT NULL", name="decided_by_somebody"),)


class HoldKind(StrEnum):
    """Why an invoice is not reminded for a while."""

    DISPUTE = "dispute"
    PROMISE = "promise"
    OTHER = "other"


labels.name(
    HoldKind,
    {
        HoldKind.DISPUTE: _l("The payer disputes it"),
        HoldKind.PROMISE: _l("The payer promised to pay until a day"),
        HoldKind.OTHER: _l("Another reason"),
    },
)


class DunningHold(Model):
    """A pause of reminders, by a person with a reason; a promise ends after its day, the others when lifted."""

    __tablename__ = "dunning_hold"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship()
    kind: Mapped[HoldKind] = mapped_column(choice(HoldKind))
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    until: Mapped[date | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    lifted_by: Mapped[Person | None] = relationship(foreign_keys=[lifted_by_id], default=None)
    __table_args__ = (
        CheckConstraint("kind <> 'promise' OR until IS NOT NULL", name="promise_has_a_day"),
        Index(
            "uq_dunning_hold_open", "invoice_id", unique=True,
            sqlite_where=literal_column("lifted_at IS NULL"),
            postgresql_where=literal_column("lifted_at IS NULL"),
        ),
    )  # fmt: skip


class PurchaseOrder(Model):
    """The payer's own order number: for one invoice, or (without one) for all issued from then on. Never changed.

    The newest row counts. `at_issue` ones were known when the invoice was issued and stand on its PDF.
    """

    __tablename__ = "purchase_order"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship()
    number: Mapped[str] = mapped_column(String(60))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    by: Mapped[Person | None] = relationship(default=None)
    at_issue: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
