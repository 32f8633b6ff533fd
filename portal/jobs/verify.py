"""What always holds of the job board, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.core import clock
from portal.core.db import db
from portal.jobs import quotas, standing, submitting
from portal.jobs.kinds import HELD, OVER, PostState, VersionState
from portal.jobs.models import Post, PostTerm, PostVersion

P, V = PostState, VersionState
OUT = (P.LIVE, P.PAUSED, P.FILLED, P.EXPIRED)


def verify_posts() -> tuple[int, list[str]]:
    """Return how many posts were looked at and a sentence for each fault: states, versions, days."""
    posts = db.session.scalars(select(Post).order_by(Post.id)).all()
    versions: dict[int, list[PostVersion]] = {one.id: [] for one in posts}
    for row in db.session.scalars(select(PostVersion).order_by(PostVersion.post_id, PostVersion.n)):
        versions[row.post_id].append(row)
    return len(posts), [fault for one in posts for fault in _faults(one, versions[one.id])]


def _faults(post: Post, own: list[PostVersion]) -> list[str]:
    found, states = [], [one.state for one in own]
    if [one.n for one in own] != list(range(1, len(own) + 1)):
        found.append(f"{post.subject}: its versions are not numbered in order")
    if states.count(V.WAITING) > 1 or states.count(V.WRITTEN) > 1:
        found.append(f"{post.subject}: more than one version waits or is being written")
    if (post.state is P.IN_REVIEW) and V.WAITING not in states:
        found.append(f"{post.subject}: it is in review and no version waits")
    if post.state in (P.DRAFT, P.FILLED, P.REMOVED) and V.WAITING in states:
        found.append(f"{post.subject}: a version waits of a post that is {post.state.value}")
    shown = next((one for one in own if one.id == post.shown_id), None)
    if post.shown_id is not None and (shown is None or shown.state is not V.APPROVED):
        found.append(f"{post.subject}: what it shows was not approved, or is another post's")
    days = (post.ends_on - post.starts_on).days if post.ends_on and post.starts_on else 0
    if post.state in OUT and not 0 < days <= post.days:
        found.append(f"{post.subject}: it runs longer than its days")
    if post.state in OVER and post.closed_at is None:
        found.append(f"{post.subject}: it is over and nobody knows since when")
    return found


def verify_slots() -> tuple[int, list[str]]:
    """Return how many employers were looked at, and who has more posts than its tier without a choice to make."""
    counts = Counter(db.session.scalars(select(Post.org_id).where(Post.state.in_(HELD)).order_by(Post.id)))
    found = []
    for org_id, number in sorted(counts.items()):
        org = db.session.get_one(Organisation, org_id)
        most = quotas.of(org).posts
        waits = standing.open_choice(org_id)
        if number > most and not (waits or org_id in quotas.fallen([org_id], on=clock.today())):
            found.append(f"{org.subject}: {number} posts in review or live, its tier has {most}")
    return len(counts), found


def verify_terms() -> tuple[int, list[str]]:
    """Return how many posts were looked at, and those whose terms are not those of the text they show."""
    kept: dict[int, set[str]] = {}
    for row in db.session.execute(select(PostTerm.post_id, PostTerm.term).order_by(PostTerm.post_id)):
        kept.setdefault(int(row[0]), set()).add(str(row[1]))
    found, looked = [], 0
    for post in db.session.scalars(select(Post).order_by(Post.id)):
        looked += 1
        out = post.shown is not None and post.state in (P.LIVE, P.PAUSED)
        wanted = submitting.own_terms(post.shown) if out and post.shown is not None else set()
        # The names of city and certificate stand there as they were called at the approval.
        if not wanted <= kept.get(post.id, set()) or (not out and post.id in kept):
            found.append(f"{post.subject}: its terms are not those of its text")
    return looked, found
