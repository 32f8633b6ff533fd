"""What renewing leaves on record: offers, steps of the ladder, pauses, late money, credit terms, extensions."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life
from portal.members.belonging import Membership, Term, TermKind


class OfferState(StrEnum):
    """The life of an offer to go on."""

    OPEN = "open"
    RENEWED = "renewed"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


O = OfferState  # noqa: E741
OFFER_LIFE = life(OfferState, {O.OPEN: [O.RENEWED, O.LAPSED, O.WITHDRAWN]})
labels.name(
    OfferState,
    {
        O.OPEN: _l("Offered"), O.RENEWED: _l("Renewed"), O.LAPSED: _l("Lapsed unpaid"),
        O.WITHDRAWN: _l("Taken back"),
    },
    {O.OPEN: "wait", O.RENEWED: "good", O.LAPSED: "bad"},
)  # fmt: skip
_OPEN = "state = 'open'"


class RenewalOffer(Model):
    """An offer of the period after a term: tier and price are fixed, and covered it becomes a term `[start, end)`.

    `price_id` pins the row of the price list, `period_price` is that of the whole period, `amount` what is asked.
    """

    __tablename__ = "renewal_offer"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship(lazy="joined", innerjoin=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    term: Mapped[Term] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[TermKind] = mapped_column(choice(TermKind))
    tier: Mapped[str] = mapped_column(String(40))
    start: Mapped[date]
    end: Mapped[date]
    anchor: Mapped[date]
    k: Mapped[int]
    price_id: Mapped[int]
    period_price: Mapped[Money]
    amount: Mapped[Money]
    opened_on: Mapped[date]
    by_name: Mapped[str] = mapped_column(String(120))
    state: Mapped[OfferState] = mapped_column(choice(OfferState), default=OfferState.OPEN, index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    invoiced_on: Mapped[date | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    confirmed_by: Mapped[Person | None] = relationship(default=None)
    closed_on: Mapped[date | None] = mapped_column(default=None)
    close_reason: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint('"end" > start', name="lasts"),
        Index(
            "uq_renewal_offer_open", "term_id", unique=True,
            sqlite_where=literal_column(_OPEN), postgresql_where=literal_column(_OPEN),
        ),
    )  # fmt: skip


class StepState(StrEnum):
    """What became of a step of the ladder."""

    SENT = "sent"
    SKIPPED = "skipped"


labels.name(
    StepState,
    {StepState.SENT: _l("Sent out"), StepState.SKIPPED: _l("Passed over")},
    {StepState.SENT: "good"},
)


class RenewalReminder(Model):
    """The ledger of the ladder: a step of a term by one channel, written once with its outbox row, never changed.

    Channels are `mail`, then, as mails come back, `representative`, `owner` and `staff`; charges have `card`.
    """

    __tablename__ = "renewal_reminder"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    term: Mapped[Term] = relationship()
    step: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(20))
    state: Mapped[StepState] = mapped_column(choice(StepState))
    due_on: Mapped[date]
    on: Mapped[date]
    receivers: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("term_id", "step", "channel"),)


class LadderPause(Model):
    """Staff keep a member's reminders back until a day; the first day on which they go on again."""

    __tablename__ = "renewal_pause"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    until: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lifted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    lifted_by: Mapped[Person | None] = relationship(foreign_keys=[lifted_by_id], init=False, default=None)


class LateState(StrEnum):
    """What becomes of money that came after a membership had lapsed."""

    REVIEW = "review"
    ASKED = "asked"
    CONTINUOUS = "continuous"
    FRESH = "fresh"
    APPLY = "apply"
    HELD = "held"
    SETTLED = "settled"


L = LateState
LATE_LIFE = life(
    LateState,
    {
        L.REVIEW: [L.ASKED, L.APPLY], L.ASKED: [L.CONTINUOUS, L.FRESH, L.APPLY], L.HELD: [L.SETTLED],
    },
)  # fmt: skip
labels.name(
    LateState,
    {
        L.REVIEW: _l("Waits for a reviewer"), L.ASKED: _l("The member chooses"),
        L.CONTINUOUS: _l("Continued without a gap"), L.FRESH: _l("Begun anew"),
        L.APPLY: _l("A new application is needed"), L.HELD: _l("Held: finance and the secretary decide"),
        L.SETTLED: _l("Decided by staff"),
    },
    {L.REVIEW: "wait", L.ASKED: "wait", L.CONTINUOUS: "good", L.FRESH: "good", L.HELD: "bad"},
)  # fmt: skip
WAITING = (L.REVIEW, L.ASKED, L.HELD)
_WAITS = "state IN ('review', 'asked', 'held')"


class LateMoney(Model):
    """Money that came after the end: the day on which it was all there, and what was made of it."""

    __tablename__ = "late_money"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship(lazy="joined", innerjoin=True)
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("renewal_offer.id"), init=False, index=True)
    offer: Mapped[RenewalOffer | None] = relationship(foreign_keys=[offer_id])
    value_on: Mapped[date]
    amount: Mapped[Money]
    state: Mapped[LateState] = mapped_column(choice(LateState), index=True)
    asked_on: Mapped[date | None] = mapped_column(default=None)
    decided_on: Mapped[date | None] = mapped_column(default=None)
    decided_by: Mapped[str] = mapped_column(String(120), default="")
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    reviewed_by: Mapped[Person | None] = relationship(foreign_keys=[reviewed_by_id], default=None)
    reason: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index(
            "uq_late_money_waits", "membership_id", unique=True,
            sqlite_where=literal_column(_WAITS), postgresql_where=literal_column(_WAITS),
        ),
    )  # fmt: skip


class CreditTerms(Model):
    """Finance lets a holder pay after the start: its terms open when they are invoiced. From `start` to `end`."""

    __tablename__ = "credit_terms"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    start: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    end: Mapped[date | None] = mapped_column(default=None)
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    ended_by: Mapped[Person | None] = relationship(foreign_keys=[ended_by_id], init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class PaymentExtension(Model):
    """Finance keeps an unpaid term from suspension before a day. Never changed: a later one counts instead."""

    __tablename__ = "payment_extension"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    term: Mapped[Term] = relationship()
    until: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
