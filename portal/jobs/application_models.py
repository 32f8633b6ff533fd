"""Applications with their steps, requests for contact, referrals."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.jobs.models import Post
from portal.jobs.stages import Closing, ContactState, JobApplicationState, ReferralState


class JobApplication(Model):
    """One person's application to one post. What of him the employer sees says the ledger at the moment of looking.

    `resume` is the file of that day, kept by itself. Once erased only post, state and days are left, for the figures.
    """

    __tablename__ = "job_application"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False)
    post: Mapped[Post] = relationship(innerjoin=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person | None] = relationship()
    letter: Mapped[str] = mapped_column(Text, default="")
    resume_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False)
    resume: Mapped[StoredFile | None] = relationship(default=None)
    state: Mapped[JobApplicationState] = mapped_column(
        choice(JobApplicationState), init=False, default=JobApplicationState.SENT
    )
    sent_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    moved_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    nudged_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    closing: Mapped[Closing | None] = mapped_column(choice(Closing), init=False, default=None)
    by_certificate: Mapped[bool | None] = mapped_column(init=False, default=None)
    erased_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        UniqueConstraint("post_id", "person_id"),
        CheckConstraint("(person_id IS NULL) = (erased_at IS NOT NULL)", name="whose"),
        CheckConstraint("by_certificate IS NULL OR state = 'hired'", name="hired"),
        Index("ix_job_application_state", "state", "moved_at"),
    )


class ApplicationStep(Model):
    """One step of an application's life: what it became, and what was written along to the other side."""

    __tablename__ = "job_application_step"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("job_application.id"), init=False, index=True)
    application: Mapped[JobApplication] = relationship(innerjoin=True)
    state: Mapped[JobApplicationState] = mapped_column(choice(JobApplicationState))
    words: Mapped[str] = mapped_column(String(2000), default="")
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class ContactRequest(Model):
    """An employer found somebody in the pool and asks for contact; who it is stays hidden until the answer is yes."""

    __tablename__ = "job_contact"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False, index=True)
    post: Mapped[Post] = relationship(innerjoin=True)
    reason: Mapped[str] = mapped_column(String(1000))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    answer_by: Mapped[date]
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    state: Mapped[ContactState] = mapped_column(choice(ContactState), init=False, default=ContactState.ASKED)
    answered_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    shown_until: Mapped[date | None] = mapped_column(init=False, default=None)
    erased_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        CheckConstraint("(person_id IS NULL) = (erased_at IS NOT NULL)", name="whose"),
        CheckConstraint("(state = 'agreed') = (shown_until IS NOT NULL)", name="shown"),
    )


class Referral(Model):
    """A member thinks of somebody for a post: the address is sealed, gets one letter, and goes with the answer.

    `address_mark` is a keyed hash, so that nobody is written to twice about a post; it goes with the address.
    """

    __tablename__ = "job_referral"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False)
    post: Mapped[Post] = relationship(innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    by: Mapped[Person] = relationship(innerjoin=True)
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation | None] = relationship()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    address_sealed: Mapped[str | None] = mapped_column(String(800))
    address_mark: Mapped[str | None] = mapped_column(String(64))
    answer_by: Mapped[date]
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    state: Mapped[ReferralState] = mapped_column(
        choice(ReferralState), init=False, default=ReferralState.ASKED
    )
    answered_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    application_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_application.id"), init=False, index=True
    )
    application: Mapped[JobApplication | None] = relationship(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        UniqueConstraint("post_id", "address_mark"),
        CheckConstraint("(state = 'asked') = (address_sealed IS NOT NULL)", name="sealed"),
        CheckConstraint("(address_sealed IS NULL) = (address_mark IS NULL)", name="marked"),
    )


NO_APPLICATION = _l("There is no such application.")
NO_REQUEST = _l("There is no such request for contact.")
NO_REFERRAL = _l("This link is over, or was never given.")
