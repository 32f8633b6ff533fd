"""What the figures keep of posts that were erased: counts by month, which name no post, no employer and nobody."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.core import clock
from portal.core.db import db
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.board_models import GoneCount
from portal.jobs.kinds import PostState
from portal.jobs.models import Post
from portal.jobs.stages import JobApplicationState

# What is counted: by the month in which it was sent or asked, a post by the month in which it closed.
APPLICATION, CERTIFICATE, REQUEST, REFERRAL, POST = (
    "application",
    "certificate",
    "request",
    "referral",
    "post",
)
Key = tuple[date, str, str]


def keep(post: Post) -> None:
    """Add what hangs on a post to the counts of its months; call under its lock, before it goes."""
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for (month, kind, state), count in sorted(
        _counted(post).items()
    ):  # in one order, so that no two wait for each other
        made = build(GoneCount).values(month=month, kind=kind, state=state, count=count)
        db.session.execute(
            made.on_conflict_do_update(
                index_elements=["month", "kind", "state"],
                set_={"count": GoneCount.count + made.excluded.count},
            )
        )


def _counted(post: Post) -> Counter[Key]:
    found: Counter[Key] = Counter()
    sent = select(JobApplication.state, JobApplication.sent_at, JobApplication.by_certificate)
    hired = False
    for state, at, by_certificate in db.session.execute(_of(sent, JobApplication, post)):
        hired = hired or state is JobApplicationState.HIRED
        found[_month(at), APPLICATION, state.value] += 1
        if by_certificate:
            found[_month(at), CERTIFICATE, state.value] += 1
    for kind, name in ((ContactRequest, REQUEST), (Referral, REFERRAL)):
        for state, at in db.session.execute(_of(select(kind.state, kind.asked_at), kind, post)):
            found[_month(at), name, state.value] += 1
    if post.state is PostState.FILLED and post.by_certificate and not hired:
        found[_month(post.closed_at or post.changed_at), POST, post.state.value] += 1
    return found


def _of(rows: Any, kind: Any, post: Post) -> Any:
    return rows.where(kind.post_id == post.id).order_by(kind.id)


def _month(moment: Any) -> date:
    return clock.day_of(moment).replace(day=1)


def counts(kind: str, start: date | None = None, end: date | None = None) -> dict[str, int]:
    """Return how many of a kind were in each state, of the months that begin in [start, end); of all without them."""
    rows = select(GoneCount.state, func.sum(GoneCount.count)).where(GoneCount.kind == kind)
    if start is not None:
        rows = rows.where(GoneCount.month >= start)
    if end is not None:
        rows = rows.where(GoneCount.month < end)
    found = db.session.execute(rows.group_by(GoneCount.state).order_by(GoneCount.state))
    return {state: int(count) for state, count in found}
