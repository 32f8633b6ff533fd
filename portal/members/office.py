"""The office: a case as one page, and the steps taken from it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May, StaffRole
from portal.accounts.words import role
from portal.core import catalogue, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.web import go
from portal.members import (
    agreements,
    benefit_changes,
    drafting,
    names,
    review,
    showing,
    stories,
    tasks,
    tier_quotes,
    wall,
)
from portal.members import forms as f
from portal.members.access import office_application
from portal.members.belonging import AgreementState
from portal.members.models import Application, ApplicationState, Kind, Pair, PairAnswer

cases = Blueprint("cases", __name__, url_prefix="/office/applications")
S = ApplicationState
VOICES = (StaffRole.LEGAL, StaffRole.FINANCE, StaffRole.COMMITTEE)


_UNTAKEN = select(func.count(Application.id)).where(Application.state == S.SUBMITTED)


def count_waiting() -> Any:
    """Select how many applications nobody has taken."""
    return _UNTAKEN


def _role(reader: Reader) -> StaffRole | None:
    return next((role for role in VOICES if role in reader.staff), None)


@cases.get("/<uid>")
@allow(May.READ_MEMBERS)
def case(uid: str) -> str:
    """Show the whole case: facts, papers, voices, money, agreement and story, with the next step on top."""
    return _page(office_application(uid), _fault_form())


def _fault_form() -> f.ScanFault:
    form = f.ScanFault()
    form.reason.choices = options(agreements.SCAN_FAULTS.items())
    return form


def _page(row: Application, fault: f.ScanFault) -> str:
    reader, agreement = me(), agreements.of_application(row)
    reject = f.Reject()
    reject.code.choices = options(
        (code, catalogue.in_words(body["name"])) for code, body in catalogue.entries("rejection").items()
    )
    return render_template(
        "office/case.html",
        application=row,
        agreement=agreement,
        pages=showing.pages_of(row),
        changes=showing.changes(row),
        questions=showing.questions(row),
        voices=review.voices(row),
        pairs=names.open_pairs(row.org),
        answers=list(PairAnswer),
        missing=review.missing_for_decision(row) if row.state is S.IN_REVIEW else [],
        conflict=review.conflict_of(reader.person, row),
        days=showing.working_days_used(row),
        promise=tasks.promise(),
        history=stories.of_case(row, agreement, reader),
        same=showing.same,
        role_name=role,
        may=showing.buttons(row, agreement, reader),
        steps=showing.steps(row, agreement, reader),
        tier_quote=tier_quotes.last_quote(row), tier_name=wall.tier_name,
        role=_role(reader), waiver=review.waiver_of(row),
        early=benefit_changes.leave_of(row) if row.state is S.APPROVED else None,
        voice=f.Voice(), approve=f.Approve(), reject=reject, reason=f.Reason(), fault=fault,
        me=reader.person,
    )  # fmt: skip


def _done(uid: str, words: str) -> BaseResponse:
    return go("cases.case", words, uid=uid)


@cases.post("/<uid>/ownership")
@allow(May.REVIEW)
def take(uid: str) -> BaseResponse:
    """Take the case."""
    row = office_application(uid)
    with transaction():
        review.take(row, by=me().person)
    return _done(uid, _("The case is yours."))


@cases.post("/<uid>/questions")
@allow(May.REVIEW)
def ask(uid: str) -> BaseResponse:
    """Return the application with questions."""
    row = office_application(uid)
    given = {
        name.removeprefix("ask-"): text[:2000]
        for name, text in request.form.items()
        if name.startswith("ask-")
    }
    known = {field["field"].code for page in showing.pages_of(row) for field in page["facts"]}
    with transaction():
        review.ask(row, {field: text for field, text in given.items() if field in known}, by=me().person)
    return _done(uid, _("The questions are on their way."))


@cases.post("/<uid>/recommendations")
@allow(May.RECOMMEND)
def recommend(uid: str) -> BaseResponse:
    """Give one's voice."""
    row, reader, given = office_application(uid), me(), f.Voice()
    voice = _role(reader)
    if voice is None or not given.validate_on_submit():
        raise Refused(_("Please say whether you are in favour, and why."), status=422)
    with transaction():
        review.recommend(
            row,
            by=reader.person,
            role=voice,
            in_favour=given.in_favour.data == "yes",
            reason=given.reason.data,
        )
    return _done(uid, _("Your recommendation is recorded."))


@cases.post("/<uid>/conflicts")
@allow(May.REVIEW, May.RECOMMEND, May.DECIDE)
def declare(uid: str) -> BaseResponse:
    """Step out of the case."""
    row, given = office_application(uid), f.Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        review.declare_conflict(row, by=me().person, reason=given.reason.data)
    return _done(uid, _("You are out of this case."))


