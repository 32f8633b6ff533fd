"""What proctors see to: identities checked, sessions opened and reported, incidents, words to candidates, holds, invalid attempts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, event, literal_column
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.bank import ItemVersion
from portal.certs.models.booking import Booking, ExamSession
from portal.certs.models.delivery import Attempt, Frozen
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class Paper(StrEnum):
    """What document with a photograph was shown."""

    IDENTITY_CARD = "identity_card"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving_licence"
    RESIDENCE_PERMIT = "residence_permit"


labels.name(
    Paper,
    {
        Paper.IDENTITY_CARD: _l("Identity card"),
        Paper.PASSPORT: _l("Passport"),
        Paper.DRIVING_LICENCE: _l("Driving licence"),
        Paper.RESIDENCE_PERMIT: _l("Residence permit"),
    },
)


class IdentityCheck(Model):
    """That a proctor compared a document with a booking's name: its kind and last four characters, never a copy."""

    __tablename__ = "exam_identity_check"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    booking_id: Mapped[int] = mapped_column(ForeignKey("exam_booking.id"), init=False, unique=True)
    booking: Mapped[Booking] = relationship()
    kind: Mapped[Paper] = mapped_column(choice(Paper))
    last_four: Mapped[str] = mapped_column(String(4))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Opening(Model):
    """That a proctor let the candidates of a session start."""

    __tablename__ = "exam_opening"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"), init=False, unique=True)
    session: Mapped[ExamSession] = relationship()
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class IncidentKind(StrEnum):
    """What happened in a session."""

    CONNECTION = "connection"
    OUTAGE = "outage"
    TAKEOVER = "takeover"
    FOCUS_LOST = "focus_lost"
    PASTE = "paste"
    HEALTH = "health"
    CONDUCT = "conduct"
    IDENTITY = "identity"
    MATERIAL = "material"
    OTHER = "other"


I = IncidentKind  # noqa: E741 - the house names a life by one letter
labels.name(
    IncidentKind,
    {
        I.CONNECTION: _l("Connection lost"),
        I.OUTAGE: _l("Outage"),
        I.TAKEOVER: _l("Went on in another browser"),
        I.FOCUS_LOST: _l("Left the page"),
        I.PASTE: _l("Pasted text"),
        I.HEALTH: _l("Health"),
        I.CONDUCT: _l("Conduct"),
        I.IDENTITY: _l("Identity in doubt"),
        I.MATERIAL: _l("Forbidden material"),
        I.OTHER: _l("Something else"),
    },
)
# What a browser reports by itself: shown to people, never judged by a rule.
HINTS = (I.FOCUS_LOST, I.PASTE)


class Severity(StrEnum):
    """How grave an incident is."""

    HINT = "hint"
    MINOR = "minor"
    MAJOR = "major"


labels.name(
    Severity,
    {Severity.HINT: _l("Hint"), Severity.MINOR: _l("Minor"), Severity.MAJOR: _l("Major")},
    {Severity.MINOR: "warn", Severity.MAJOR: "bad"},
)


class Incident(Model):
    """What happened in a session, to one candidate or to all; `by` is empty where the portal noted it. Never changed."""

    __tablename__ = "exam_incident"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"), init=False, index=True)
    session: Mapped[ExamSession] = relationship()
    kind: Mapped[IncidentKind] = mapped_column(choice(IncidentKind))
    severity: Mapped[Severity] = mapped_column(choice(Severity))
    note: Mapped[str] = mapped_column(String(1000))
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("exam_attempt.id"), init=False, index=True)
    attempt: Mapped[Attempt | None] = relationship(default=None)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(default=None)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile | None] = relationship(default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Notice(Model):
    """What a proctor tells the candidates of a session, or one of them, in both languages."""

    __tablename__ = "exam_notice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"), init=False, index=True)
    session: Mapped[ExamSession] = relationship()
    zh: Mapped[str] = mapped_column(String(500))
    en: Mapped[str] = mapped_column(String(500))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("exam_attempt.id"), init=False, index=True)
    attempt: Mapped[Attempt | None] = relationship(default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


_STANDING = "lifted_at IS NULL"


class ResultHold(Model):
    """What keeps a result from being released, and why; the candidate is told. One stands at a time."""

    __tablename__ = "exam_hold"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt.id"), init=False)
    attempt: Mapped[Attempt] = relationship()
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    lifted_by: Mapped[Person | None] = relationship(foreign_keys=[lifted_by_id], init=False, default=None)
    lifted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_exam_hold_standing", "attempt_id", unique=True,
            sqlite_where=literal_column(_STANDING), postgresql_where=literal_column(_STANDING),
        ),
    )  # fmt: skip


class InvalidationState(StrEnum):
    """The life of a proposal to declare an attempt invalid."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


V = InvalidationState
INVALIDATION_LIFE = life(InvalidationState, {V.PROPOSED: [V.CONFIRMED, V.DECLINED]})
labels.name(
    InvalidationState,
    {
        V.PROPOSED: _l("Proposed, the candidate is heard"),
        V.CONFIRMED: _l("The attempt is invalid"),
        V.DECLINED: _l("The attempt stands"),
    },
    {V.PROPOSED: "wait", V.CONFIRMED: "bad"},
)
_PROPOSED = "state = 'proposed'"


class Invalidation(Model):
    """A chief examiner's proposal to declare an attempt invalid, citing an incident; a decider confirms it.

    Nobody confirms before `not_before`: until then the candidate is heard. `heard` is what he said.
    """

    __tablename__ = "exam_invalidation"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt.id"), init=False)
    attempt: Mapped[Attempt] = relationship()
    incident_id: Mapped[int] = mapped_column(ForeignKey("exam_incident.id"), init=False)
    incident: Mapped[Incident] = relationship()
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    not_before: Mapped[datetime]
    heard: Mapped[str] = mapped_column(String(2000), init=False, default="")
    heard_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    state: Mapped[InvalidationState] = mapped_column(
        choice(InvalidationState), init=False, default=V.PROPOSED
    )
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    answer: Mapped[str] = mapped_column(String(300), init=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        Index(
            "uq_exam_invalidation_open", "attempt_id", unique=True,
            sqlite_where=literal_column(_PROPOSED), postgresql_where=literal_column(_PROPOSED),
        ),
    )  # fmt: skip


class SessionReport(Model):
    """A proctor's signed report of a session. Never changed."""

    __tablename__ = "exam_session_report"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    session_id: Mapped[int] = mapped_column(ForeignKey("exam_session.id"), init=False, unique=True)
    session: Mapped[ExamSession] = relationship()
    note: Mapped[str] = mapped_column(String(2000))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class TaskFile(Model):
    """A file that a practical task hands out."""

    __tablename__ = "exam_task_file"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False, index=True)
    version: Mapped[ItemVersion] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


def _refuse(_mapper: Mapper[Any], _conn: Any, row: Model) -> None:
    raise Frozen(f"{row.subject} is on record and cannot change")


for _kind in (IdentityCheck, Opening, Incident, Notice, SessionReport, TaskFile):
    event.listen(_kind, "before_update", _refuse)
