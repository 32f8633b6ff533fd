"""The moderators' pages: the queue, the case of a post with its timeline, and what is decided there."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, catalogue, clock, labels, story
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import chip, go
from portal.jobs import (
    access,
    changes,
    desk,
    employers,
    moderating,
    naming,
    posts,
    reporting,
    showing,
    writing,
)
from portal.jobs import forms as f
from portal.jobs import office_forms as of
from portal.jobs import said as saying
from portal.jobs.doors import jobs_office
from portal.jobs.kinds import PostState, Verdict, VersionState
from portal.jobs.marks import marks_in_words
from portal.jobs.models import Post, PostDecision, PostVersion

QUEUE, CASE = "jobs_office.queue", "jobs_office.case"


@jobs_office.get("/")
@allow(May.READ_JOBS)
def queue() -> str:
    """Show what waits: versions, the oldest first, reports, appeals, employers."""
    return render_template(
        "office/jobs/queue.html", page=page_of(desk.queue()), title=naming.title, title_of=naming.title_of,
        is_late=desk.is_late, marks=lambda one: len(one.marks), reported=desk.reported(), appeals=desk.appeals(),
        checks=desk.checks(), may_moderate=me().staff_may(May.MODERATE_JOBS),
    )  # fmt: skip


@jobs_office.get("/posts")
@allow(May.READ_JOBS)
def listed() -> str:
    """List every post that was ever sent, the one changed last first."""
    g.nav = QUEUE
    state = asked("state", most=20)
    rows = select(Post).where(Post.state != PostState.DRAFT)
    if state in {one.value for one in PostState}:
        rows = rows.where(Post.state == PostState(state))
    return render_template(
        "office/jobs/list.html", page=page_of(rows.order_by(Post.changed_at.desc(), Post.id.desc())),
        title_of=naming.title_of,
        filters=[
            chip("state", one.value, labels.label(one), state) for one in PostState if one is not PostState.DRAFT
        ],
    )  # fmt: skip


def _page(post: Post, status: int = 200, **given: Any) -> Any:
    g.nav = QUEUE
    waiting = writing.in_state(post, VersionState.WAITING)
    version = waiting or post.shown or writing.newest(post)
    host = saying.host_of(version.link)
    decisions = select(PostDecision).where(PostDecision.post_id == post.id).order_by(PostDecision.id.desc())
    n = str(waiting.n) if waiting is not None else ""
    return render_template(
        "office/jobs/case.html", post=post, version=version, waiting=waiting, title=naming.title(version),
        seen=[showing.seen(post, version, tongue) for tongue in saying.languages(version)],
        before=_changes(post.shown, version), marks=marks_in_words(version.marks if waiting is not None else []),
        decisions=list(db.session.scalars(decisions)), reasons=catalogue.entries("job_reason"),
        reports=reporting.reports_of(post), report_names=catalogue.entries("job_report"),
        open_reports=reporting.open_reports(post), appeal=moderating.appeal_waits(post), visible=posts.is_visible(post),
        host=host, host_good=not host or employers.covers(employers.domains(post.org), host),
        timeline=story.tell(db.session.scalars(audit.of_subject(post.subject))),
        check=employers.last_check(post.org), confirmed=employers.confirmed_until(post.org), today=clock.today(),
        own=_is_own(post, version), may_hear=moderating.may_hear(post, me().person), may_moderate=me().staff_may(May.MODERATE_JOBS), on=given.get("on"),
        late=desk.is_late(version) if waiting is not None else False,
        **f.apart(
            back=(given.get("back") or of.Decision(formdata=None, n=n)).offer(Verdict.RETURNED),
            down=(given.get("down") or of.Decision(formdata=None)).offer(Verdict.REMOVED),
            answer=given.get("answer") or of.AppealAnswer(formdata=None),
            domain=given.get("domain") or of.Domain(formdata=None, domain=host),
        ),
    ), status  # fmt: skip


def _is_own(post: Post, version: PostVersion) -> bool:
    try:
        moderating.refuse_own(post, me().person, version.by, version.submitted_by)
    except Refused:
        return True
    return False


def _changes(before: PostVersion | None, now: PostVersion) -> list[tuple[str, str, str]]:
    """Return what an edit changes: each text or figure, as shown and as asked."""
    if before is None or before.id == now.id:
        return []
    return changes.between(saying.of(before), saying.of(now))


@jobs_office.get("/posts/<uid>")
@allow(May.READ_JOBS)
def case(uid: str) -> Any:
    """Show a post with the version that waits, its marks, decisions, reports and history."""
    return _page(access.office_post(uid))


@jobs_office.post("/posts/<uid>/approval/<int:n>")
@allow(May.MODERATE_JOBS)
def approve(uid: str, n: int) -> BaseResponse:
    """Approve the version that was read."""
    with transaction():
        moderating.approve(access.office_post(uid), by=me().person, n=n)
    return go(QUEUE, _("Approved. The employer is told."))


@jobs_office.post("/posts/<uid>/return")
@allow(May.MODERATE_JOBS)
def send_back(uid: str) -> Any:
    """Send the version that waits back with reasons."""
    row, form = access.office_post(uid), of.Decision().offer(Verdict.RETURNED)
    n = str(form.n.data or "")
    status = form.carry_out(
        lambda: moderating.send_back(
            row, by=me().person, n=int(n) if n.isascii() and n.isdigit() and len(n) < 9 else None, **form.chosen()
        )
    )  # fmt: skip
    if not status:
        return go(QUEUE, _("Sent back. The employer reads your words in both languages."))
    return _page(access.office_post(uid), status, back=form, on="back")


@jobs_office.post("/posts/<uid>/removal")
@allow(May.MODERATE_JOBS)
def remove(uid: str) -> Any:
    """Take a post down."""
    row, form = access.office_post(uid), of.Decision().offer(Verdict.REMOVED)
    status = form.carry_out(lambda: moderating.remove(row, by=me().person, **form.chosen()))
    if not status:
        return go(CASE, _("Taken down. The employer is told and may appeal once."), uid=uid)
    return _page(access.office_post(uid), status, down=form, on="down")


@jobs_office.post("/posts/<uid>/appeal")
@allow(May.MODERATE_JOBS)
def decide_appeal(uid: str) -> Any:
    """Decide about an appeal."""
    row, form = access.office_post(uid), of.AppealAnswer()
    status = form.carry_out(
        lambda: moderating.decide_appeal(
            row, by=me().person, granted=form.granted.data == "yes",
            words=(str(form.words_zh.data), str(form.words_en.data)),
        )
    )  # fmt: skip
    if not status:
        return go(CASE, _("Decided. The employer is told."), uid=uid)
    return _page(access.office_post(uid), status, answer=form, on="answer")


@jobs_office.post("/posts/<uid>/reports")
@allow(May.MODERATE_JOBS)
def dismiss(uid: str) -> BaseResponse:
    """Say that the reports were looked into and the post stays."""
    with transaction():
        moderating.dismiss(access.office_post(uid), by=me().person)
    return go(CASE, _("Written down: the post stays."), uid=uid)


@jobs_office.post("/posts/<uid>/domain")
@allow(May.MODERATE_JOBS)
def confirm_domain(uid: str) -> Any:
    """Confirm one more domain of the employer."""
    row, form = access.office_post(uid), of.Domain()

    def deed() -> None:
        moderating.refuse_own(row, me().person)
        employers.confirm_domain(row.org, str(form.domain.data), by=me().person)

    status = form.carry_out(deed)
    if not status:
        return go(CASE, _("The domain is confirmed for this employer."), uid=uid)
    return _page(access.office_post(uid), status, domain=form, on="domain")
