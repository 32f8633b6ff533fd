"""The staff's pages of support: the queue by the next instant due, and one ticket with everything an agent does in it."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, bounces, clock, labels
from portal.core import files as core_files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go
from portal.services.support import (
    access,
    answering,
    asking,
    attaching,
    coverage,
    duty,
    ending,
    satisfying,
    showing,
)
from portal.services.support import forms as f
from portal.services.support.clocks import Severity
from portal.services.support.doors import support_office
from portal.services.support.models import LIVE, SupportTicket, TicketState

PAGE = "support_office.ticket"
OVER = {
    "solved": TicketState.SOLVED,
    "closed": TicketState.CLOSED,
    "merged": TicketState.MERGED,
    "rejected": TicketState.REJECTED,
}


def _searched(q: str) -> Any:
    statement = select(SupportTicket).join(Person, SupportTicket.asker_id == Person.id)
    if not q:
        return statement
    number = int(q[2:]) if q.startswith("t-") and q[2:].isascii() and q[2:].isdigit() and len(q) < 14 else 0
    hits = (SupportTicket.title, Person.name, Person.email)
    orgs = select(Organisation.id).where(Organisation.legal_name.icontains(q, autoescape=True))
    return statement.where(
        or_(*(one.icontains(q, autoescape=True) for one in hits), SupportTicket.id == number, SupportTicket.org_id.in_(orgs))
    )  # fmt: skip


@support_office.get("/")
@allow(May.READ_TICKETS)
def queue() -> str:
    """Show what waits, next due first; tickets that are over by their state."""
    reader, group = me(), asked("state", most=20)
    statement = _searched(folded(asked("q")))
    if group == "mine":
        statement = statement.where(SupportTicket.agent_id == reader.person.id)
    over = OVER.get(group)
    page = (
        page_of(statement.where(SupportTicket.state == over).order_by(SupportTicket.id.desc()))
        if over
        else None
    )
    return render_template(
        "office/support/queue.html", page=page, rows=showing.queue(statement) if page is None else [],
        level_of=coverage.name_of, ratings=list(db.session.scalars(satisfying.to_heed())),
        missing_year=coverage.missing_year(), duty=duty.people_on(clock.today()), now=clock.now(),
        filters=[
            chip("state", "mine", _("In my hands"), group),
            *(chip("state", code, labels.label(state), group) for code, state in OVER.items()),
        ],
    )  # fmt: skip


def _page(row: SupportTicket, status: int = 200, **given: Any) -> Any:
    g.nav = "support_office.queue"
    forms: dict[str, Any] = {
        "say": f.Say(formdata=None), "hold": f.Hold(formdata=None), "merge": f.Merge(formdata=None),
        "judge": f.Judge(formdata=None, severity=row.severity.value), "reject": f.Reject(formdata=None),
        "give": f.Give(formdata=None), "black": f.BlackOut(formdata=None), **given,
    }  # fmt: skip
    forms["say"].offer()
    forms["judge"].offer()
    forms["give"].offer(duty.agents())
    return render_template(
        "office/support/ticket.html", row=row, said=showing.conversation(row, public=False),
        clocks=showing.clocks_of(row), level=coverage.name_of(row.level), live=row.state in LIVE,
        cover=coverage.cover(row.org), listed=row.org is None or coverage.is_listed(row.org, row.asker),
        history=list(db.session.scalars(audit.of_subject(row.subject))), mine=row.agent_id == me().person.id,
        others=_others(row), lost=bounces.came_back(row.subject, row.asker.email, row.received_at), **f.apart(**forms),
    ), status  # fmt: skip


def _others(row: SupportTicket) -> list[SupportTicket]:
    """Return the customer's other tickets that are not over, into which this one may be merged."""
    same = (
        SupportTicket.org_id == row.org_id
        if row.org_id is not None
        else (SupportTicket.org_id.is_(None) & (SupportTicket.asker_id == row.asker_id))
    )
    rows = select(SupportTicket).where(same, SupportTicket.id != row.id, SupportTicket.state.in_(LIVE))
    return list(db.session.scalars(rows.order_by(SupportTicket.id.desc()).limit(20)))


@support_office.get("/tickets/<uid>")
@allow(May.READ_TICKETS)
def ticket(uid: str) -> Any:
    """Show a ticket on one page."""
    return _page(access.any_ticket(uid))


@support_office.get("/tickets/<uid>/files/<file>")
@allow(May.READ_TICKETS)
def file(uid: str, file: str) -> Response:
    """Hand out a file of a ticket."""
    return core_files.send(attaching.one(access.any_ticket(uid), file, public=False))


@support_office.post("/tickets/<uid>/<any(taking, takeover, waking, spam, rescue):deed>")
@allow(May.ANSWER_TICKETS)
def step(uid: str, deed: str) -> BaseResponse:
    """Take a ticket, wake it, lay it aside as spam, or take that back."""
    row, by = access.any_ticket(uid), me().person
    with transaction():
        if deed in ("taking", "takeover"):
            answering.take(row, by=by, over=deed == "takeover")
        elif deed == "waking":
            answering.wake(row, by=by)
        elif deed == "spam":
            ending.call_spam(row, by=by)
        else:
            ending.not_spam(row, by=by)
    words = {
        "taking": _("The ticket is yours now."), "takeover": _("The ticket is yours now."), "waking": _("The ticket is in work again."),
        "spam": _("Laid aside as spam. One click takes it back."), "rescue": _("The ticket is in work again."),
    }  # fmt: skip
    return go(PAGE, words[deed], uid=uid)


