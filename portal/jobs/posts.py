"""Which posts are visible: the one query that pages, lists, feeds, the sitemap and programs ask."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, and_, exists, false, select, true

from portal.accounts.organisations import Organisation
from portal.core import clock
from portal.core.db import db
from portal.core.unchanged import unchanged
from portal.jobs import modes, quotas
from portal.jobs.kinds import PostState
from portal.jobs.models import Post, PostVersion
from portal.jobs.modes import Mode


def visible(*, on: date | None = None) -> Select[Post]:
    """Select the posts that are visible on a day, joined to the version they show.

    Live, within their days, of an employer whose membership is in force or in grace, and in a mode that shows them:
    unless everything is open, a post without a page of the employer's own cannot be applied for and is not shown.
    """
    day = on or clock.today()
    return (
        select(Post)
        .join(PostVersion, Post.shown_id == PostVersion.id)
        .where(_running(day), Post.org_id.not_in(_fallen(day)), _shown_by(modes.mode(on=day)))
    )


def _running(day: date) -> Any:
    return and_(Post.state == PostState.LIVE, Post.starts_on <= day, Post.ends_on > day)


def _shown_by(mode: Mode) -> Any:
    if mode is Mode.OFF:
        return false()
    return true() if mode is Mode.FULL else PostVersion.link != ""


def _fallen(day: date) -> list[int]:
    """Return the employers of running posts whose membership is not in force: asked of the facts, for no chore has to run.

    They are few, since their posts are paused once that is heard of; so the list is short whatever the board holds. Who is
    plainly active is passed over in SQL: the facts are read of the others alone.
    """

    def read() -> tuple[int, ...]:
        runs = exists().where(Post.org_id == Organisation.id, _running(day))
        ids = select(Organisation.id).where(runs, quotas.doubtful(Organisation.id, on=day))
        return tuple(sorted(quotas.fallen(db.session.scalars(ids.order_by(Organisation.id)), on=day)))

    return list(unchanged(("job_employers", day), read))


def is_visible(post: Post, *, on: date | None = None) -> bool:
    """Whether one post is visible on a day."""
    return db.session.scalar(visible(on=on).with_only_columns(Post.id).where(Post.id == post.id)) is not None
