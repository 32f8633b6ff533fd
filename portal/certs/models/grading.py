"""Marking: the case of an attempt, its scores, the blind copies of its work, who marks them, and what they gave.

What graders see has no foreign key to a candidate: a case leads to its work, never the other way round.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, event, literal_column
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.bank import ItemVersion
from portal.certs.models.delivery import Attempt
from portal.certs.models.pins import pin
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class ExamCase(Model):
    """What becomes of one attempt: the rules that it is scored by, as they were at its start.

    How far it has come is the attempt's own state.
    """

    __tablename__ = "exam_case"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("exam_attempt.id"), init=False, unique=True)
    attempt: Mapped[Attempt] = relationship(lazy="joined", innerjoin=True)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    released_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}

    @property
    def person(self) -> Person:
        """The candidate."""
        return self.attempt.person

    @property
    def level(self) -> str:
        """The level that was sat."""
        return self.attempt.level


class ExamScore(Model):
    """A score of a case as it was found at a moment, and whether the candidate passes by it. Never changed."""

    __tablename__ = "exam_score"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    case_id: Mapped[int] = mapped_column(ForeignKey("exam_case.id"), init=False)
    case: Mapped[ExamCase] = relationship()
    n: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    passed: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("case_id", "n"),)


class ExamWork(Model):
    """A blind copy of what was handed in for a task, with the rubric it is marked by. It names nobody."""

    __tablename__ = "exam_work"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    level: Mapped[str] = mapped_column(String(40))
    section: Mapped[str] = mapped_column(String(40))
    task: Mapped[str] = mapped_column(String(120))
    rubric: Mapped[dict[str, Any]] = mapped_column(JSON)
    text: Mapped[str] = mapped_column(Text)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class CaseWork(Model):
    """Which blind copies belong to a case; `round` 1 is the marking, each later one that of an appeal."""

    __tablename__ = "exam_case_work"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    case_id: Mapped[int] = mapped_column(ForeignKey("exam_case.id"), init=False, index=True)
    case: Mapped[ExamCase] = relationship()
    work_id: Mapped[int] = mapped_column(ForeignKey("exam_work.id"), init=False, unique=True)
    work: Mapped[ExamWork] = relationship(lazy="joined", innerjoin=True)
    round: Mapped[int] = mapped_column(default=1)


class AssignmentState(StrEnum):
    """The life of somebody's task to mark a work."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    DECLINED = "declined"
    REDRAWN = "redrawn"


S = AssignmentState
ASSIGNMENT_LIFE = life(
    AssignmentState,
    {
        S.OFFERED: [S.ACCEPTED, S.DECLINED, S.REDRAWN],
        S.ACCEPTED: [S.SUBMITTED, S.DECLINED, S.REDRAWN],
        S.SUBMITTED: [S.REDRAWN],
    },
)
labels.name(
    AssignmentState,
    {
        S.OFFERED: _l("Offered to you"),
        S.ACCEPTED: _l("In your hands"),
        S.SUBMITTED: _l("Marks handed in"),
        S.DECLINED: _l("Given back"),
        S.REDRAWN: _l("Given to somebody else"),
    },
    {S.OFFERED: "wait", S.ACCEPTED: "wait", S.SUBMITTED: "good", S.DECLINED: "mute", S.REDRAWN: "mute"},
)
_STANDS = "state IN ('offered', 'accepted', 'submitted')"


class Assignment(Model):
    """That somebody marks a work, under a code of his own for it; `third` asks for an adjudication."""

    __tablename__ = "exam_assignment"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    work_id: Mapped[int] = mapped_column(ForeignKey("exam_work.id"), init=False, index=True)
    work: Mapped[ExamWork] = relationship(lazy="joined", innerjoin=True)
    grader_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    grader: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    due_at: Mapped[datetime]
    third: Mapped[bool] = mapped_column(default=False)
    state: Mapped[AssignmentState] = mapped_column(choice(AssignmentState), init=False, default=S.OFFERED)
    reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    reminded_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        Index("ix_exam_assignment_due", "state", "due_at"),
        Index(
            "uq_exam_assignment_stands", "work_id", "grader_id", unique=True,
            sqlite_where=literal_column(_STANDS), postgresql_where=literal_column(_STANDS),
        ),
    )  # fmt: skip
    __mapper_args__ = {"version_id_col": edition}


class ExamMark(Model):
    """The marks of one grader on one work: a level per criterion with a comment. Never changed."""

    __tablename__ = "exam_mark"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("exam_assignment.id"), init=False, unique=True)
    assignment: Mapped[Assignment] = relationship(lazy="joined", innerjoin=True)
    levels: Mapped[dict[str, int]] = mapped_column(JSON)
    comments: Mapped[dict[str, str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class AnswerVerdict(Model):
    """What a person says of a short answer that no key takes: the same for everybody who wrote it. Never changed."""

    __tablename__ = "exam_verdict"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False)
    version: Mapped[ItemVersion] = relationship()
    digest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(500))
    fraction: Mapped[str] = mapped_column(String(12))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("version_id", "digest"),)


class Tie(StrEnum):
    """What ties somebody of the house to a candidate."""

    KNOWS = "knows"
    FAMILY = "family"
    TAUGHT = "taught"
    WORK = "work"


labels.name(
    Tie,
    {
        Tie.KNOWS: _l("Knows the candidate"),
        Tie.FAMILY: _l("Family or close friend"),
        Tie.TAUGHT: _l("Taught or mentored the candidate"),
        Tie.WORK: _l("Works or worked with the candidate"),
    },
)


class Conflict(Model):
    """A declared tie between somebody who examines and a candidate."""

    __tablename__ = "exam_conflict"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    examiner_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    examiner: Mapped[Person] = relationship(foreign_keys=[examiner_id])
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    tie: Mapped[Tie] = mapped_column(choice(Tie))
    words: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("examiner_id", "person_id", "tie"),)


class Frozen(RuntimeError):
    """A score or a mark on record was about to change: a bug, never a refusal."""


def refuse(_mapper: Mapper[Any], _conn: Any, row: Model) -> None:
    """Stop what would change a row on record, before the database does."""
    raise Frozen(f"{row.subject} is on record and cannot change")


def freeze(*kinds: type[Model]) -> None:
    """Let rows of these kinds never change."""
    for kind in kinds:
        event.listen(kind, "before_update", refuse)
        event.listen(kind, "before_delete", refuse)


freeze(ExamScore, ExamMark, AnswerVerdict)
pin(ExamCase, "attempt", "attempt_id", "rules")
pin(ExamWork, "level", "section", "task", "rubric")
