"""Employers as confirmed once a year, their domains, reports by readers, saved searches, keys of partners, old counts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.jobs.kinds import CheckState, Rhythm
from portal.jobs.models import Post

_OPEN = "state = 'asked'"
_LIVE = "ended_at IS NULL"
_UNDONE = "done_at IS NULL"


class EmployerCheck(Model):
    """A member's request to be confirmed as an employer, and what came of it; it holds until `until`."""

    __tablename__ = "job_employer_check"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    code: Mapped[str] = mapped_column(String(60))
    domain: Mapped[str] = mapped_column(String(253))
    mail_domain: Mapped[str] = mapped_column(String(253))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile | None] = relationship()
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    state: Mapped[CheckState] = mapped_column(
        choice(CheckState), init=False, default=CheckState.ASKED, index=True
    )
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id], init=False, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    until: Mapped[date | None] = mapped_column(init=False, default=None)
    reminded_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    words: Mapped[str] = mapped_column(String(500), init=False, default="")
    __table_args__ = (
        Index(
            "uq_job_employer_check_open", "org_id", unique=True, sqlite_where=literal_column(_OPEN),
            postgresql_where=literal_column(_OPEN),
        ),
    )  # fmt: skip


class EmployerDomain(Model):
    """A domain on which an employer's pages to apply lie, confirmed by a moderator."""

    __tablename__ = "job_employer_domain"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation] = relationship(innerjoin=True)
    domain: Mapped[str] = mapped_column(String(253))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("org_id", "domain"),)


class QuotaChoice(Model):
    """That an employer has more posts than its tier: until a day it chooses which stay."""

    __tablename__ = "job_quota_choice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(innerjoin=True)
    since: Mapped[date]
    choose_by: Mapped[date]
    done_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        Index(
            "uq_job_quota_choice_open", "org_id", unique=True, sqlite_where=literal_column(_UNDONE),
            postgresql_where=literal_column(_UNDONE),
        ),
    )  # fmt: skip


class PostReport(Model):
    """That somebody finds a post wrong; one report a person and post. Guests are told apart by a keyed hash."""

    __tablename__ = "job_report"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False, index=True)
    post: Mapped[Post] = relationship(innerjoin=True)
    teller: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(40))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person | None] = relationship(default=None)
    words: Mapped[str] = mapped_column(String(1000), default="")
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (UniqueConstraint("post_id", "teller"),)


class SavedSearch(Model):
    """Filters that a person keeps: a mail lists the visible posts that it has not named yet."""

    __tablename__ = "job_saved_search"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(innerjoin=True)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    rhythm: Mapped[Rhythm] = mapped_column(choice(Rhythm))
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    mailed_on: Mapped[date | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class SearchSent(Model):
    """That a saved search has named a post."""

    __tablename__ = "job_search_sent"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    search_id: Mapped[int] = mapped_column(ForeignKey("job_saved_search.id"), init=False)
    search: Mapped[SavedSearch] = relationship(innerjoin=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False, index=True)
    post: Mapped[Post] = relationship(innerjoin=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("search_id", "post_id"),)


class GoneCount(Model):
    """Of posts that were erased: how many of a kind were in a state, by month. It names no post, employer or person."""

    __tablename__ = "job_gone_count"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    month: Mapped[date]
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    count: Mapped[int]
    __table_args__ = (UniqueConstraint("month", "kind", "state"), CheckConstraint("count > 0", name="some"))


class FeedKey(Model):
    """The key with which a partner reads the feeds, so that one can be cut off."""

    __tablename__ = "job_feed_key"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    partner: Mapped[str] = mapped_column(String(80))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    read_on: Mapped[date | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        Index(
            "uq_job_feed_key_live", "partner", unique=True, sqlite_where=literal_column(_LIVE),
            postgresql_where=literal_column(_LIVE),
        ),
    )  # fmt: skip
