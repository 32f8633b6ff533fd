"""The customer's page of an engagement: what was promised, what is done, what comes next, and what it asks of him."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import contacts
from portal.accounts.access import allow, me
from portal.accounts.may import ContactRole, May
from portal.accounts.people import Person
from portal.core import audit, files
from portal.core.db import transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.web import go
from portal.members import uploads
from portal.services.engagements import delivering, leading, seen, showing, terminating, working
from portal.services.engagements import forms as f
from portal.services.engagements.doors import engagements
from portal.services.engagements.models import Engagement, Side
from portal.services.engagements.work_models import NoteKind
from portal.services.support.forms import apart

PAGE = "engagements.engagement"


def _people(row: Engagement) -> list[Person]:
    return contacts.holders(row.org, *ContactRole)


def _page(row: Engagement, status: int = 200, **given: Any) -> Any:
    g.nav, reader = "quotes.services", me()
    acceptors = given.get("acceptors") or f.Acceptors(
        formdata=None, acceptor=row.acceptor.uid if row.acceptor else "", deputy=row.deputy.uid if row.deputy else ""
    )  # fmt: skip
    acceptors.offer(_people(row))
    note, pause = given.get("note") or f.Question(formdata=None), given.get("pause") or f.Pause(formdata=None)
    note.offer()
    pause.offer()
    priced = reader.may(May.ORDER_SERVICES, row.org_id)
    return render_template(
        "services/engagement.html", row=row, steps=showing.steps(row, customer=True), percent=showing.percent(row),
        next_day=showing.next_day(row), waits=leading.missing(row), notes=working.notes(row), priced=priced,
        money=showing.money(row) if priced else None, decides=leading.may_decide(row, reader.person),
        accepts=delivering.may_accept(row, reader.person), team=leading.team(row),
        said=given.get("said", ""), findings=given.get("findings", {}),
        **apart(acceptors=acceptors, note=note, pause=pause, why=given.get("why") or f.Why(formdata=None)),
    ), status  # fmt: skip


@engagements.get("/<uid>")
@allow(May.SEE_SERVICES)
def engagement(uid: str) -> Any:
    """Show an engagement as both sides see it."""
    return _page(seen.own_engagement(uid))


def _decides(uid: str) -> Engagement:
    row = seen.own_engagement(uid)
    if not leading.may_decide(row, me().person):
        raise Forbidden(_("An owner or a signatory of your organisation does this."))
    return row


@engagements.post("/<uid>/acceptors")
@allow(May.ACCEPT_WORK)
def name_acceptors(uid: str) -> Any:
    """Name who accepts the work."""
    row, form = _decides(uid), f.Acceptors()
    people = form.offer(_people(row))
    refused = form.carry_out(
        lambda: leading.name_acceptors(
            row, people[form.acceptor.data], people.get(form.deputy.data or ""), by=me().person
        )
    )
    return (
        _page(seen.own_engagement(uid), refused, acceptors=form)
        if refused
        else go(PAGE, _("Saved."), uid=uid)
    )


@engagements.post("/<uid>/milestones/<milestone>/acceptance")
@allow(May.ACCEPT_WORK, fresh=True)
def accept(uid: str, milestone: str) -> BaseResponse:
    """Accept a milestone by a click, or with the scan of a chopped protocol."""
    row = seen.own_engagement(uid)
    of, given = seen.milestone_of(row, milestone), request.files.get("scan")
    taken = uploads.check(given) if given is not None and given.filename else None
    content = files.put(taken.data, taken.media_type) if taken is not None else None
    with transaction():
        scan = None
        if content is not None and taken is not None:
            scan = files.StoredFile(
                sha256=content.sha256, name=taken.name, media_type=content.media_type, size=content.size,
                purpose="acceptance", org_id=row.org_id,
            )  # fmt: skip
        delivering.accept(of, by=me().person, scan=scan)
    return go(PAGE, _("Accepted. The protocol follows in a minute."), uid=uid)


@engagements.post("/<uid>/milestones/<milestone>/refusal")
@allow(May.ACCEPT_WORK)
def reject(uid: str, milestone: str) -> Any:
    """Give a milestone back with what is missing."""
    row = seen.own_engagement(uid)
    of = seen.milestone_of(row, milestone)
    findings = f.per_criterion(of, request.form)
    try:
        with transaction():
            delivering.reject(of, findings, by=me().person)
    except Refused as refusal:
        if refusal.status != 422:
            raise
        return _page(seen.own_engagement(uid), 422, said=str(refusal), findings=findings)
    return go(PAGE, _("Given back. The lead reads what is missing and hands it in again."), uid=uid)


@engagements.get("/<uid>/deliverables/<file>/file")
@allow(May.SEE_SERVICES)
def file(uid: str, file: str) -> Response:
    """Hand out a file; each opening is written down."""
    row = seen.own_engagement(uid)
    found = seen.file_of(row, file, customer=True)
    audit.trace("engagement.file_opened", row.subject, by=me().person, org_id=row.org_id, file=found.name, version=found.version)  # fmt: skip
    return files.send(found.file)


@engagements.get("/<uid>/protocols/<submission>")
@allow(May.SEE_SERVICES)
def protocol(uid: str, submission: str) -> Response:
    """Hand out the protocol of an acceptance."""
    found = seen.submission_of(seen.own_engagement(uid), submission)
    if found.protocol is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(found.protocol, inline=True)


@engagements.post("/<uid>/notes")
@allow(May.SEE_SERVICES)
def write_note(uid: str) -> Any:
    """Ask a question, or name a risk."""
    row, form = seen.own_engagement(uid), f.Question()
    form.offer()
    refused = form.carry_out(
        lambda: working.note(row, NoteKind(form.kind.data), str(form.words.data), by=me().person)
    )
    return (
        _page(seen.own_engagement(uid), refused, note=form)
        if refused
        else go(PAGE, _("Written down."), uid=uid)
    )


@engagements.post("/<uid>/notes/<note>/answer")
@allow(May.SEE_SERVICES)
def answer(uid: str, note: str) -> BaseResponse:
    """Answer a question to the customer."""
    row, form = seen.own_engagement(uid), f.Answer()
    found = seen.note_of(row, note)
    if not form.validate_on_submit():
        raise Refused(_("Please write the answer."), status=422)
    with transaction():
        working.settle(found, str(form.answer.data), by=me().person)
    return go(PAGE, _("Answered."), uid=uid)


@engagements.post("/<uid>/pause")
@allow(May.ACCEPT_WORK)
def pause(uid: str) -> Any:
    """Let the work wait."""
    row, form = _decides(uid), f.Pause()
    form.offer()
    refused = form.carry_out(
        lambda: leading.pause(row, by=me().person, reason=str(form.reason.data), side=Side(form.side.data))
    )
    return (
        _page(seen.own_engagement(uid), refused, pause=form)
        if refused
        else go(PAGE, _("The project waits."), uid=uid)
    )


@engagements.post("/<uid>/continuation")
@allow(May.ACCEPT_WORK)
def resume(uid: str) -> BaseResponse:
    """Go on."""
    row = _decides(uid)
    with transaction():
        days = leading.resume(row, by=me().person)
    return go(PAGE, _("It goes on; planned days moved by %(days)s working days.", days=days), uid=uid)


@engagements.post("/<uid>/team/<member>/consent")
@allow(May.ACCEPT_WORK)
def consent(uid: str, member: str) -> BaseResponse:
    """Let a walled person in, as the customer."""
    row = _decides(uid)
    found = seen.member_of(row, member)
    with transaction():
        leading.consent(found, Side.CUSTOMER, by=me().person)
    return go(PAGE, _("You consented. It takes ours as well."), uid=uid)


@engagements.post("/<uid>/ending")
@allow(May.SIGN)
def propose_end(uid: str) -> Any:
    """Ask to end the project, as the signatory."""
    row, form = seen.own_engagement(uid), f.Why()
    refused = form.carry_out(lambda: terminating.propose(row, by=me().person, reason=str(form.reason.data)))
    return (
        _page(seen.own_engagement(uid), refused, why=form)
        if refused
        else go(PAGE, _("We look at it and write to you."), uid=uid)
    )
