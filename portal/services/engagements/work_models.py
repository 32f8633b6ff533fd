"""What was handed in for a milestone and what the customer said of it, its files, the people's days, and notes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.services.engagements.models import Engagement, Milestone


class Outcome(StrEnum):
    """What became of a submission."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DEEMED = "deemed"
    REJECTED = "rejected"


labels.name(
    Outcome,
    {
        Outcome.WAITING: _l("Waits for the customer"),
        Outcome.ACCEPTED: _l("Milestone accepted"),
        Outcome.DEEMED: _l("Deemed accepted"),
        Outcome.REJECTED: _l("Given back"),
    },
    {Outcome.WAITING: "wait", Outcome.ACCEPTED: "good", Outcome.DEEMED: "good", Outcome.REJECTED: "bad"},
)


class WorkSubmission(Model):
    """The n-th time a milestone was handed in: each criterion with its evidence, and what the customer said of it."""

    __tablename__ = "milestone_submission"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"), init=False)
    milestone: Mapped[Milestone] = relationship()
    n: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    evidence: Mapped[dict[str, str]] = mapped_column(JSON)
    submitted_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome), init=False, default=Outcome.WAITING)
    findings: Mapped[dict[str, str]] = mapped_column(JSON, init=False, default_factory=dict)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id], init=False, default=None)
    way: Mapped[str] = mapped_column(String(8), init=False, default="")
    bounced_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    scan: Mapped[StoredFile | None] = relationship(foreign_keys=[scan_id], init=False, default=None)
    protocol_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    protocol: Mapped[StoredFile | None] = relationship(foreign_keys=[protocol_id], init=False, default=None)
    __table_args__ = (
        UniqueConstraint("milestone_id", "n"),
        CheckConstraint("(outcome = 'waiting') = (decided_at IS NULL)", name="decided"),
    )


class SubmissionStep(Model):
    """That the customer was reminded of a submission on the n-th working day. Written once, never changed."""

    __tablename__ = "submission_step"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    submission_id: Mapped[int] = mapped_column(ForeignKey("milestone_submission.id"), init=False)
    submission: Mapped[WorkSubmission] = relationship()
    step: Mapped[int]
    people: Mapped[int]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("submission_id", "step"),)


class Deliverable(Model):
    """A file handed over for a milestone, by name and version; what lies under its SHA-256 never changes."""

    __tablename__ = "deliverable"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"), init=False)
    milestone: Mapped[Milestone] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False, unique=True)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    name: Mapped[str] = mapped_column(String(120))
    version: Mapped[int]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("milestone_id", "name", "version"),)


class WorkEntry(Model):
    """What somebody worked on a milestone on a day, in hundredths of a person-day; taken back by a mirror row."""

    __tablename__ = "work_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"), init=False, index=True)
    milestone: Mapped[Milestone] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    day: Mapped[date] = mapped_column(index=True)
    hundredths: Mapped[int]
    words: Mapped[str] = mapped_column(String(300))
    mirrors_id: Mapped[int | None] = mapped_column(
        ForeignKey("work_entry.id"), init=False, unique=True, default=None
    )
    mirrors: Mapped[WorkEntry | None] = relationship(remote_side=[id], default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint("hundredths BETWEEN -150 AND 150", name="a_day"),)


class NoteKind(StrEnum):
    """What stands on the progress page beside the milestones."""

    QUESTION = "question"
    RISK = "risk"
    FINDING = "finding"
    CHANGE = "change"


labels.name(
    NoteKind,
    {
        NoteKind.QUESTION: _l("Open question"),
        NoteKind.RISK: _l("Risk"),
        NoteKind.FINDING: _l("Finding"),
        NoteKind.CHANGE: _l("Change without a price"),
    },
)


class Severity(StrEnum):
    """How grave a finding of an audit is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


labels.name(
    Severity,
    {
        Severity.NONE: _l("No severity"),
        Severity.LOW: _l("Minor"),
        Severity.MEDIUM: _l("Medium"),
        Severity.HIGH: _l("Serious"),
    },
    {Severity.HIGH: "bad", Severity.MEDIUM: "warn"},
)


class EngagementNote(Model):
    """A question, a risk, a finding or a free change, with who has it and until when, and how it was settled."""

    __tablename__ = "engagement_note"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    engagement_id: Mapped[int] = mapped_column(ForeignKey("engagement.id"), init=False, index=True)
    engagement: Mapped[Engagement] = relationship()
    kind: Mapped[NoteKind] = mapped_column(choice(NoteKind))
    words: Mapped[str] = mapped_column(String(1000))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    severity: Mapped[Severity] = mapped_column(choice(Severity), default=Severity.NONE)
    owner: Mapped[str] = mapped_column(String(120), default="")
    due_on: Mapped[date | None] = mapped_column(default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    answer: Mapped[str] = mapped_column(String(1000), init=False, default="")
    settled_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    settled_by: Mapped[Person | None] = relationship(foreign_keys=[settled_by_id], init=False, default=None)


class Frozen(RuntimeError):
    """A row that is on record was to be changed: a bug, never a refusal."""


def _refuse(_mapper: Any, _conn: Any, row: Model) -> None:
    raise Frozen(f"{row.subject} is on record and cannot change")


for _kind in (Deliverable, WorkEntry, SubmissionStep):
    event.listen(_kind, "before_update", _refuse)
    event.listen(_kind, "before_delete", _refuse)
