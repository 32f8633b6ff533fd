"""The employer's pages: posts and slots, writing in both languages, the check before sending, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core import catalogue, clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import chip, go
from portal.jobs import (
    access,
    employers,
    moderating,
    naming,
    quotas,
    running,
    screening,
    showing,
    slots,
    standing,
    submitting,
    writing,
)
from portal.jobs import forms as f
from portal.jobs import said as saying
from portal.jobs.doors import jobs_employer
from portal.jobs.kinds import PostState, VersionState
from portal.jobs.marks import marks_in_words
from portal.jobs.models import Post, PostDecision

PAGE, LIST = "jobs_employer.post", "jobs_employer.listed"
P, V = PostState, VersionState
GROUPS = {
    "work": (P.DRAFT,), "waits": (P.IN_REVIEW,), "out": (P.LIVE, P.PAUSED), "over": (P.FILLED, P.EXPIRED, P.REMOVED),
}  # fmt: skip


@jobs_employer.get("/")
@allow(May.RECRUIT)
def listed() -> str:
    """List the organisation's posts, with the slots it has."""
    org, group = required_org(me(), May.RECRUIT), asked("state", most=20)
    rows = select(Post).where(Post.org_id == org.id)
    if group in GROUPS:
        rows = rows.where(Post.state.in_(GROUPS[group]))
    counts = {
        state: int(number)
        for state, number in db.session.execute(
            select(Post.state, func.count()).where(Post.org_id == org.id).group_by(Post.state)
        )
    }
    words = (
        ("work", _("Being written")),
        ("waits", _("In review")),
        ("out", _("On the board")),
        ("over", _("Over")),
    )
    return render_template(
        "jobs/employer/list.html", org=org, page=page_of(rows.order_by(Post.changed_at.desc(), Post.id.desc())),
        quota=quotas.of(org), held=slots.held(org.id), right=quotas.right(org).value,
        confirmed=employers.confirmed_until(org), check=employers.last_check(org), today=clock.today(),
        choice=standing.open_choice(org.id), title_of=naming.title_of,
        filters=[
            {**chip("state", code, said, group), "count": sum(counts.get(one, 0) for one in GROUPS[code])}
            for code, said in words
        ],
    )  # fmt: skip


def _form(org: Organisation, form: f.PostForm, post: Post | None = None, status: int = 200) -> Any:
    g.nav = LIST
    form.offer()
    return render_template(
        "jobs/employer/write.html", org=org, form=form, post=post, pairs=("title", *saying.PARTS),
        domains=employers.domains(org),
    ), status  # fmt: skip


@jobs_employer.get("/new")
@allow(May.RECRUIT)
def new() -> Any:
    """Show an empty post."""
    return _form(required_org(me(), May.RECRUIT), f.PostForm(formdata=None))


@jobs_employer.post("/new")
@allow(May.RECRUIT)
def begin() -> Any:
    """Keep a first draft."""
    org, form, made = required_org(me(), May.RECRUIT), f.PostForm().offer(), list[Post]()
    status = form.carry_out(
        lambda: made.append(writing.begin(org, form.said(), by=me().person, begins_on=form.begins_on.data))
    )
    if not status:
        return go(
            "jobs_employer.check",
            _("Kept as a draft. Look at it as readers will see it, then send it."),
            uid=made[0].uid,
        )
    return _form(org, form, None, status)


@jobs_employer.get("/<uid>/text")
@allow(May.RECRUIT)
def text(uid: str) -> Any:
    """Show a post to be written on: the version at hand, else what was sent last."""
    post = access.own_post(uid)
    return _form(post.org, f.PostForm.of(saying.of(writing.newest(post)), post.begins_on), post)


@jobs_employer.post("/<uid>/text")
@allow(May.RECRUIT)
def write(uid: str) -> Any:
    """Keep what was written."""
    post, form = access.own_post(uid), f.PostForm().offer()
    status = form.carry_out(
        lambda: writing.write(post, form.said(), by=me().person, begins_on=form.begins_on.data)
    )
    if not status:
        return go(
            "jobs_employer.check",
            _("Kept. Nothing is shown before you send it and a moderator agrees."),
            uid=uid,
        )
    return _form(post.org, form, access.own_post(uid), status)


def _refusal(post: Post) -> Refused | None:
    """Return what stands in the way of sending the newest version, if the form of it is incomplete."""
    try:
        saying.check_complete(saying.of(writing.newest(post)))
    except Refused as refusal:
        return refusal
    return None


