"""Attempts as they are sat: parts with their clocks, answers and every save of them, and what happened meanwhile."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.bank import Form, ItemVersion
from portal.certs.models.booking import Booking
from portal.certs.models.pins import pin
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class AttemptState(StrEnum):
    """The life of an attempt, from the proctor's check-in to its released result."""

    READY = "ready"
    RUNNING = "running"
    SUBMITTED = "submitted"
    MARKING = "marking"
    ADJUDICATING = "adjudicating"
    SCORED = "scored"
    RELEASED = "released"
    ABANDONED = "abandoned"
    INVALIDATED = "invalidated"


A = AttemptState
ATTEMPT_LIFE = life(
    AttemptState,
    {
        A.READY: [A.RUNNING, A.ABANDONED],
        A.RUNNING: [A.SUBMITTED, A.INVALIDATED],
        A.SUBMITTED: [A.MARKING, A.INVALIDATED],
        A.MARKING: [A.ADJUDICATING, A.SCORED, A.INVALIDATED],
        A.ADJUDICATING: [A.SCORED, A.INVALIDATED],
        A.SCORED: [A.ADJUDICATING, A.RELEASED, A.INVALIDATED],  # back when a mended key parts the graders
        A.RELEASED: [A.INVALIDATED],
    },
)
labels.name(
    AttemptState,
    {
        A.READY: _l("Ready to start"),
        A.RUNNING: _l("Exam under way"),
        A.SUBMITTED: _l("Handed in"),
        A.MARKING: _l("Being marked"),
        A.ADJUDICATING: _l("With a third examiner"),
        A.SCORED: _l("Marked, not yet released"),
        A.RELEASED: _l("Result released"),
        A.ABANDONED: _l("Never started"),
        A.INVALIDATED: _l("Declared invalid"),
    },
    {A.READY: "wait", A.RUNNING: "good", A.RELEASED: "good", A.ABANDONED: "bad", A.INVALIDATED: "bad"},
)
ENDED = (A.SUBMITTED, A.MARKING, A.ADJUDICATING, A.SCORED)


class Attempt(Model):
    """One sitting of an exam by one candidate: a row per booking that was checked in.

    `scheme` is the version its parts were frozen from. `device_hash` is the one browser that may write; `heard_at` is
    when it was last heard of. `frozen` are the rules it is
    scored by, kept at its start. `started_at` is set with the first part, `ended_at` with the last.
    """

    __tablename__ = "exam_attempt"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    booking_id: Mapped[int] = mapped_column(ForeignKey("exam_booking.id"), init=False, unique=True)
    booking: Mapped[Booking] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    level: Mapped[str] = mapped_column(String(40))
    scheme: Mapped[int]
    language: Mapped[str] = mapped_column(String(16))
    factor: Mapped[int] = mapped_column(default=100)
    frozen: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), init=False, default=None)
    state: Mapped[AttemptState] = mapped_column(choice(AttemptState), init=False, default=A.READY, index=True)
    rules: Mapped[str] = mapped_column(String(40), init=False, default="")
    rules_language: Mapped[str] = mapped_column(String(16), init=False, default="")
    rules_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    device_hash: Mapped[str] = mapped_column(String(64), init=False, default="")
    device_free: Mapped[bool] = mapped_column(init=False, default=False)
    heard_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    started_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    parts: Mapped[list[AttemptPart]] = relationship(
        init=False, back_populates="attempt", order_by="AttemptPart.place"
    )

    @property
    def form(self) -> Form | None:
        """Return the drawn form of the written part, once it was started."""
        return next((one.form for one in self.parts if one.written and one.form is not None), None)

    @property
    def due_at(self) -> datetime | None:
        """Return by when the part in hand is over."""
        return next((one.due_at for one in self.parts if one.state is PartState.RUNNING), None)


class PartState(StrEnum):
    """The life of a part of an attempt."""

    TO_COME = "to_come"
    RUNNING = "running"
    ENDED = "ended"


P = PartState
PART_LIFE = life(PartState, {P.TO_COME: [P.RUNNING, P.ENDED], P.RUNNING: [P.ENDED]})
labels.name(
    PartState,
    {P.TO_COME: _l("To come"), P.RUNNING: _l("Running now"), P.ENDED: _l("Over")},
    {P.RUNNING: "good"},
)


class Ending(StrEnum):
    """How a part ended."""

    HANDED_IN = "handed_in"
    TIME_UP = "time_up"
    BY_PROCTOR = "by_proctor"
    NOT_OPENED = "not_opened"


labels.name(
    Ending,
    {
        Ending.HANDED_IN: _l("Handed in by the candidate"),
        Ending.TIME_UP: _l("Ended when time was up"),
        Ending.BY_PROCTOR: _l("Ended by the proctor"),
        Ending.NOT_OPENED: _l("Not opened in time"),
    },
)


