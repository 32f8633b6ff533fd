"""Asking to belong: applications, what was submitted, comments, recommendations, uploads."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class Kind(StrEnum):
    """What an application asks for."""

    JOIN = "join"
    TIER_CHANGE = "tier_change"
    REINSTATEMENT = "reinstatement"


class ApplicationState(StrEnum):
    """The life of an application."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    INFO_REQUESTED = "info_requested"
    EXPIRED = "expired"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"
    CLOSED = "closed"


A = ApplicationState
APPLICATION_LIFE = life(
    ApplicationState,
    {
        A.DRAFT: [A.SUBMITTED, A.WITHDRAWN],
        A.SUBMITTED: [A.IN_REVIEW, A.WITHDRAWN],
        A.IN_REVIEW: [A.INFO_REQUESTED, A.APPROVED, A.REJECTED, A.WITHDRAWN],
        A.INFO_REQUESTED: [A.IN_REVIEW, A.EXPIRED, A.WITHDRAWN],
        A.EXPIRED: [A.INFO_REQUESTED],
        A.REJECTED: [A.IN_REVIEW],
        A.APPROVED: [A.COMPLETED, A.CLOSED],
    },
)
labels.name(
    ApplicationState,
    {
        A.DRAFT: _l("Draft"),
        A.SUBMITTED: _l("Submitted"),
        A.IN_REVIEW: _l("In review"),
        A.INFO_REQUESTED: _l("Information requested"),
        A.EXPIRED: _l("Expired"),
        A.APPROVED: _l("Approved"),
        A.REJECTED: _l("Rejected"),
        A.WITHDRAWN: _l("Withdrawn"),
        A.COMPLETED: _l("Completed"),
        A.CLOSED: _l("Closed"),
    },
    {
        A.SUBMITTED: "wait", A.IN_REVIEW: "wait", A.INFO_REQUESTED: "warn", A.EXPIRED: "bad",
        A.APPROVED: "good", A.REJECTED: "bad", A.COMPLETED: "good",
    },
)  # fmt: skip
LIVE = (A.DRAFT, A.SUBMITTED, A.IN_REVIEW, A.INFO_REQUESTED, A.APPROVED)
_LIVE_SQL = "state IN ('draft', 'submitted', 'in_review', 'info_requested', 'approved')"


class Application(Model):
    """A request for a membership at a tier; one live one per organisation and kind."""

    __tablename__ = "application"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    kind: Mapped[Kind] = mapped_column(choice(Kind))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    applicant: Mapped[Person] = relationship(foreign_keys=[applicant_id], lazy="joined", innerjoin=True)
    language: Mapped[str] = mapped_column(String(16))
    form_version: Mapped[int]
    catalogue_day: Mapped[date]
    tier: Mapped[str] = mapped_column(String(40), default="", index=True)
    state: Mapped[ApplicationState] = mapped_column(
        choice(ApplicationState), default=ApplicationState.DRAFT, index=True
    )
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    case_owner_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), init=False, default=None, index=True
    )
    case_owner: Mapped[Person | None] = relationship(foreign_keys=[case_owner_id], default=None)
    submitted_at: Mapped[datetime | None] = mapped_column(default=None, index=True)
    asked_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id], default=None)
    closed_on: Mapped[date | None] = mapped_column(default=None)
    reason_code: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[dict[str, str]] = mapped_column(JSON, default_factory=dict)
    apply_again_from: Mapped[date | None] = mapped_column(default=None)
    founding: Mapped[bool] = mapped_column(default=False)
    round: Mapped[int] = mapped_column(default=1)
    appealed_at: Mapped[datetime | None] = mapped_column(default=None)
    appeal_heard_at: Mapped[datetime | None] = mapped_column(default=None)
    reopened_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_rule: Mapped[str] = mapped_column(String(80), default="")
    papers_checked_at: Mapped[datetime | None] = mapped_column(default=None)
    papers_checked_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), init=False, default=None
    )
    papers_checked_by: Mapped[Person | None] = relationship(foreign_keys=[papers_checked_by_id], default=None)
    close_reason: Mapped[str] = mapped_column(String(300), default="")
    close_proposed_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), init=False, default=None
    )
    close_proposed_by: Mapped[Person | None] = relationship(foreign_keys=[close_proposed_by_id], default=None)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, default=None)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index(
            "uq_application_live", "org_id", "kind", unique=True,
            sqlite_where=literal_column(_LIVE_SQL), postgresql_where=literal_column(_LIVE_SQL),
        ),
    )  # fmt: skip


class Submission(Model):
    """What was sent in, and when: immutable, but for personal data that are erased. Number n + 1 is shown beside number n."""

    __tablename__ = "submission"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    n: Mapped[int]
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    files: Mapped[dict[str, Any]] = mapped_column(JSON)
    by_name: Mapped[str] = mapped_column(String(120))
    erased_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("application_id", "n"),)


class FieldComment(Model):
    """A question of the case owner about one field; only such fields unlock."""

    __tablename__ = "field_comment"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    round: Mapped[int]
    field: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    answered_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


class Recommendation(Model):
    """One approver's voice; void once an answer changed after it."""

    __tablename__ = "recommendation"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[str] = mapped_column(String(32))
    in_favour: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    round: Mapped[int]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    voided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


class Upload(Model):
    """A file of an application, for one field of its form; replaced ones stay readable."""

    __tablename__ = "application_upload"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    field: Mapped[str] = mapped_column(String(60))
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    replaced_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


class Conflict(Model):
    """Somebody of staff declared, or was found, to be too close to an applicant."""

    __tablename__ = "conflict_of_interest"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("application_id", "person_id"),)


class PairAnswer(StrEnum):
    """What a reviewer found two similar organisations to be."""

    SAME = "same"
    RELATED = "related"
    DIFFERENT = "different"


labels.name(
    PairAnswer,
    {
        PairAnswer.SAME: _l("the same organisation"),
        PairAnswer.RELATED: _l("related organisations"),
        PairAnswer.DIFFERENT: _l("different organisations"),
    },
)


class Pair(Model):
    """Two organisations that look alike; answered once by a reviewer."""

    __tablename__ = "organisation_pair"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(foreign_keys=[org_id])
    other_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    other: Mapped[Organisation] = relationship(foreign_keys=[other_id], lazy="joined", innerjoin=True)
    hits: Mapped[str] = mapped_column(String(60))
    answer: Mapped[PairAnswer | None] = mapped_column(choice(PairAnswer), default=None)
    by_name: Mapped[str] = mapped_column(String(120), default="")
    at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (UniqueConstraint("org_id", "other_id"),)


class MatchKey(Model):
    """One key by which organisations are compared: legal key, domain or normalised name."""

    __tablename__ = "match_key"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(250))
    __table_args__ = (Index("ix_match_key_value", "kind", "value"),)


class NameGram(Model):
    """Three characters in a row of an organisation's search text: a copy for speed, written by `grams.write`."""

    __tablename__ = "name_gram"
    gram: Mapped[str] = mapped_column(
        String(3).with_variant(String(3, collation="C"), "postgresql"), primary_key=True
    )
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, index=True)
    __table_args__ = {"sqlite_with_rowid": False}


class Waiver(Model):
    """A case owner's proposal to waive the first year's dues; the decider's approval confirms it."""

    __tablename__ = "waiver"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, unique=True)
    application: Mapped[Application] = relationship()
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),)
