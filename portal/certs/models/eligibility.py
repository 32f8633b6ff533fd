"""The paid right to try: eligibilities, vouchers with their uses, and the seats a company buys together."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.billing.models import Order
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class ExamKind(StrEnum):
    """What is bought for a level: the product's first word."""

    EXAM = "exam"
    RETAKE = "retake"
    RENEWAL = "renewal"


labels.name(
    ExamKind, {ExamKind.EXAM: _l("Exam"), ExamKind.RETAKE: _l("Retake"), ExamKind.RENEWAL: _l("Renewal exam")}
)


class EligibilityState(StrEnum):
    """The life of an eligibility."""

    PENDING = "pending"
    ACTIVE = "active"
    USED = "used"
    ENDED = "ended"
    REFUNDED = "refunded"
    DROPPED = "dropped"


E = EligibilityState
# A missed exam that is excused gives its attempt back: the only way back from `used`.
ELIGIBILITY_LIFE = life(
    EligibilityState,
    {E.PENDING: [E.ACTIVE, E.DROPPED], E.ACTIVE: [E.USED, E.ENDED, E.REFUNDED], E.USED: [E.ACTIVE, E.ENDED]},
)
labels.name(
    EligibilityState,
    {
        E.PENDING: _l("To be paid first"),
        E.ACTIVE: _l("Open"),
        E.USED: _l("Used up"),
        E.ENDED: _l("Time is over"),
        E.REFUNDED: _l("Paid back"),
        E.DROPPED: _l("Never paid"),
    },
    {E.PENDING: "wait", E.ACTIVE: "good"},
)


class Eligibility(Model):
    """One attempt at a level, and free retakes after a released fail, for sessions that start before `ends_on`.

    `ends_on` counts from the day of the order and is never moved. What the scheme said then is pinned here.
    """

    __tablename__ = "exam_eligibility"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    level: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[ExamKind] = mapped_column(choice(ExamKind))
    scheme: Mapped[int]
    bought_on: Mapped[date]
    ends_on: Mapped[date] = mapped_column(index=True)
    free_retakes: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=1)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("billing_order.id"), init=False, index=True)
    order: Mapped[Order | None] = relationship(default=None)
    seat_id: Mapped[int | None] = mapped_column(ForeignKey("exam_bundle_seat.id"), init=False, unique=True)
    seat: Mapped[BundleSeat | None] = relationship(default=None, back_populates="eligibility")
    guardian: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[EligibilityState] = mapped_column(choice(EligibilityState), default=E.PENDING, index=True)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("attempts >= 1 AND attempts <= 1 + free_retakes", name="attempts"),
        CheckConstraint("ends_on > bought_on", name="lasts"),
        CheckConstraint("(order_id IS NULL) OR (seat_id IS NULL)", name="one_source"),
    )


class VoucherKind(StrEnum):
    """What a voucher takes off, or that it is the code of a company's seat."""

    PERCENT = "percent"
    AMOUNT = "amount"
    FULL = "full"
    SEAT = "seat"


labels.name(
    VoucherKind,
    {
        VoucherKind.PERCENT: _l("Percent"),
        VoucherKind.AMOUNT: _l("A fixed sum"),
        VoucherKind.FULL: _l("The whole price"),
        VoucherKind.SEAT: _l("A company's seat"),
    },
)