@support_office.post("/tickets/<uid>/words")
@allow(May.ANSWER_TICKETS)
def say(uid: str) -> Any:
    """Say something in a ticket."""
    row, form = access.any_ticket(uid), f.Say()
    form.offer()
    if form.validate_on_submit():
        try:
            _said(row, form)
        except Refused as refusal:
            form.refused(refusal)
        else:
            note = form.deed.data == "note"
            return go(PAGE, _("Noted for staff.") if note else _("Sent to the customer."), uid=uid)
    return _page(access.any_ticket(uid), 422, say=form)


def _said(row: SupportTicket, form: f.Say) -> None:
    attached, by, body = attaching.take(request.files.getlist("files")), me().person, str(form.body.data)
    with transaction():
        if form.deed.data == "note":
            answering.note(row, by=by, body=body, files=attached)
        elif form.deed.data == "ask":
            answering.ask(row, by=by, body=body, files=attached)
        elif form.deed.data == "solve":
            answering.solve(row, by=by, body=body, cause=form.cause.data or "", files=attached)
        else:
            answering.answer(row, by=by, body=body, workaround=form.deed.data == "workaround", files=attached)


@support_office.post("/tickets/<uid>/hold")
@allow(May.ANSWER_TICKETS)
def hold(uid: str) -> Any:
    """Put a ticket on hold."""
    row, form = access.any_ticket(uid), f.Hold()
    if form.validate_on_submit() and form.until.data is not None:
        try:
            with transaction():
                answering.hold(
                    row, by=me().person, until=clock.start_of(form.until.data), reason=str(form.reason.data)
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("On hold. It wakes by itself on that day."), uid=uid)
    return _page(access.any_ticket(uid), 422, hold=form)


@support_office.post("/tickets/<uid>/severity")
@allow(May.ANSWER_TICKETS)
def judge(uid: str) -> Any:
    """Set the severity as staff."""
    row, form = access.any_ticket(uid), f.Judge()
    form.offer()
    if form.validate_on_submit():
        try:
            with transaction():
                asking.judge_severity(
                    row, Severity(form.severity.data), by=me().person, reason=str(form.reason.data)
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(
                PAGE, _("The severity is now: %(severity)s", severity=labels.label(row.severity)), uid=uid
            )
    return _page(access.any_ticket(uid), 422, judge=form)


@support_office.post("/tickets/<uid>/merging")
@allow(May.ANSWER_TICKETS)
def merge(uid: str) -> Any:
    """Let a ticket go on in another one."""
    row, form = access.any_ticket(uid), f.Merge()
    if form.validate_on_submit():
        try:
            other = _by_number(str(form.number.data))
            with transaction():
                ending.merge(row, other, by=me().person)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("%(ticket)s goes on here.", ticket=row.number), uid=other.uid)
    return _page(access.any_ticket(uid), 422, merge=form)


def _by_number(text: str) -> SupportTicket:
    digits = folded(text).removeprefix("t-")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else 0
    row = db.session.get(SupportTicket, number)
    if row is None:
        raise Missing(_("There is no ticket with this number."), field="number")
    return row


@support_office.post("/tickets/<uid>/rejection")
@allow(May.ANSWER_TICKETS)
def reject(uid: str) -> Any:
    """Say that support does not do this, and where it is done."""
    row, form = access.any_ticket(uid), f.Reject()
    if form.validate_on_submit():
        try:
            with transaction():
                ending.reject(
                    row, by=me().person, reason=str(form.reason.data), pointer=form.pointer.data or ""
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("Not taken on. The customer has mail."), uid=uid)
    return _page(access.any_ticket(uid), 422, reject=form)


@support_office.post("/tickets/<uid>/agent")
@allow(May.LEAD_SUPPORT)
def give(uid: str) -> Any:
    """Give a ticket to an agent."""
    row, form = access.any_ticket(uid), f.Give()
    known = form.offer(duty.agents())
    if form.validate_on_submit():
        try:
            with transaction():
                answering.give(row, known[form.agent.data], by=me().person, reason=str(form.reason.data))
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("%(who)s has the ticket now.", who=known[form.agent.data].name), uid=uid)
    return _page(access.any_ticket(uid), 422, give=form)


@support_office.post("/tickets/<uid>/messages/<message>/blackout")
@allow(May.ANSWER_TICKETS)
def black_out(uid: str, message: str) -> Any:
    """Black out a secret in a message."""
    row, form = access.any_ticket(uid), f.BlackOut()
    if form.validate_on_submit():
        try:
            with transaction():
                answering.black_out(
                    row, message, str(form.secret.data), by=me().person, reason=str(form.reason.data)
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("Blacked out. Its hash stays on record."), uid=uid)
    return _page(access.any_ticket(uid), 422, black=form)
