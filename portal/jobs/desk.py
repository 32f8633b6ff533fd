"""What waits for moderators, and the figures of the board: read for the office."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import Select, exists, func, select

from portal.accounts.may import May
from portal.core import catalogue, clock, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.jobs import chores, moderating, naming, posts
from portal.jobs.board_models import EmployerCheck, PostReport
from portal.jobs.kinds import CheckState, PostState, Verdict, VersionState
from portal.jobs.models import Post, PostDecision, PostVersion
from portal.members.belonging import Membership

MOST = 50


def queue() -> Select[Any]:
    """Select the versions that wait, the oldest first."""
    rows = select(PostVersion).where(PostVersion.state == VersionState.WAITING)
    return rows.order_by(PostVersion.submitted_at, PostVersion.id)


def count_waiting() -> Select[Any]:
    """Select how many versions wait."""
    return select(func.count()).where(PostVersion.state == VersionState.WAITING)


def is_late(version: PostVersion) -> bool:
    """Whether a version has waited longer than promised."""
    sent = version.submitted_at
    return sent is not None and sent < clock.start_of(chores.late_before())


def reported() -> list[tuple[Post, int]]:
    """Return the posts that enough readers report and nobody has looked into, the most reported first."""
    count = func.count(PostReport.id)
    rows = (
        select(Post, count)
        .join(PostReport, PostReport.post_id == Post.id)
        .where(PostReport.closed_at.is_(None))
        .group_by(Post.id)
        .having(count >= int(catalogue.policy("jobs.reports")))
        .order_by(count.desc(), Post.id)
    )
    ids = [
        (post_id, number) for post_id, number in db.session.execute(rows.with_only_columns(Post.id, count))
    ]
    found = {one.id: one for one in db.session.scalars(select(Post).where(Post.id.in_([i for i, _n in ids])))}
    return [(found[post_id], int(number)) for post_id, number in ids]


def appeals() -> list[Post]:
    """Return the posts whose appeal waits, the oldest first."""
    decided = exists().where(
        PostDecision.post_id == Post.id, PostDecision.at >= Post.appealed_at,
        PostDecision.verdict.in_([Verdict.UPHELD, Verdict.RESTORED]),
    )  # fmt: skip
    rows = select(Post).where(Post.state == PostState.REMOVED, Post.appealed_at.is_not(None), ~decided)
    return [
        one
        for one in db.session.scalars(rows.order_by(Post.appealed_at, Post.id))
        if moderating.appeal_waits(one)
    ]


def checks() -> list[EmployerCheck]:
    """Return the employers that wait to be confirmed, the oldest first."""
    rows = select(EmployerCheck).where(EmployerCheck.state == CheckState.ASKED)
    return list(db.session.scalars(rows.order_by(EmployerCheck.at, EmployerCheck.id)))


def tasks(reader: Any) -> list[Task]:
    """Return what waits for a moderator: versions, reports, appeals, employers."""
    if not reader.staff_may(May.MODERATE_JOBS):
        return []
    found = [
        waiting.task(
            _("Post of %(org)s: %(title)s", org=one.post.org.name, title=naming.title(one)), _("Read and decide"),
            url_for("jobs_office.case", uid=one.post.uid), since=one.submitted_at, overdue=is_late(one),
        )
        for one in db.session.scalars(queue().limit(MOST))
    ]  # fmt: skip
    found += [
        waiting.task(
            _("Reported by %(count)s readers: %(title)s", count=number, title=naming.title_of(post)), _("Look"),
            url_for("jobs_office.case", uid=post.uid), overdue=True,
        )
        for post, number in reported()
    ]  # fmt: skip
    found += [
        waiting.task(
            _("Appeal of %(org)s: %(title)s", org=post.org.name, title=naming.title_of(post)), _("Decide"),
            url_for("jobs_office.case", uid=post.uid), since=post.appealed_at,
        )
        for post in appeals()
        if moderating.may_hear(post, reader.person)
    ]  # fmt: skip
    return found + [
        waiting.task(
            _("Confirm the employer %(org)s", org=one.org.name), _("Check"),
            url_for("jobs_office.employer", uid=one.uid), since=one.at,
        )
        for one in checks()
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """What the board does: live posts by tier, hours to a decision, returns by reason, how posts were filled."""

    by_tier: list[tuple[str, int]]
    decided: int
    hours_middle: int
    hours_late: int
    returns: list[tuple[str, int]]
    filled: int
    by_board: int
    by_certificate: int
    since: datetime


def figures(days: int = 90) -> Figures:
    """Return the figures of the last days; live posts are those visible today."""
    since = clock.now() - timedelta(days=days)
    shown = posts.visible().with_only_columns(Post.org_id).subquery()
    tiers = db.session.execute(
        select(Membership.tier, func.count())
        .select_from(shown)
        .join(Membership, Membership.org_id == shown.c.org_id)
        .group_by(Membership.tier)
        .order_by(Membership.tier)
    ).all()
    known = catalogue.entries("tier")
    order = {code: n for n, code in enumerate(known)}
    by_tier = [
        (catalogue.in_words(known[code]["name"]) if code in known else code, int(number))
        for code, number in sorted(tiers, key=lambda row: order.get(row[0], len(order)))
    ]
    made = db.session.execute(
        select(PostDecision.verdict, PostDecision.waited, PostDecision.reasons)
        .where(PostDecision.at >= since, PostDecision.verdict.in_([Verdict.APPROVED, Verdict.RETURNED]))
        .order_by(PostDecision.id)
    ).all()
    waits = sorted(int(row.waited) // 3600 for row in made)
    returns = Counter(code for row in made if row.verdict is Verdict.RETURNED for code in row.reasons)
    filled = db.session.execute(
        select(Post.by_board, Post.by_certificate).where(
            Post.state == PostState.FILLED, Post.closed_at >= since
        )
    ).all()
    reasons = catalogue.entries("job_reason")
    return Figures(
        by_tier=by_tier, decided=len(waits), hours_middle=waits[len(waits) // 2] if waits else 0,
        hours_late=waits[-1] if waits else 0,
        returns=[
            (catalogue.in_words(reasons[code]["name"]) if code in reasons else code, number)
            for code, number in sorted(returns.items(), key=lambda one: (-one[1], one[0]))
        ],
        filled=len(filled), by_board=sum(bool(row.by_board) for row in filled),
        by_certificate=sum(bool(row.by_certificate) for row in filled), since=since,
    )  # fmt: skip
