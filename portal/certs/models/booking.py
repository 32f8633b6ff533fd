"""Sessions and the places in them: bookings with hold, queue and offer, and what is counted of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice
from portal.certs.models.eligibility import Eligibility
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class SessionState(StrEnum):
    """The life of a session."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    REPORTED = "reported"
    CALLED_OFF = "called_off"


S = SessionState
SESSION_LIFE = life(
    SessionState, {S.DRAFT: [S.OPEN, S.CALLED_OFF], S.OPEN: [S.CLOSED, S.CALLED_OFF], S.CLOSED: [S.REPORTED]}
)
labels.name(
    SessionState,
    {
        S.DRAFT: _l("Draft"),
        S.OPEN: _l("Published"),
        S.CLOSED: _l("Closed"),
        S.REPORTED: _l("Reported"),
        S.CALLED_OFF: _l("Called off"),
    },
    {S.OPEN: "good", S.CALLED_OFF: "bad"},
)


class Mode(StrEnum):
    """Where a session is sat."""

    ONLINE = "online"
    SITE = "site"


labels.name(Mode, {Mode.ONLINE: _l("Online"), Mode.SITE: _l("On site")})


class ExamSession(Model):
    """One sitting of a level. `booked` is written by `seats.py` alone, with the seat rule; pages read it."""

    __tablename__ = "exam_session"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    level: Mapped[str] = mapped_column(String(40), index=True)
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    tz: Mapped[str] = mapped_column(String(60))
    mode: Mapped[Mode] = mapped_column(choice(Mode))
    place: Mapped[str] = mapped_column(String(300))
    capacity: Mapped[int]
    languages: Mapped[list[str]] = mapped_column(JSON)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    booked: Mapped[int] = mapped_column(init=False, default=0)
    state: Mapped[SessionState] = mapped_column(choice(SessionState), init=False, default=S.DRAFT, index=True)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    proctors: Mapped[list[Proctor]] = relationship(
        init=False, back_populates="session", order_by="Proctor.id"
    )
    __table_args__ = (
        CheckConstraint("booked >= 0 AND booked <= capacity", name="seats"),
        CheckConstraint("capacity > 0", name="some"),
        CheckConstraint("ends_at > starts_at", name="lasts"),
    )

    @property
    def free(self) -> int:
        """Return how many seats nobody holds."""
        return self.capacity - self.booked


class Proctor(Model):
    """Who watches over a session."""

    __tablename__ = "exam_proctor"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"), init=False)
    session: Mapped[ExamSession] = relationship(back_populates="proctors")
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (UniqueConstraint("session_id", "person_id"),)


class BookingState(StrEnum):
    """The life of a booking."""

    HELD = "held"
    WAITING = "waiting"
    OFFERED = "offered"
    CONFIRMED = "confirmed"
    LAPSED = "lapsed"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"
    CALLED_OFF = "called_off"
    PRESENT = "present"
    SAT = "sat"
    NO_SHOW = "no_show"
    EXCUSED = "excused"


K = BookingState
BOOKING_LIFE = life(
    BookingState,
    {
        K.HELD: [K.CONFIRMED, K.LAPSED, K.CALLED_OFF],
        K.WAITING: [K.OFFERED, K.LAPSED, K.CALLED_OFF],
        K.OFFERED: [K.CONFIRMED, K.LAPSED, K.CALLED_OFF],
        K.CONFIRMED: [K.RESCHEDULED, K.CANCELLED, K.CALLED_OFF, K.PRESENT, K.NO_SHOW],
        K.PRESENT: [K.SAT],
        K.NO_SHOW: [K.EXCUSED],
    },
)
labels.name(
    BookingState,
    {
        K.HELD: _l("Held for you"),
        K.WAITING: _l("On the waitlist"),
        K.OFFERED: _l("A seat is offered"),
        K.CONFIRMED: _l("Seat booked"),
        K.LAPSED: _l("Given up"),
        K.RESCHEDULED: _l("Moved to another session"),
        K.CANCELLED: _l("Cancelled"),
        K.CALLED_OFF: _l("Called off by us"),
        K.PRESENT: _l("Checked in"),
        K.SAT: _l("Exam taken"),
        K.NO_SHOW: _l("Not appeared"),
        K.EXCUSED: _l("Absence excused"),
    },
    {
        K.HELD: "wait",
        K.WAITING: "wait",
        K.OFFERED: "warn",
        K.CONFIRMED: "good",
        K.CALLED_OFF: "bad",
        K.NO_SHOW: "bad",
    },
)
SEATED = (K.HELD, K.OFFERED, K.CONFIRMED, K.PRESENT, K.SAT)
LIVE = (K.HELD, K.CONFIRMED, K.PRESENT)
QUEUED = (K.WAITING, K.OFFERED)
OPEN = (K.HELD, K.WAITING, K.OFFERED, K.CONFIRMED)
SPENT = (K.PRESENT, K.SAT, K.NO_SHOW)


