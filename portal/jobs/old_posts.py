"""Posts whose time is over: some years after they closed they go, with what they said and what was decided about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, func, select, text, update

from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.jobs import gone
from portal.jobs.application_models import ApplicationStep, ContactRequest, JobApplication, Referral
from portal.jobs.board_models import PostReport, SearchSent
from portal.jobs.kinds import OVER
from portal.jobs.models import Post, PostDecision, PostNotice, PostTerm, PostVersion

KIND, BY = "job_posts", "retain"
# What hangs on a post and goes with it, in the order in which nothing is left that points to nothing.
PARTS: tuple[Any, ...] = (
    Referral, ContactRequest, JobApplication, SearchSent, PostReport, PostTerm, PostNotice, PostDecision,
)  # fmt: skip


def due(before: datetime) -> Select[Any]:
    """Select the posts that closed before a moment and hold nothing of anybody any more.

    An application that its sender let the employer keep holds its post, too, until that word has run out.
    """
    closed = func.coalesce(Post.closed_at, Post.changed_at)
    return select(Post.id).where(Post.state.in_(OVER), closed < before, ~_held(Post.id)).order_by(Post.id)


def _held(post: Any) -> Any:
    """Return the condition that an application or a request for contact to a post still names somebody."""
    applied = exists().where(JobApplication.post_id == post, JobApplication.erased_at.is_(None))
    asked = exists().where(ContactRequest.post_id == post, ContactRequest.erased_at.is_(None))
    return applied | asked


def let_go(number: int) -> None:
    """Delete one post with all that hangs on it; counts by month stay for the figures, and the audit keeps how much there was.

    `Refused` if it is open or holds somebody, or went meanwhile.
    """
    held = update(Post).where(Post.id == number).values(edition=Post.edition + 1).returning(Post.id)
    if db.session.scalar(held.execution_options(synchronize_session=False)) is None:
        raise Refused("this post is gone already")
    row = db.session.get_one(Post, number, populate_existing=True)
    if row.state not in OVER or db.session.scalar(select(Post.id).where(Post.id == number, _held(Post.id))):
        raise Refused("this post is open, or somebody's application to it is kept")  # for the log of a chore
    counts = {
        name: int(
            db.session.scalar(select(func.count()).select_from(kind).where(kind.post_id == number)) or 0
        )
        for name, kind in (
            ("versions", PostVersion),
            ("decisions", PostDecision),
            ("job_applications", JobApplication),
        )
    }
    audit.record(
        "post.deleted",
        row,
        by=BY,
        org_id=row.org_id,
        closed_on=clock.day_of(row.closed_at or row.changed_at),
        **counts,
    )
    gone.keep(row)
    mine = select(JobApplication.id).where(JobApplication.post_id == number)
    db.session.execute(_of(ApplicationStep).where(ApplicationStep.application_id.in_(mine)))
    for kind in PARTS:
        db.session.execute(_of(kind).where(kind.post_id == number))
    db.session.expunge(row)
    _delete_with_versions(number)


def _of(kind: Any) -> Any:
    return delete(kind).execution_options(synchronize_session=False)


def _delete_with_versions(number: int) -> None:
    """Delete a post and its versions, each of which points to the other: PostgreSQL in one statement, SQLite before it commits."""
    post, versions = _of(Post).where(Post.id == number), _of(PostVersion).where(PostVersion.post_id == number)
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(post.add_cte(versions.returning(PostVersion.id).cte("gone")))
        return
    db.session.execute(text("PRAGMA defer_foreign_keys = ON"))
    db.session.execute(versions)
    db.session.execute(post)
