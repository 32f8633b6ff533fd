"""The staff's board of engagements, and one engagement with everything its lead does in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import audit
from portal.core.db import db, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go
from portal.services.contracts import verbs as contracts
from portal.services.engagements import forms as f
from portal.services.engagements import leading, seen, showing, terminating, working
from portal.services.engagements.doors import engagement_office
from portal.services.engagements.models import LIVE, Engagement, EngagementState, Health, Side
from portal.services.support.forms import apart

PAGE = "engagement_office.engagement"


@engagement_office.get("/")
@allow(May.READ_SERVICES)
def board() -> str:
    """Show every engagement: what is done, what comes next, how it goes."""
    group, q = asked("state", most=20), folded(asked("q"))
    statement = select(Engagement).join(Organisation, Engagement.org_id == Organisation.id)
    if group == "mine":
        statement = statement.where(Engagement.lead_id == me().person.id)
    elif group in [one.value for one in EngagementState]:
        statement = statement.where(Engagement.state == EngagementState(group))
    elif group != "all":
        statement = statement.where(Engagement.state.in_((*LIVE, EngagementState.DELIVERED)))
    if q:
        statement = statement.where(
            Engagement.number.icontains(q, autoescape=True) | Organisation.search_text.icontains(q, autoescape=True)
        )  # fmt: skip
    found = page_of(statement.order_by(Engagement.id.desc()))
    return render_template(
        "office/services/board.html", page=found,
        shown={one.id: (showing.percent(one), showing.next_day(one)) for one in found.items},
        filters=[
            chip("state", code, words, group)
            for code, words in (
                ("mine", _("Led by me")), ("planned", _("Planned")), ("running", _("Running")), ("paused", _("Paused")),
                ("all", _("All")),
            )
        ],
    )  # fmt: skip


def page(row: Engagement, status: int = 200, **given: Any) -> Any:
    """Return the page of an engagement, with the forms that were refused."""
    g.nav, reader = "engagement_office.board", me()
    who = given.get("who") or f.Who(formdata=None)
    who.offer(leading.leads())
    pause, report = (
        given.get("pause") or f.Pause(formdata=None),
        given.get("report") or f.Report(formdata=None, health=row.health.value),
    )
    note = given.get("note") or f.Note(formdata=None)
    pause.offer()
    report.offer()
    note.offer()
    return render_template(
        "office/services/engagement.html", row=row, steps=showing.steps(row, customer=False), percent=showing.percent(row),
        next_day=showing.next_day(row), waits=leading.missing(row), notes=working.notes(row), team=leading.team(row),
        inside=leading.inside(row, reader.person), manages=reader.staff_may(May.MANAGE_WORK),
        works=reader.staff_may(May.DO_WORK), finance=reader.staff_may(May.CREDIT), entries=working.entries(row)[:20],
        money=showing.money(row), contract=contracts.of_quote(row.quote), me_id=reader.person.id, said=given.get("said", ""),
        owed=terminating.owed_to_us(row), history=db.session.scalars(audit.of_subject(row.subject)).all(),
        **apart(
            who=who, pause=pause, report=report, note=note, why=given.get("why") or f.Why(formdata=None),
            log=given.get("log") or f.Log(formdata=None),
        ),
    ), status  # fmt: skip


@engagement_office.get("/<uid>")
@allow(May.READ_SERVICES)
def engagement(uid: str) -> Any:
    """Show one engagement."""
    return page(seen.any_engagement(uid))


def done(uid: str, deed: Callable[[Engagement], object], words: str) -> BaseResponse:
    """Do one thing to an engagement and go back to its page."""
    row = seen.any_engagement(uid)
    with transaction():
        deed(row)
    return go(PAGE, words, uid=uid)


@engagement_office.post("/<uid>/lead")
@allow(May.MANAGE_WORK)
def name_lead(uid: str) -> BaseResponse:
    """Name who leads."""
    return _someone(uid, leading.name_lead)


@engagement_office.post("/<uid>/team")
@allow(May.MANAGE_WORK)
def add_member(uid: str) -> BaseResponse:
    """Put somebody on the team."""
    return _someone(uid, leading.add)


def _someone(uid: str, deed: Callable[..., object]) -> BaseResponse:
    form = f.Who()
    people = form.offer(leading.leads())
    if not form.validate_on_submit():
        raise Refused(_("Please choose somebody."), status=422)
    return done(uid, lambda row: deed(row, people[form.person.data], by=me().person), _("Saved."))


@engagement_office.post("/<uid>/team/<member>/removal")
@allow(May.MANAGE_WORK)
def remove_member(uid: str, member: str) -> BaseResponse:
    """Take somebody off the team."""
    return done(uid, lambda row: leading.remove(seen.member_of(row, member), by=me().person), _("Saved."))


@engagement_office.post("/<uid>/team/<member>/consent")
@allow(May.MANAGE_WORK)
def consent(uid: str, member: str) -> BaseResponse:
    """Let a walled person in, as the foundation."""
    return done(
        uid, lambda row: leading.consent(seen.member_of(row, member), Side.OURS, by=me().person),
        _("Consented. It takes the customer's as well."),
    )  # fmt: skip


@engagement_office.post("/<uid>/start")
@allow(May.MANAGE_WORK)
def start(uid: str) -> BaseResponse:
    """Start the work."""
    return done(uid, lambda row: leading.start(row, by=me().person), _("The work has begun."))


def _lead(row: Engagement) -> None:
    """Refuse whoever neither leads an engagement nor manages the work."""
    if row.lead_id != me().person.id and not me().staff_may(May.MANAGE_WORK):
        raise Forbidden(_("The lead of the project or a manager does this."))


@engagement_office.post("/<uid>/pause")
@allow(May.DO_WORK)
def pause(uid: str) -> Any:
    """Let the work wait."""
    row, form = seen.any_engagement(uid), f.Pause()
    _lead(row)
    form.offer()
    refused = form.carry_out(
        lambda: leading.pause(row, by=me().person, reason=str(form.reason.data), side=Side(form.side.data))
    )
    return (
        page(seen.any_engagement(uid), refused, pause=form)
        if refused
        else go(PAGE, _("The project waits."), uid=uid)
    )


@engagement_office.post("/<uid>/continuation")
@allow(May.DO_WORK)
def resume(uid: str) -> BaseResponse:
    """Go on."""
    _lead(seen.any_engagement(uid))
    return done(
        uid, lambda row: leading.resume(row, by=me().person), _("It goes on; planned days have moved.")
    )


@engagement_office.post("/<uid>/health")
@allow(May.DO_WORK)
def report(uid: str) -> Any:
    """Say how it goes."""
    row, form = seen.any_engagement(uid), f.Report()
    _lead(row)
    form.offer()
    refused = form.carry_out(
        lambda: leading.report(row, Health(form.health.data), by=me().person, words=str(form.words.data))
    )
    return page(seen.any_engagement(uid), refused, report=form) if refused else go(PAGE, _("Saved."), uid=uid)


@engagement_office.post("/<uid>/ending")
@allow(May.MANAGE_WORK)
def propose_end(uid: str) -> Any:
    """Propose to end the project before its time."""
    row, form = seen.any_engagement(uid), f.Why()
    refused = form.carry_out(lambda: terminating.propose(row, by=me().person, reason=str(form.reason.data)))
    return (
        page(seen.any_engagement(uid), refused, why=form)
        if refused
        else go(PAGE, _("Proposed. Finance decides."), uid=uid)
    )


@engagement_office.post("/<uid>/ending/<answer>")
@allow(May.CREDIT)
def decide_end(uid: str, answer: str) -> BaseResponse:
    """Confirm the end of a project, or say no to it."""
    by = me().person
    if answer == "confirmation":
        return done(uid, lambda row: terminating.confirm(row, by=by), _("The project is ended; credit notes are issued."))  # fmt: skip
    if answer != "refusal":
        raise Missing(_("There is no such project."))
    return done(
        uid, lambda row: terminating.decline(row, by=by, reason=_("Finance said no.")), _("The work goes on.")
    )
