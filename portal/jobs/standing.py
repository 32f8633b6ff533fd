"""What a membership does to posts: paused when it is lost, back when it is there again, fewer after a smaller tier."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.jobs import letters, quotas, running, slots, submitting
from portal.jobs.board_models import QuotaChoice
from portal.jobs.kinds import HELD, PausedBy, PostState
from portal.jobs.models import Post
from portal.members.events import StandingChanged, TermOpened, TierChanged
from portal.members.standing import Answer

BY = "standing"
P = PostState


def on_standing_changed(event: StandingChanged) -> None:
    """Follow a standing: posts come and go with the right to use what members get."""
    follow(event.membership.org, by=BY)


def on_term_opened(event: TermOpened) -> None:
    """Look at the quota when a term is opened."""
    follow(event.term.membership.org, by=BY)


def on_tier_changed(event: TierChanged) -> None:
    """Look at the quota when the tier changes."""
    follow(event.membership.org, by=BY)


def follow(org: Organisation, *, by: str) -> int:
    """Make the posts of an organisation fit what its membership gives today; a second time does nothing."""
    any_post = select(Post.id).where(Post.org_id == org.id, Post.state.in_([*HELD, P.PAUSED])).limit(1)
    if db.session.scalar(any_post) is None:
        return 0
    slots.lock(org.id)  # who pauses, fills or sends holds it too: what is read below stays true
    if quotas.right(org) is Answer.NO:
        return _pause_all(org, by=by)
    return _come_back(org, by=by) + check_quota(org, by=by)


def _pause_all(org: Organisation, *, by: str) -> int:
    rows = select(Post).where(Post.org_id == org.id, Post.state == P.LIVE).order_by(Post.id)
    found = db.session.scalars(rows).all()
    for post in found:
        running.pause(post, by=by, why=PausedBy.STANDING)
    return len(found)


def _come_back(org: Organisation, *, by: str) -> int:
    """Resume what was paused for the standing, the oldest first, as long as slots are free and days are left."""
    rows = select(Post).where(
        Post.org_id == org.id, Post.state == P.PAUSED, Post.paused_by == PausedBy.STANDING,
        Post.ends_on > clock.today(),
    )  # fmt: skip
    found = db.session.scalars(rows.order_by(Post.posted_at, Post.id)).all()
    if not found:
        return 0
    done = found[: slots.free(org)]
    for post in done:
        running.resume(post, by=by)
    return len(done)


def open_choice(org_id: int) -> QuotaChoice | None:
    """Return the choice an employer has to make now, if its posts are more than its tier has."""
    rows = select(QuotaChoice).where(QuotaChoice.org_id == org_id, QuotaChoice.done_at.is_(None))
    return db.session.scalars(rows.order_by(QuotaChoice.id.desc()).limit(1)).first()


def check_quota(org: Organisation, *, by: str) -> int:
    """Give some days to choose where posts are more than the tier has; once these are over, pause the newest beyond it."""
    count, most, choice = slots.held(org.id), quotas.of(org).posts, open_choice(org.id)
    if count <= most:
        if choice is not None:
            choice.done_at = clock.now()
        return 0
    if choice is None:
        today = clock.today()
        until = today + timedelta(days=int(catalogue.policy("jobs.choose_days")))
        choice = QuotaChoice(org=org, since=today, choose_by=until)
        db.session.add(choice)
        db.session.flush()
        audit.record("posts.to_choose", org, by=by, org_id=org.id, posts=count, most=most, until=until)
        letters.choose(choice, count, most)
        return 1
    if clock.today() <= choice.choose_by:
        return 0
    return _shrink(org, most, choice, by=by)


def _shrink(org: Organisation, most: int, choice: QuotaChoice, *, by: str) -> int:
    rows = select(Post).where(Post.org_id == org.id, Post.state.in_(HELD))
    newest = func.coalesce(Post.posted_at, Post.created_at)
    found = db.session.scalars(rows.order_by(newest.desc(), Post.id.desc())).all()
    beyond = found[: max(0, len(found) - most)]
    for post in beyond:
        if post.state is P.LIVE:
            running.pause(post, by=by, why=PausedBy.QUOTA)
        else:
            submitting.take_back(post, by=by)
    choice.done_at = clock.now()
    return len(beyond)
