"""What the board does by the clock: ends, reminders, dead links, late reviews; each asks what is due and not yet done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.organisations import Organisation
from portal.core import audit, catalogue, clock, outgoing, workdays
from portal.core.db import db, reading
from portal.core.outgoing import Unreachable
from portal.core.rows import each, ids_of
from portal.jobs import employers, letters, running, slots, standing, submitting, writing
from portal.jobs.kinds import HELD, PausedBy, PostState, VersionState
from portal.jobs.models import Post, PostNotice, PostVersion

P = PostState
DEAD = frozenset({404, 410, 451, 500, 501, 502, 503, 504})
ENDING = "ending"


def expire_posts() -> int:
    """Close posts whose days are over, and let posts follow what the membership of their employer gives today."""
    over = select(Post.id).where(Post.state.in_([P.LIVE, P.PAUSED]), Post.ends_on <= clock.today())
    done = each("expire_posts", ids_of(over.order_by(Post.id)), _expire)
    owners = select(Post.org_id).where(Post.state.in_([*HELD, P.PAUSED])).distinct().order_by(Post.org_id)
    return done + each("expire_posts", ids_of(owners), _follow)


def _expire(number: int) -> int:
    return int(running.expire(db.session.get_one(Post, number), by="expire_posts"))


def _follow(number: int) -> int:
    return standing.follow(db.session.get_one(Organisation, number), by="standing")


def _once(post: Post, step: str, day: date) -> bool:
    """Whether a step of a post is told now for the first time; remembers that it is."""
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = db.session.execute(
        build(PostNotice)
        .values(post_id=post.id, step=step, day=day, at=clock.now())
        .on_conflict_do_nothing()
        .returning(PostNotice.id)
    ).first()
    return made is not None


def remind_employers() -> int:
    """Remind of ends that are near, of posts and of confirmations, ask after posts without a sign of life, and pause where nobody answered."""
    today = clock.today()
    days, quiet = int(catalogue.policy("jobs.remind_days")), int(catalogue.policy("jobs.open_days"))
    near = select(Post.id).where(
        Post.state == P.LIVE, Post.ends_on > today, Post.ends_on <= today + timedelta(days=days)
    )
    done = each("remind_employers", ids_of(near.order_by(Post.id)), _ending)
    still = select(Post.id).where(
        Post.state == P.LIVE, Post.asked_on.is_(None), Post.sign_on <= today - timedelta(days=quiet)
    )
    done += each("remind_employers", ids_of(still.order_by(Post.id)), _ask)
    answer = today - timedelta(days=int(catalogue.policy("jobs.answer_days")))
    silent = select(Post.id).where(Post.state == P.LIVE, Post.asked_on < answer).order_by(Post.id)
    done += each("remind_employers", ids_of(silent), _pause_silent)
    return done + each("remind_employers", ids_of(employers.running_out()), employers.remind)


def _ending(number: int) -> int:
    post = db.session.get_one(Post, number)
    if post.state is not P.LIVE or post.ends_on is None or not submitting.may_renew(post):
        return 0
    waiting = writing.in_state(post, VersionState.WAITING)
    if (waiting is not None and waiting.renews) or not _once(post, ENDING, post.ends_on):
        return 0
    letters.ending(post)
    return 1


def _ask(number: int) -> int:
    post = slots.lock_post(db.session.get_one(Post, number))
    if post.state is not P.LIVE or post.asked_on is not None:
        return 0
    post.asked_on = clock.today()
    audit.record("post.asked", post, by="remind_employers", org_id=post.org_id)
    letters.still_open(post, int(catalogue.policy("jobs.answer_days")))
    return 1


def _pause_silent(number: int) -> int:
    post = db.session.get_one(Post, number)
    if post.asked_on is None:
        return 0
    running.pause(post, by="remind_employers", why=PausedBy.SILENCE)
    return 1


def check_job_links() -> int:
    """Ask for the pages of live posts, and pause those whose page has been gone for some days."""
    with reading():
        rows = db.session.execute(
            select(Post.id, PostVersion.link)
            .join(PostVersion, Post.shown_id == PostVersion.id)
            .where(Post.state == P.LIVE, PostVersion.link != "")
            .order_by(Post.id)
        ).all()
        found = [(int(number), str(link)) for number, link in rows]
    answers: dict[str, bool] = {}
    done = 0
    for number, link in found:
        if link not in answers:
            answers[link] = is_there(link)  # outside of any transaction: others may take their time
        done += each("check_job_links", [number], _noted(link, alive=answers[link]))
    return done


def is_there(link: str) -> bool:
    """Whether a page answers; one that asks to sign in, or sends elsewhere, is there."""
    try:
        return outgoing.look(link).status not in DEAD
    except Unreachable:
        return False


def _noted(link: str, *, alive: bool) -> Callable[[int], int]:
    def note(number: int) -> int:
        post = db.session.get_one(Post, number)
        if alive and post.link_dead_since is None:
            return 0
        post = slots.lock_post(post)
        if post.state is not P.LIVE or post.shown is None or post.shown.link != link:
            return 0
        if alive:
            post.link_dead_since = None
            return 0
        post.link_dead_since = post.link_dead_since or clock.today()
        days = int(catalogue.policy("jobs.link_days"))
        if clock.today() < post.link_dead_since + timedelta(days=days):
            return 0
        running.pause(post, by="check_job_links", why=PausedBy.LINK)
        return 1

    return note


def late_before() -> date:
    """Return the day before which a version must have been sent to be late today."""
    day, days = clock.today(), int(catalogue.policy("jobs.review_days"))
    found = day
    while workdays.after(found, days) >= day:
        found -= timedelta(days=1)
    return found + timedelta(days=1)


def escalate_moderation() -> int:
    """Tell of versions that have waited longer than promised, each once."""
    late = select(PostVersion.id).where(
        PostVersion.state == VersionState.WAITING, PostVersion.escalated_at.is_(None),
        PostVersion.submitted_at < clock.start_of(late_before()),
    )  # fmt: skip
    return each("escalate_moderation", ids_of(late.order_by(PostVersion.id)), _escalate)


def _escalate(number: int) -> int:
    version = db.session.get_one(PostVersion, number)
    slots.lock_post(version.post)
    version = db.session.get_one(PostVersion, number, populate_existing=True)
    if version.state is not VersionState.WAITING or version.escalated_at is not None:
        return 0
    version.escalated_at = clock.now()
    audit.record("post.escalated", version.post, by="escalate_moderation", n=version.n)
    letters.escalated(version)
    return 1