class VoucherState(StrEnum):
    """The life of a voucher: large ones wait for a second person."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    DECLINED = "declined"
    ENDED = "ended"


V = VoucherState
VOUCHER_LIFE = life(VoucherState, {V.PROPOSED: [V.ACTIVE, V.DECLINED], V.ACTIVE: [V.ENDED]})
labels.name(
    VoucherState,
    {
        V.PROPOSED: _l("To be approved"),
        V.ACTIVE: _l("May be used"),
        V.DECLINED: _l("Declined"),
        V.ENDED: _l("Ended"),
    },
    {V.PROPOSED: "wait", V.ACTIVE: "good", V.DECLINED: "bad"},
)


class Voucher(Model):
    """A code of 80 random bits, kept as a hash; `value` is basis points or fen; no levels means all of them."""

    __tablename__ = "exam_voucher"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(8))
    kind: Mapped[VoucherKind] = mapped_column(choice(VoucherKind))
    words: Mapped[str] = mapped_column(String(120))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    starts: Mapped[date]
    ends: Mapped[date]
    value: Mapped[int] = mapped_column(default=0)
    levels: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    most: Mapped[int] = mapped_column(default=1)
    per_person: Mapped[int] = mapped_column(default=1)
    used: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[VoucherState] = mapped_column(choice(VoucherState), default=V.PROPOSED, index=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("used >= 0 AND used <= most", name="used"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("per_person > 0", name="per_person"),
        CheckConstraint("ends > starts", name="lasts"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
    )


class VoucherUse(Model):
    """One use of a voucher; a cancelled order gives it back."""

    __tablename__ = "exam_voucher_use"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    voucher_id: Mapped[int] = mapped_column(ForeignKey("exam_voucher.id"), init=False, index=True)
    voucher: Mapped[Voucher] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship()
    eligibility_id: Mapped[int] = mapped_column(ForeignKey("exam_eligibility.id"), init=False, index=True)
    eligibility: Mapped[Eligibility] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    returned_at: Mapped[datetime | None] = mapped_column(default=None)


class BundleState(StrEnum):
    """The life of a bundle: it opens when its invoice is settled."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"
    DROPPED = "dropped"


B = BundleState
BUNDLE_LIFE = life(BundleState, {B.PENDING: [B.ACTIVE, B.DROPPED], B.ACTIVE: [B.ENDED]})
labels.name(
    BundleState,
    {
        B.PENDING: _l("To be paid first"),
        B.ACTIVE: _l("Open"),
        B.ENDED: _l("Time is over"),
        B.DROPPED: _l("Never paid"),
    },
    {B.PENDING: "wait", B.ACTIVE: "good"},
)


class Bundle(Model):
    """So many seats of a level that a company bought; `given` is how many it has assigned and not taken back."""

    __tablename__ = "exam_bundle"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    level: Mapped[str] = mapped_column(String(40))
    scheme: Mapped[int]
    seats: Mapped[int]
    free_retakes: Mapped[int]
    bought_on: Mapped[date]
    ends_on: Mapped[date] = mapped_column(index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    order_id: Mapped[int | None] = mapped_column(ForeignKey("billing_order.id"), init=False, index=True)
    order: Mapped[Order | None] = relationship(default=None)
    given: Mapped[int] = mapped_column(default=0)
    state: Mapped[BundleState] = mapped_column(choice(BundleState), default=B.PENDING, index=True)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("seats > 0", name="some"),
        CheckConstraint("given >= 0 AND given <= seats", name="given"),
        CheckConstraint("ends_on > bought_on", name="lasts"),
    )


class SeatState(StrEnum):
    """The life of a seat once it is assigned; a seat nobody was given has no row."""

    ASSIGNED = "assigned"
    TAKEN = "taken"
    RETURNED = "returned"


T = SeatState
SEAT_LIFE = life(SeatState, {T.ASSIGNED: [T.TAKEN, T.RETURNED], T.TAKEN: [T.RETURNED]})
labels.name(
    SeatState,
    {T.ASSIGNED: _l("Seat assigned"), T.TAKEN: _l("Accepted"), T.RETURNED: _l("Taken back")},
    {T.ASSIGNED: "wait", T.TAKEN: "good"},
)
_OPEN = "state IN ('assigned', 'taken') AND email <> ''"


class BundleSeat(Model):
    """A seat assigned to a mail address, or to whoever has its code (a voucher of kind seat)."""

    __tablename__ = "exam_bundle_seat"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    bundle_id: Mapped[int] = mapped_column(ForeignKey("exam_bundle.id"), init=False, index=True)
    bundle: Mapped[Bundle] = relationship(lazy="joined", innerjoin=True)
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    voucher_id: Mapped[int | None] = mapped_column(ForeignKey("exam_voucher.id"), init=False)
    voucher: Mapped[Voucher | None] = relationship(default=None)
    eligibility: Mapped[Eligibility | None] = relationship(init=False, back_populates="seat")
    state: Mapped[SeatState] = mapped_column(choice(SeatState), default=T.ASSIGNED, index=True)
    assigned_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        UniqueConstraint("voucher_id"),
        Index(
            "uq_exam_bundle_seat_open", "bundle_id", "email", unique=True,
            sqlite_where=literal_column(_OPEN), postgresql_where=literal_column(_OPEN),
        ),
    )  # fmt: skip
