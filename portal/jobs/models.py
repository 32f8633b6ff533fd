"""Posts, the versions of their text, and what was decided about them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model, choice
from portal.jobs.kinds import (
    ApplyBy,
    Employment,
    Need,
    PausedBy,
    PayPer,
    PostState,
    Remote,
    Verdict,
    VersionState,
)


class Post(Model):
    """A vacancy of a member. `shown` is the version approved last; the days are [starts_on, ends_on).

    `places` may be lowered without a review; `days` are those of the tier at the last approval.
    """

    __tablename__ = "job_post"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    state: Mapped[PostState] = mapped_column(choice(PostState), init=False, default=PostState.DRAFT)
    begins_on: Mapped[date | None] = mapped_column(default=None)
    starts_on: Mapped[date | None] = mapped_column(init=False, default=None)
    ends_on: Mapped[date | None] = mapped_column(init=False, default=None)
    days: Mapped[int] = mapped_column(init=False, default=0)
    places: Mapped[int] = mapped_column(default=1)
    shown_id: Mapped[int | None] = mapped_column(
        ForeignKey("job_post_version.id", use_alter=True), init=False, index=True
    )
    shown: Mapped[PostVersion | None] = relationship(
        foreign_keys=[shown_id], post_update=True, init=False, default=None
    )
    posted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    changed_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    paused_by: Mapped[PausedBy | None] = mapped_column(choice(PausedBy), init=False, default=None)
    sign_on: Mapped[date | None] = mapped_column(init=False, default=None)
    asked_on: Mapped[date | None] = mapped_column(init=False, default=None)
    link_dead_since: Mapped[date | None] = mapped_column(init=False, default=None)
    by_certificate: Mapped[bool | None] = mapped_column(init=False, default=None)
    by_board: Mapped[bool | None] = mapped_column(init=False, default=None)
    appeal: Mapped[str] = mapped_column(Text, init=False, default="")
    appealed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        CheckConstraint(
            "state NOT IN ('live', 'paused', 'filled', 'expired') OR "
            "(shown_id IS NOT NULL AND starts_on IS NOT NULL AND ends_on IS NOT NULL AND posted_at IS NOT NULL)",
            name="approved",
        ),
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="lasts"),
        CheckConstraint("(state = 'paused') = (paused_by IS NOT NULL)", name="paused_why"),
        CheckConstraint("places > 0", name="some"),
        Index("ix_job_post_board", "state", "posted_at", "id"),
        Index("ix_job_post_list", "state", "id"),
    )


class PostVersion(Model):
    """What a post says, in one or both languages; never changed once it was sent. One that `renews` gives the post new days."""

    __tablename__ = "job_post_version"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False)
    post: Mapped[Post] = relationship(foreign_keys=[post_id], innerjoin=True)
    n: Mapped[int]
    state: Mapped[VersionState] = mapped_column(
        choice(VersionState), init=False, default=VersionState.WRITTEN, index=True
    )
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    submitted_at: Mapped[datetime | None] = mapped_column(init=False, default=None, index=True)
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    submitted_by: Mapped[Person | None] = relationship(
        foreign_keys=[submitted_by_id], init=False, default=None
    )
    escalated_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    renews: Mapped[bool] = mapped_column(default=False)
    marks: Mapped[list[Any]] = mapped_column(JSON, init=False, default_factory=list)
    title_zh: Mapped[str] = mapped_column(String(120), default="")
    title_en: Mapped[str] = mapped_column(String(120), default="")
    text_zh: Mapped[str] = mapped_column(Text, default="")
    text_en: Mapped[str] = mapped_column(Text, default="")
    duties_zh: Mapped[str] = mapped_column(Text, default="")
    duties_en: Mapped[str] = mapped_column(Text, default="")
    requirements_zh: Mapped[str] = mapped_column(Text, default="")
    requirements_en: Mapped[str] = mapped_column(Text, default="")
    remote: Mapped[Remote] = mapped_column(choice(Remote), default=Remote.ONSITE)
    city: Mapped[str] = mapped_column(String(40), default="", index=True)
    remote_from: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    employment: Mapped[Employment] = mapped_column(choice(Employment), default=Employment.FULL_TIME)
    places: Mapped[int] = mapped_column(default=1)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    pay_low: Mapped[int] = mapped_column(default=0)
    pay_high: Mapped[int] = mapped_column(default=0)
    pay_per: Mapped[PayPer] = mapped_column(choice(PayPer), default=PayPer.MONTH)
    pay_months: Mapped[int] = mapped_column(default=12)
    pay_year: Mapped[int] = mapped_column(default=0, index=True)
    skills: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    need: Mapped[Need] = mapped_column(choice(Need), default=Need.NONE)
    level: Mapped[str] = mapped_column(String(20), default="")
    apply_by: Mapped[ApplyBy] = mapped_column(choice(ApplyBy), default=ApplyBy.PORTAL)
    link: Mapped[str] = mapped_column(String(500), default="")
    __table_args__ = (
        UniqueConstraint("post_id", "n"),
        Index("ix_job_post_version_level", "level", "pay_year"),
        CheckConstraint("pay_low >= 0 AND pay_high >= pay_low", name="pay"),
        CheckConstraint("places > 0", name="some"),
        CheckConstraint("(need = 'none') = (level = '')", name="level"),
        CheckConstraint("state = 'written' OR apply_by = 'portal' OR link <> ''", name="way"),
        CheckConstraint("(state = 'written') = (submitted_at IS NULL)", name="sent"),
    )


class PostDecision(Model):
    """What a moderator decided about a version or a post: the reasons by code, and a sentence in both languages. Frozen."""

    __tablename__ = "job_decision"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False, index=True)
    post: Mapped[Post] = relationship(innerjoin=True)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("job_post_version.id"), init=False)
    version: Mapped[PostVersion | None] = relationship()
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict), index=True)
    reasons: Mapped[list[str]] = mapped_column(JSON)
    words_zh: Mapped[str] = mapped_column(String(1000))
    words_en: Mapped[str] = mapped_column(String(1000))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    waited: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)


class PostNotice(Model):
    """That a step of a post's run was told: each once a run, named by the day it counts from."""

    __tablename__ = "job_notice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), init=False)
    post: Mapped[Post] = relationship(innerjoin=True)
    step: Mapped[str] = mapped_column(String(20))
    day: Mapped[date]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("post_id", "step", "day"),)


class PostTerm(Model):
    """A word under which a post is found: Latin words, and pairs of Chinese characters, of the version shown."""

    __tablename__ = "job_term"
    term: Mapped[str] = mapped_column(String(40), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("job_post.id"), primary_key=True, index=True)


NO_POST = _l("There is no such post, or it is not yours.")