def _check_page(post: Post, status: int = 200, refused: Refused | None = None) -> Any:
    g.nav = LIST
    version = writing.newest(post)
    marks = submitting.marks_of(post, saying.of(version))
    block = screening.blocking(marks, catalogue.entries("job_mark"))
    return render_template(
        "jobs/employer/check.html", post=post, version=version, refused=refused or _refusal(post), block=block,
        marks=marks_in_words([one.plain() for one in marks]), title=naming.title(version), quota=quotas.of(post.org),
        seen=[showing.seen(post, version, tongue) for tongue in saying.languages(version) or [naming.tongue()]],
        held=slots.held(post.org_id), confirmed=employers.is_confirmed(post.org), sendable=version.state is V.WRITTEN,
    ), status  # fmt: skip


@jobs_employer.get("/<uid>/check")
@allow(May.RECRUIT)
def check(uid: str) -> Any:
    """Show a version as readers will see it, with what a moderator will look at, before it is sent."""
    return _check_page(access.own_post(uid))


@jobs_employer.post("/<uid>/submission")
@allow(May.RECRUIT)
def submit(uid: str) -> Any:
    """Send the version at hand to the moderators."""
    post = access.own_post(uid)
    try:
        with transaction():
            submitting.submit(post, by=me().person)
    except Refused as refusal:
        return _check_page(access.own_post(uid), refusal.status, refusal)
    days = int(catalogue.policy("jobs.review_days"))
    return go(PAGE, _("Sent. A moderator looks at it within %(days)s working days.", days=days), uid=uid)


def _page(post: Post, status: int = 200, **given: Any) -> Any:
    g.nav = LIST
    decisions = select(PostDecision).where(PostDecision.post_id == post.id).order_by(PostDecision.id.desc())
    return render_template(
        "jobs/employer/post.html", post=post, version=writing.newest(post), title=naming.title_of(post),
        seen=showing.shown(post) if post.shown is not None else None, may_renew=submitting.may_renew(post),
        decisions=list(db.session.scalars(decisions)), reasons=catalogue.entries("job_reason"),
        last=showing.seen(post, writing.newest(post)), today=clock.today(), free=slots.free(post.org),
        may_appeal=running.may_appeal(post), appeal_waits=moderating.appeal_waits(post), on=given.get("on"),
        **f.apart(
            filled=given.get("filled") or f.Filled(formdata=None),
            places=given.get("places") or f.Places(formdata=None),
            appeal=given.get("appeal") or f.Appeal(formdata=None),
        ),
    ), status  # fmt: skip


@jobs_employer.get("/<uid>")
@allow(May.RECRUIT)
def post(uid: str) -> Any:
    """Show a post with its state, what was decided, and what can be done next."""
    return _page(access.own_post(uid))


@jobs_employer.post("/<uid>/<any(withdrawal, pause, continuation, renewal, sign):deed>")
@allow(May.RECRUIT)
def step(uid: str, deed: str) -> BaseResponse:
    """Take a version back, pause, go on, renew, or say that the post is still open."""
    row, by = access.own_post(uid), me().person
    deeds: dict[str, tuple[Callable[..., object], str]] = {
        "withdrawal": (submitting.take_back, _("Taken back. You can change it and send it again.")),
        "pause": (running.pause, _("The post is off the board. Its days run on.")),
        "continuation": (running.resume, _("The post is on the board again.")),
        "renewal": (submitting.renew, _("Sent for another run. An unchanged text is quickly approved.")),
        "sign": (running.still_open, _("Thank you. The post stays as it is.")),
    }
    do, words = deeds[deed]
    with transaction():
        do(row, by=by)
    return go(PAGE, words, uid=uid)


@jobs_employer.post("/<uid>/fill")
@allow(May.RECRUIT)
def fill(uid: str) -> Any:
    """Close a post whose places are taken."""
    row, form = access.own_post(uid), f.Filled()
    status = form.carry_out(
        lambda: running.fill(
            row, by=me().person, certificate=form.certificate.data == "yes", board=form.board.data == "yes"
        )
    )
    if not status:
        return go(
            PAGE, _("Congratulations. The post is closed; whoever comes to its page is told so."), uid=uid
        )
    return _page(access.own_post(uid), status, filled=form, on="fill")


@jobs_employer.post("/<uid>/places")
@allow(May.RECRUIT)
def lower(uid: str) -> Any:
    """Say that fewer places are left."""
    row, form = access.own_post(uid), f.Places()
    status = form.carry_out(lambda: writing.lower_places(row, int(form.places.data or 0), by=me().person))
    if not status:
        return go(PAGE, _("Written down; the board shows it at once."), uid=uid)
    return _page(access.own_post(uid), status, places=form, on="places")


@jobs_employer.post("/<uid>/appeal")
@allow(May.RECRUIT)
def appeal(uid: str) -> Any:
    """Ask another moderator to look at a post that was taken down."""
    row, form = access.own_post(uid), f.Appeal()
    status = form.carry_out(lambda: running.appeal(row, str(form.words.data), by=me().person))
    if not status:
        return go(PAGE, _("Another moderator looks at it, and you hear from us."), uid=uid)
    return _page(access.own_post(uid), status, appeal=form, on="appeal")
