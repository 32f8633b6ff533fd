"""The slots of an employer: counted and taken under the lock of its organisation's row."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.errors import Refused
from portal.jobs import quotas
from portal.jobs.kinds import HELD
from portal.jobs.models import Post
from portal.members.standing import Answer


def lock(org_id: int) -> None:
    """Hold the row of an organisation: whoever takes or frees one of its slots waits here in turn."""
    db.session.flush()
    db.session.execute(
        update(Organisation)
        .where(Organisation.id == org_id)
        .values(unclaimed=Organisation.unclaimed)
        .execution_options(synchronize_session=False)
    )


def lock_post(post: Post) -> Post:
    """Return a post under its lock, fresh from the database; whoever needs its organisation's lock takes that first."""
    db.session.flush()
    db.session.execute(
        update(Post)
        .where(Post.id == post.id)
        .values(edition=Post.edition + 1)
        .execution_options(synchronize_session=False)
    )
    return db.session.get_one(Post, post.id, populate_existing=True)


def held(org_id: int) -> int:
    """Return how many posts of an organisation are in review or live."""
    rows = select(func.count()).where(Post.org_id == org_id, Post.state.in_(HELD))
    return int(db.session.scalar(rows) or 0)


def free(org: Organisation) -> int:
    """Return how many more posts an organisation may have in review or live today."""
    return max(0, quotas.of(org).posts - held(org.id))


def refuse_full(org: Organisation, *, new: bool = True) -> None:
    """Refuse, under the organisation's lock, to take a slot where none is free, or (a `new` one) without a full right."""
    right = quotas.right(org)
    if right is Answer.NO:
        raise Refused(_l("Your membership is not in force: posts can be sent once it is."))
    if new and right is not Answer.YES:
        raise Refused(
            _l(
                "Your membership has ended and runs in grace: what is live stays, new posts wait for the renewal."
            )
        )
    quota = quotas.of(org).posts
    if not quota:
        raise Refused(_l("Your tier has no posts on the job board."))
    if held(org.id) >= quota:
        raise Refused(
            _l(
                "All %(count)s posts of your tier are in review or live. Pause or close one, then send this one.",
                count=quota,
            )
        )
