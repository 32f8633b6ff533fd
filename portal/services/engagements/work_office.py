"""What the team does on the page of an engagement: milestones, files, days, notes."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.services.engagements import delivering, seen, working
from portal.services.engagements import forms as f
from portal.services.engagements.doors import engagement_office
from portal.services.engagements.office import PAGE, done, page
from portal.services.engagements.work_models import NoteKind, Severity
from portal.services.support import attaching


@engagement_office.post("/<uid>/milestones/<milestone>/beginning")
@allow(May.DO_WORK)
def begin(uid: str, milestone: str) -> BaseResponse:
    """Begin the work on a milestone."""
    return done(
        uid,
        lambda row: delivering.begin(seen.milestone_of(row, milestone), by=me().person),
        _("The milestone is in work."),
    )


@engagement_office.post("/<uid>/milestones/<milestone>/files")
@allow(May.DO_WORK)
def hand_over(uid: str, milestone: str) -> Any:
    """Add files to a milestone."""
    row = seen.any_engagement(uid)
    of = seen.milestone_of(row, milestone)
    attached = attaching.take(request.files.getlist("files"))
    if not attached:
        raise Refused(_("Please choose a file."), status=422)
    with transaction():
        for one in attached:
            delivering.hand_over(of, one.content, one.name, by=me().person)
    return go(PAGE, _("The files are there."), uid=uid)


@engagement_office.post("/<uid>/milestones/<milestone>/submission")
@allow(May.DO_WORK)
def submit(uid: str, milestone: str) -> Any:
    """Hand a milestone in."""
    row = seen.any_engagement(uid)
    of = seen.milestone_of(row, milestone)
    try:
        with transaction():
            delivering.submit(of, f.per_criterion(of, request.form), by=me().person)
    except Refused as refusal:
        if refusal.status != 422:
            raise
        return page(seen.any_engagement(uid), 422, said=str(refusal))
    return go(PAGE, _("Handed in. The customer has mail."), uid=uid)


@engagement_office.post("/<uid>/submissions/<submission>/bounce")
@allow(May.DO_WORK)
def bounce(uid: str, submission: str) -> BaseResponse:
    """Note that a mail about a submission came back."""
    return done(
        uid, lambda row: delivering.note_bounce(seen.submission_of(row, submission), by=me().person),
        _("Noted: nothing is deemed accepted now. Please call the customer."),
    )  # fmt: skip


@engagement_office.get("/<uid>/deliverables/<file>/file")
@allow(May.READ_SERVICES)
def file(uid: str, file: str) -> Response:
    """Hand out a file to the team; each opening is written down."""
    row = seen.any_engagement(uid)
    if not seen.may_open_files(me(), row):
        raise Missing(_("There is no such file."))
    found = seen.file_of(row, file, customer=False)
    audit.trace("engagement.file_opened", row.subject, by=me().person, org_id=row.org_id, file=found.name, version=found.version)  # fmt: skip
    return files.send(found.file)


@engagement_office.get("/<uid>/protocols/<submission>")
@allow(May.READ_SERVICES)
def protocol(uid: str, submission: str) -> Response:
    """Hand out the protocol of an acceptance."""
    found = seen.submission_of(seen.any_engagement(uid), submission)
    if found.protocol is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(found.protocol, inline=True)


@engagement_office.post("/<uid>/log")
@allow(May.DO_WORK)
def log_work(uid: str) -> Any:
    """Write down what one worked on a milestone."""
    row, form = seen.any_engagement(uid), f.Log()
    of = seen.milestone_of(row, request.form.get("milestone", "")[:32])
    refused = form.carry_out(
        lambda: working.log(
            of, by=me().person, day=form.day.data, hundredths=form.hundredths, words=str(form.words.data)
        )
    )
    return (
        page(seen.any_engagement(uid), refused, log=form)
        if refused
        else go(PAGE, _("Written down."), uid=uid)
    )


@engagement_office.post("/<uid>/log/<entry>/removal")
@allow(May.DO_WORK)
def take_back_work(uid: str, entry: str) -> BaseResponse:
    """Take one's own entry back."""
    return done(
        uid, lambda row: working.take_back(seen.entry_of(row, entry), by=me().person), _("Taken back.")
    )


@engagement_office.post("/<uid>/notes")
@allow(May.DO_WORK)
def write_note(uid: str) -> Any:
    """Write a question, risk, finding or free change."""
    row, form = seen.any_engagement(uid), f.Note()
    form.offer()
    refused = form.carry_out(
        lambda: working.note(
            row, NoteKind(form.kind.data), str(form.words.data), by=me().person,
            severity=Severity(form.severity.data or "none"), owner=form.owner.data or "", due_on=form.due_on.data,
        )
    )  # fmt: skip
    return (
        page(seen.any_engagement(uid), refused, note=form)
        if refused
        else go(PAGE, _("Written down."), uid=uid)
    )


@engagement_office.post("/<uid>/notes/<note>/answer")
@allow(May.DO_WORK)
def answer(uid: str, note: str) -> BaseResponse:
    """Settle a note with an answer."""
    form = f.Answer()
    if not form.validate_on_submit():
        raise Refused(_("Please write the answer."), status=422)
    return done(
        uid,
        lambda row: working.settle(seen.note_of(row, note), str(form.answer.data), by=me().person),
        _("Settled."),
    )
