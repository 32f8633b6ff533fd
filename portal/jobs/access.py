"""Which posts a reader of the employer's and the moderator's pages may see."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Missing
from portal.jobs.board_models import EmployerCheck
from portal.jobs.kinds import PostState
from portal.jobs.models import NO_POST, Post, PostVersion


def own_post(uid: str) -> Post:
    """Return a post of an organisation for which the reader recruits."""
    row = db.session.scalars(
        select(Post).where(Post.uid == uid, Post.org_id.in_(me().orgs(May.RECRUIT)))
    ).first()
    if row is None:
        raise Missing(NO_POST)
    return row


def office_post(uid: str) -> Post:
    """Return a post for the moderators; what was never sent is the employer's own."""
    sent = select(PostVersion.id).where(PostVersion.post_id == Post.id, PostVersion.submitted_at.is_not(None))
    row = db.session.scalars(
        select(Post).where(
            Post.uid == uid, sent.exists() | (Post.state != PostState.DRAFT) | Post.shown_id.is_not(None)
        )
    ).first()
    if row is None:
        raise Missing(NO_POST)
    return row


def office_check(uid: str) -> EmployerCheck:
    """Return a request to be confirmed as an employer."""
    row = db.session.scalars(select(EmployerCheck).where(EmployerCheck.uid == uid)).first()
    if row is None:
        raise Missing(NO_POST)
    return row