@cases.post("/<uid>/approval")
@allow(May.DECIDE, May.REVIEW)
def approve(uid: str) -> BaseResponse:
    """Approve the application."""
    row, given = office_application(uid), f.Approve()
    given.validate_on_submit()
    with transaction():
        review.approve(row, by=me().person, founding=bool(given.founding.data))
    if row.kind is Kind.TIER_CHANGE:
        return _done(uid, _("Approved. The member looks at the figures and confirms them."))
    return _done(uid, _("Approved. Agreement and invoice are made."))


@cases.post("/<uid>/waiver")
@allow(May.REVIEW)
def waive(uid: str) -> BaseResponse:
    """Propose to waive the first year's dues."""
    row, given = office_application(uid), f.Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        review.propose_waiver(row, by=me().person, reason=given.reason.data)
    return _done(uid, _("Proposed. Whoever decides the case confirms it or not."))


@cases.post("/<uid>/rejection")
@allow(May.DECIDE, May.REVIEW)
def reject(uid: str) -> BaseResponse:
    """Reject the application."""
    row, given = office_application(uid), f.Reject()
    given.code.choices = options((code, code) for code in catalogue.entries("rejection"))
    if not given.validate_on_submit():
        raise Refused(_("Please choose a reason and write it in both languages."), status=422)
    words = {"zh": given.reason_zh.data, "en": given.reason_en.data}
    with transaction():
        review.reject(row, by=me().person, code=given.code.data, reason=words)
    return _done(uid, _("Rejected. The applicant knows the reason and how to appeal."))


@cases.post("/<uid>/appeal-hearing")
@allow(May.DECIDE_APPEALS)
def hear(uid: str) -> BaseResponse:
    """Reopen an appealed case for other people."""
    row = office_application(uid)
    with transaction():
        review.hear_appeal(row, by=me().person)
    return _done(uid, _("The case is open again, for people who had no part in the first decision."))


@cases.post("/<uid>/pairs/<int:number>")
@allow(May.REVIEW)
def answer_pair(uid: str, number: int) -> BaseResponse:
    """Say what a similar organisation is."""
    row = office_application(uid)
    pair = next((pair for pair in names.open_pairs(row.org) if pair.id == number), None)
    answer = request.form.get("answer", "")
    if pair is None or answer not in {one.value for one in PairAnswer}:
        raise Missing(_("There is no such pair."))
    with transaction():
        review.answer_pair(db.session.get_one(Pair, number), PairAnswer(answer), by=me().person)
    return _done(uid, _("The answer is recorded."))


@cases.get("/<uid>/files/<file_uid>")
@allow(May.REVIEW, May.RECOMMEND, May.DECIDE, May.DECIDE_APPEALS)
def file(uid: str, file_uid: str) -> Response:
    """Hand out a paper of the case."""
    row = office_application(uid)
    found = next((up.file for up in drafting.uploads(row).values() if up.file.uid == file_uid), None)
    if found is None:
        raise Missing(_("There is no such file."))
    return files.send(found, inline=True)


@cases.get("/<uid>/agreement/<kind>")
@allow(May.READ_MEMBERS)
def agreement_pdf(uid: str, kind: str) -> Response:
    """Hand out the agreement: `document`, `scan` or `final`."""
    agreement = agreements.of_application(office_application(uid))
    found = {"document": "document", "scan": "scan", "final": "final"}.get(kind)
    stored = getattr(agreement, found) if agreement is not None and found else None
    if stored is None:
        raise Missing(_("There is no such file."))
    return files.send(stored, inline=True)


@cases.post("/<uid>/agreement/scan-return")
@allow(May.PREPARE_AGREEMENTS)
def return_scan(uid: str) -> Any:
    """Send the scan back with a reason of the list."""
    row, form = office_application(uid), _fault_form()
    agreement = agreements.of_application(row)
    if agreement is None:
        raise Missing(_("There is no such agreement, or it is not yours."))
    if form.validate_on_submit():
        try:
            with transaction():
                agreements.return_scan(
                    agreement, by=me().person, reason=form.reason.data, text=form.text.data or ""
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return _done(uid, _("The scan is returned; the signatory knows why."))
    return _page(office_application(uid), form), 422


@cases.post("/<uid>/agreement/<step>")
@allow(May.PREPARE_AGREEMENTS, May.COUNTERSIGN)
def agreement_step(uid: str, step: str) -> BaseResponse:
    """Take a step of the agreement: sending, scan-check, countersignature, voiding."""
    reader = me()
    agreement = agreements.of_application(office_application(uid))
    if agreement is None or step not in showing.STEPS:
        raise Missing(_("There is no such agreement, or it is not yours."))
    if not reader.staff_may(showing.STEPS[step]):
        raise Refused(_("This step belongs to somebody else."), status=403)
    with transaction():
        if step == "sending":
            agreements.send(agreement, by=reader.person)
        elif step == "scan-check":
            agreements.check_scan(agreement, by=reader.person)
        elif step == "countersignature":
            agreements.countersign(agreement, by=reader.person)
        elif agreement.state is not AgreementState.EXECUTED:
            agreements.void(agreement, by=reader.person, reason=request.form.get("reason", "")[:300])
    return _done(uid, _("Done."))
