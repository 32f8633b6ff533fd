"""Writing a post: a draft, changes in place until it is sent, afterwards a new version beside the one shown."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.jobs import said as saying
from portal.jobs import slots
from portal.jobs.kinds import PostState, VersionState
from portal.jobs.models import Post, PostVersion
from portal.jobs.said import Said

MOST_DRAFTS = 100


def begin(org: Organisation, said: Said, *, by: Person, begins_on: date | None = None) -> Post:
    """Write the first draft of a post; it is shown to nobody and takes no slot."""
    saying.check(said)
    drafts = select(Post.id).where(Post.org_id == org.id, Post.state == PostState.DRAFT).order_by(Post.id)
    if len(db.session.scalars(drafts.limit(MOST_DRAFTS)).all()) >= MOST_DRAFTS:
        raise Refused(_l("You have a hundred drafts. Please send or reuse one of them."))
    post = Post(org=org, by=by, begins_on=begins_on, places=said.places)
    db.session.add(post)
    db.session.flush()
    db.session.add(PostVersion(post=post, n=1, by=by, **saying.columns(said)))
    db.session.flush()
    audit.record("post.begun", post, by=by, org_id=org.id)
    return post


def versions(post: Post) -> list[PostVersion]:
    """Return the versions of a post, the newest first."""
    rows = select(PostVersion).where(PostVersion.post_id == post.id).order_by(PostVersion.n.desc())
    return list(db.session.scalars(rows))


def newest(post: Post) -> PostVersion:
    """Return the version written last."""
    rows = select(PostVersion).where(PostVersion.post_id == post.id).order_by(PostVersion.n.desc())
    return db.session.scalars(rows.limit(1)).one()


def in_state(post: Post, state: VersionState) -> PostVersion | None:
    """Return the newest version in a state."""
    rows = select(PostVersion).where(PostVersion.post_id == post.id, PostVersion.state == state)
    return db.session.scalars(rows.order_by(PostVersion.n.desc()).limit(1)).first()


def add_version(post: Post, said: Said, *, by: Person, renews: bool = False) -> PostVersion:
    """Add a version to a post, to be written on or sent."""
    row = PostVersion(post=post, n=newest(post).n + 1, by=by, renews=renews, **saying.columns(said))
    db.session.add(row)
    db.session.flush()
    return row


def write(post: Post, said: Said, *, by: Person, begins_on: date | None = None) -> PostVersion:
    """Write down what a post shall say: in the version at hand, or in a new one where the last was sent already.

    What is shown stays as it is until the new version is approved.
    """
    saying.check(said)
    row = slots.lock_post(post)
    if row.state in (PostState.FILLED, PostState.REMOVED):
        raise Refused(_l("This post is closed. Please write a new one."))
    last = newest(row)
    if last.state is VersionState.WAITING:
        raise Refused(_l("A version waits for a moderator. Take it back first to change it."))
    if last.state is VersionState.WRITTEN:
        for name, value in saying.columns(said).items():
            setattr(last, name, value)
        last.by = by
    else:
        last = add_version(row, said, by=by)
    if row.state is PostState.DRAFT:
        row.begins_on, row.places = begins_on, said.places
    db.session.flush()
    audit.record("post.written", row, by=by, org_id=row.org_id, n=last.n)
    return last


def lower_places(post: Post, places: int, *, by: Person) -> None:
    """Say that fewer places are left; nobody has to look at that."""
    row = slots.lock_post(post)
    if row.state not in (PostState.LIVE, PostState.PAUSED):
        raise Refused(_l("Only the places of a post that is out can be lowered."))
    if not 0 < places < row.places:
        raise Refused(_l("Please give fewer places than now, at least one."), field="places", status=422)
    row.places, row.changed_at, row.sign_on = places, clock.now(), clock.today()
    audit.record("post.places", row, by=by, org_id=row.org_id, places=places)
