"""What staff decide about candidates and sessions: accommodations, and deeds that two people do together."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.booking import Booking, ExamSession
from portal.certs.models.eligibility import Eligibility
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class Aid(StrEnum):
    """What a candidate may be granted."""

    TIME_125 = "time_125"
    TIME_150 = "time_150"
    BREAKS = "breaks"
    ROOM = "room"
    READER = "reader"


labels.name(
    Aid,
    {
        Aid.TIME_125: _l("A quarter more time"),
        Aid.TIME_150: _l("Half more time"),
        Aid.BREAKS: _l("Extra breaks"),
        Aid.ROOM: _l("A separate room"),
        Aid.READER: _l("A reader"),
    },
)
FACTORS = {Aid.TIME_125: 125, Aid.TIME_150: 150}


class AccommodationState(StrEnum):
    """The life of a request for accommodations."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


A = AccommodationState
ACCOMMODATION_LIFE = life(
    AccommodationState, {A.ASKED: [A.GRANTED, A.REFUSED, A.WITHDRAWN], A.GRANTED: [A.WITHDRAWN]}
)
labels.name(
    AccommodationState,
    {
        A.ASKED: _l("To be decided"),
        A.GRANTED: _l("Accommodations granted"),
        A.REFUSED: _l("Not granted"),
        A.WITHDRAWN: _l("Taken back"),
    },
    {A.ASKED: "wait", A.GRANTED: "good", A.REFUSED: "bad"},
)
_HOLDS = "state IN ('asked', 'granted')"


class Accommodation(Model):
    """What a candidate asked for, and what was granted; the evidence goes when it is decided."""

    __tablename__ = "exam_accommodation"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    asked: Mapped[list[str]] = mapped_column(JSON)
    evidence: Mapped[str] = mapped_column(Text)
    granted: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    factor: Mapped[int] = mapped_column(default=100)
    state: Mapped[AccommodationState] = mapped_column(choice(AccommodationState), default=A.ASKED, index=True)
    reason: Mapped[str] = mapped_column(String(300), default="")
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    officer_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    officer: Mapped[Person | None] = relationship(foreign_keys=[officer_id], default=None)
    __table_args__ = (
        CheckConstraint("factor IN (100, 125, 150)", name="factor"),
        CheckConstraint("officer_id IS NULL OR officer_id <> person_id", name="other_officer"),
        Index(
            "uq_exam_accommodation_open", "person_id", unique=True,
            sqlite_where=literal_column(_HOLDS), postgresql_where=literal_column(_HOLDS),
        ),
    )  # fmt: skip


class ExamDeedKind(StrEnum):
    """What one person proposes and another confirms."""

    CALL_OFF = "call_off"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    EXCUSE = "excuse"
    REFUND = "refund"


labels.name(
    ExamDeedKind,
    {
        ExamDeedKind.CALL_OFF: _l("Call the session off"),
        ExamDeedKind.CANCEL: _l("Cancel after the cut-off"),
        ExamDeedKind.RESCHEDULE: _l("Move after the cut-off"),
        ExamDeedKind.EXCUSE: _l("Excuse an absence"),
        ExamDeedKind.REFUND: _l("Pay an exam back"),
    },
)


class ExamDeedState(StrEnum):
    """The life of a proposal."""

    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"


D = ExamDeedState
DEED_LIFE = life(ExamDeedState, {D.PROPOSED: [D.DONE, D.DECLINED]})
labels.name(
    ExamDeedState,
    {D.PROPOSED: _l("Proposed, not decided"), D.DONE: _l("Confirmed"), D.DECLINED: _l("Declined")},
    {D.PROPOSED: "wait", D.DONE: "good", D.DECLINED: "bad"},
)
_PROPOSED = "state = 'proposed'"


class ExamDeed(Model):
    """One person's proposal about a session, a booking or an eligibility (`about`), and who decided on it."""

    __tablename__ = "exam_deed"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    kind: Mapped[ExamDeedKind] = mapped_column(choice(ExamDeedKind))
    about: Mapped[str] = mapped_column(String(60), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("exam_session.id"), init=False)
    session: Mapped[ExamSession | None] = relationship(default=None)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("exam_booking.id"), init=False)
    booking: Mapped[Booking | None] = relationship(default=None)
    eligibility_id: Mapped[int | None] = mapped_column(ForeignKey("exam_eligibility.id"), init=False)
    eligibility: Mapped[Eligibility | None] = relationship(default=None)
    evidence: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[ExamDeedState] = mapped_column(choice(ExamDeedState), default=D.PROPOSED, index=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        Index(
            "uq_exam_deed_open", "about", unique=True,
            sqlite_where=literal_column(_PROPOSED), postgresql_where=literal_column(_PROPOSED),
        ),
    )  # fmt: skip
