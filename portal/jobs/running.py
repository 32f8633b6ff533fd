"""What an employer does with a post that is out: pause, resume, fill, say that it is open, appeal; and what time does."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move
from portal.jobs import letters, moderating, slots, writing
from portal.jobs.events import PostClosed, PostOpened
from portal.jobs.kinds import PausedBy, VersionState
from portal.jobs.models import Post
from portal.jobs.moderating import P


def pause(post: Post, *, by: Person | str, why: PausedBy = PausedBy.EMPLOYER) -> None:
    """Take a live post off the board for a while; its slot is free, its days run on."""
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    move(row, P.PAUSED)
    row.paused_by, row.changed_at = why, clock.now()
    audit.record("post.paused", row, by=by, org_id=row.org_id, why_paused=why)
    if why is not PausedBy.EMPLOYER:
        letters.paused(row)


def resume(post: Post, *, by: Person | str) -> None:
    """Put a paused post back, with the same text: where a slot is free and its last day has not passed."""
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    if row.state is not P.PAUSED:
        raise Refused(_l("Only a paused post can go on."))
    if row.ends_on is None or clock.today() >= row.ends_on:
        raise Refused(_l("The days of this post are over. Renew it to send it again."))
    slots.refuse_full(row.org, new=False)
    move(row, P.LIVE)
    row.paused_by, row.changed_at, row.sign_on = None, clock.now(), clock.today()
    row.asked_on, row.link_dead_since = None, None
    audit.record("post.resumed", row, by=by, org_id=row.org_id)
    publish(PostOpened(row))


def fill(post: Post, *, by: Person, certificate: bool, board: bool) -> None:
    """Close a post whose places are taken; the two answers go into the figures."""
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    _drop_waiting(row)
    move(row, P.FILLED)
    row.by_certificate, row.by_board = certificate, board
    moderating.close(row)
    audit.record("post.filled", row, by=by, org_id=row.org_id, by_certificate=certificate, by_board=board)
    publish(PostClosed(row))


def _drop_waiting(post: Post) -> None:
    """Let a version that waits be a draft again: nobody needs to look at it."""
    version = writing.in_state(post, VersionState.WAITING)
    if version is not None:
        move(version, VersionState.WRITTEN)
        version.submitted_at, version.submitted_by, version.escalated_at = None, None, None


def still_open(post: Post, *, by: Person) -> None:
    """Say that a post is still open: nobody asks again for some weeks."""
    row = slots.lock_post(post)
    if row.state is not P.LIVE:
        raise Refused(_l("This post is not out at present."))
    row.sign_on, row.asked_on = clock.today(), None
    audit.record("post.open", row, by=by, org_id=row.org_id)


def may_appeal(post: Post) -> bool:
    """Whether an employer may appeal today against the removal of a post."""
    days = int(catalogue.policy("jobs.appeal_days"))
    if post.state is not P.REMOVED or post.closed_at is None or post.appealed_at is not None:
        return False
    return clock.today() <= clock.day_of(post.closed_at) + timedelta(days=days)


def appeal(post: Post, words: str, *, by: Person) -> None:
    """Ask once, within some days, that another moderator looks at a post that was taken down."""
    row = slots.lock_post(post)
    days = int(catalogue.policy("jobs.appeal_days"))
    if row.state is not P.REMOVED or row.closed_at is None:
        raise Refused(_l("Only a post that was taken down can be appealed for."))
    if row.appealed_at is not None:
        raise Refused(_l("You have appealed already; there is one appeal."))
    if clock.today() > clock.day_of(row.closed_at) + timedelta(days=days):
        raise Refused(_l("The %(days)s days for an appeal are over.", days=days))
    row.appeal, row.appealed_at = words.strip()[:4000], clock.now()
    audit.record("post.appealed", row, by=by, org_id=row.org_id)
    letters.appealed(row)


def expire(post: Post, *, by: str) -> bool:
    """Close a post whose days are over; one whose renewal waits goes on in review, with the slot it had."""
    slots.lock(post.org_id)
    row = slots.lock_post(post)
    if row.state not in (P.LIVE, P.PAUSED) or row.ends_on is None or clock.today() < row.ends_on:
        return False
    was_live = row.state is P.LIVE
    move(row, P.EXPIRED)
    moderating.close(row)
    audit.record("post.expired", row, by=by, org_id=row.org_id)
    publish(PostClosed(row))
    version = writing.in_state(row, VersionState.WAITING)
    if was_live and version is not None and version.renews:
        move(row, P.IN_REVIEW)
        row.begins_on = None
    else:
        letters.expired(row)
    return True