class AttemptPart(Model):
    """A part of an attempt with its own clock, as the scheme had it at check-in.

    `due_at` is a stored copy of started_at + minutes × factor + grants, which `portal verify` counts anew; a part to
    come is opened before `open_until`. The form of a practical part holds its task.
    """

    __tablename__ = "exam_attempt_part"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt.id"), init=False)
    attempt: Mapped[Attempt] = relationship(back_populates="parts")
    place: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    written: Mapped[bool]
    minutes: Mapped[int]
    state: Mapped[PartState] = mapped_column(choice(PartState), init=False, default=P.TO_COME)
    form_id: Mapped[int | None] = mapped_column(ForeignKey("exam_form.id"), init=False, index=True)
    form: Mapped[Form | None] = relationship(init=False, default=None)
    open_until: Mapped[datetime | None] = mapped_column(init=False, default=None)
    started_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    due_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    ending: Mapped[Ending | None] = mapped_column(choice(Ending), init=False, default=None)
    __table_args__ = (
        UniqueConstraint("attempt_id", "place"),
        Index("ix_exam_attempt_part_due", "state", "due_at"),
        CheckConstraint("minutes > 0", name="lasts"),
        CheckConstraint("(started_at IS NULL) = (due_at IS NULL)", name="clock"),
        CheckConstraint("(state = 'ended') = (ending IS NOT NULL)", name="ended_how"),
    )


class TimeGrant(Model):
    """Minutes that a proctor gave to a part, and why. Never changed."""

    __tablename__ = "exam_time_grant"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    part_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt_part.id"), init=False, index=True)
    part: Mapped[AttemptPart] = relationship()
    minutes: Mapped[int]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint("minutes > 0", name="some"),)


class Answer(Model):
    """What a candidate answers at a place of the form: the value of the greatest number that came in time.

    `value` is the code of an option, a list of codes, or text; null while nothing is answered. A row stands for each
    place from the start on, with `seq` 0.
    """

    __tablename__ = "exam_answer"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt.id"), init=False, index=True)
    attempt: Mapped[Attempt] = relationship()
    part_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt_part.id"), init=False)
    part: Mapped[AttemptPart] = relationship()
    position: Mapped[int]
    item_version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False, index=True)
    item_version: Mapped[ItemVersion] = relationship()
    value: Mapped[str | list[str] | None] = mapped_column(JSON(none_as_null=True), init=False, default=None)
    flagged: Mapped[bool] = mapped_column(init=False, default=False)
    seq: Mapped[int] = mapped_column(init=False, default=0)
    saved_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (UniqueConstraint("part_id", "position"),)


class AnswerSave(Model):
    """One save that was acknowledged: what was answered then. Never changed."""

    __tablename__ = "exam_answer_save"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    answer_id: Mapped[int] = mapped_column(ForeignKey("exam_answer.id"), init=False)
    answer: Mapped[Answer] = relationship()
    seq: Mapped[int]
    value: Mapped[str | list[str] | None] = mapped_column(JSON(none_as_null=True))
    at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("answer_id", "seq"),)


class Upload(Model):
    """A file that came with a practical part; its receipt is the SHA-256. Removed ones are not handed in."""

    __tablename__ = "exam_upload"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    part_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt_part.id"), init=False, index=True)
    part: Mapped[AttemptPart] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    removed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


class Submission(Model):
    """What was handed in at a practical part; the last one before the deadline counts. Never changed.

    `files` are rows of uid (of the upload), name, sha256, size.
    """

    __tablename__ = "exam_submission"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt.id"), init=False, index=True)
    attempt: Mapped[Attempt] = relationship()
    part_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt_part.id"), init=False)
    part: Mapped[AttemptPart] = relationship()
    n: Mapped[int]
    task_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False, index=True)
    task: Mapped[ItemVersion] = relationship()
    text: Mapped[str] = mapped_column(Text)
    repository: Mapped[str] = mapped_column(String(300))
    commit: Mapped[str] = mapped_column(String(40))
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    handed_in_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("part_id", "n"),
        CheckConstraint("(repository = '') = (\"commit\" = '')", name="repository_at_commit"),
    )


class Frozen(RuntimeError):
    """A save, grant or submission on record was about to change: a bug, never a refusal."""


def _refuse(_mapper: Mapper[Any], _conn: Any, row: Model) -> None:
    """Stop what would change what was sat, before the database does."""
    raise Frozen(f"{row.subject} is on record and cannot change")


for _kind in (TimeGrant, AnswerSave, Submission):
    event.listen(_kind, "before_update", _refuse)

pin(
    Attempt, "booking", "booking_id", "person", "person_id", "level", "scheme", "language", "factor",
    once={"frozen": ["frozen"], "started_at": ["started_at", "rules", "rules_language", "rules_at"]},
)  # fmt: skip
pin(
    AttemptPart, "attempt", "attempt_id", "place", "code", "written", "minutes",
    once={"form_id": ["form", "form_id"], "started_at": ["started_at"]},
)  # fmt: skip