class Outcome(StrEnum):
    """How an attempt ended, as far as the next booking must know."""

    PASSED = "passed"
    FAILED = "failed"
    INVALIDATED = "invalidated"
    ABANDONED = "abandoned"


labels.name(
    Outcome,
    {
        Outcome.PASSED: _l("Passed"),
        Outcome.FAILED: _l("Not passed"),
        Outcome.INVALIDATED: _l("Invalidated"),
        Outcome.ABANDONED: _l("Abandoned"),
    },
)
_LIVE = "state IN ('held', 'confirmed', 'present')"
_OFFERED = "state = 'offered'"
_WAITING = "state = 'waiting'"


class Booking(Model):
    """A candidate's place in a session, or in the queue for one.

    `rank` and `joined_at` order the queue; `expires_at` ends a hold or an offer; `until_at` is the candidate's own
    end with the time granted to him. `chain` and `sequence` are the calendar's: one entry over every move.
    """

    __tablename__ = "exam_booking"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"), init=False)
    session: Mapped[ExamSession] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    level: Mapped[str] = mapped_column(String(40))
    eligibility_id: Mapped[int] = mapped_column(ForeignKey("exam_eligibility.id"), init=False, index=True)
    eligibility: Mapped[Eligibility] = relationship()
    state: Mapped[BookingState] = mapped_column(choice(BookingState))
    until_at: Mapped[datetime]
    rank: Mapped[int] = mapped_column(default=2)
    language: Mapped[str] = mapped_column(String(16), default="")
    factor: Mapped[int] = mapped_column(default=100)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    name: Mapped[str] = mapped_column(String(120), default="")
    name_latin: Mapped[str] = mapped_column(String(120), default="")
    rules: Mapped[str] = mapped_column(String(40), default="")
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    rescheduled_from_id: Mapped[int | None] = mapped_column(
        ForeignKey("exam_booking.id"), init=False, index=True
    )
    rescheduled_from: Mapped[Booking | None] = relationship(remote_side=[id], default=None)
    chain: Mapped[str] = mapped_column(String(32), default_factory=new_uid)
    sequence: Mapped[int] = mapped_column(default=0)
    moves: Mapped[int] = mapped_column(default=0)
    fee_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False)
    fee: Mapped[Invoice | None] = relationship(default=None)
    retried: Mapped[bool] = mapped_column(default=False)
    joined_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(String(300), default="")
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome), default=None)
    released_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        *(
            Index(
                f"uq_exam_booking_{name}", *columns, unique=True, sqlite_where=literal_column(where),
                postgresql_where=literal_column(where),
            )
            for name, where, columns in (
                ("live", _LIVE, ("person_id", "level")),
                ("offer", _OFFERED, ("person_id", "level")),
                ("waiting", _WAITING, ("person_id", "session_id")),
            )
        ),
        Index("ix_exam_booking_session", "session_id", "state", "rank", "joined_at"),
        Index("ix_exam_booking_due", "state", "expires_at"),
        CheckConstraint("factor >= 100", name="factor"),
        CheckConstraint("(state IN ('held', 'offered')) = (expires_at IS NOT NULL)", name="deadline"),
    )  # fmt: skip


class ExamReminder(Model):
    """That a step before a session was said once to a candidate; steps passed over are written too."""

    __tablename__ = "exam_reminder"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    booking_id: Mapped[int] = mapped_column(ForeignKey("exam_booking.id"), init=False)
    booking: Mapped[Booking] = relationship()
    hours: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("booking_id", "hours"),)
