"""The office's rarer steps: begin for somebody, papers of the house, second checks, reopening, closing, readdressing."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import contacts, groups
from portal.accounts.access import allow, me
from portal.accounts.may import ContactRole, May
from portal.core import catalogue, files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.web import go
from portal.members import agreements, closing, drafting, form, names, quorum, uploads
from portal.members import forms as f
from portal.members.access import office_application
from portal.members.belonging import Agreement
from portal.members.models import Application, PairAnswer
from portal.members.office import cases


def _done(uid: str, words: str) -> BaseResponse:
    return go("cases.case", words, uid=uid)


def _reason() -> str:
    given = f.Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    return str(given.reason.data)


def _file(name: str) -> tuple[files.Content, str]:
    """Return an uploaded file of the form, checked and laid in the store."""
    given = request.files.get(name)
    if given is None or not given.filename:
        raise Refused(_("Please choose a file."), status=422)
    checked = uploads.check(given)
    return files.put(checked.data, checked.media_type), checked.name


def _agreement(row: Application) -> Agreement:
    found = agreements.of_application(row)
    if found is None:
        raise Missing(_("There is no such agreement, or it is not yours."))
    return found


@cases.route("/new", methods=["GET", "POST"])
@allow(May.REVIEW)
def begin_for() -> Any:
    """Begin an application on behalf of an organisation; its owner-to-be is invited."""
    given = f.BeginFor()
    given.tier.choices = options(
        (code, catalogue.in_words(body["name"]))
        for code, body in catalogue.entries("tier").items()
        if form.fits(code)
    )
    if request.method == "GET":
        given.language.data = str(get_locale())
    elif given.validate_on_submit():
        with transaction():
            drafting.start_for(
                given.email.data, given.name.data, org_name=given.organisation.data, tier=given.tier.data,
                language=given.language.data, by=me().person,
            )  # fmt: skip
        return go("cases.queue", _("The draft is made, and %(email)s is invited.", email=given.email.data))
    return render_template("office/begin_for.html", form=given), 422 if given.errors else 200


@cases.post("/<uid>/reopening")
@allow(May.REVIEW)
def reopen(uid: str) -> BaseResponse:
    """Reopen an expired application, once."""
    row = office_application(uid)
    with transaction():
        closing.reopen(row, by=me().person)
    return _done(uid, _("Open again. The applicant is told."))


@cases.post("/<uid>/closing")
@allow(May.REVIEW)
def propose_close(uid: str) -> BaseResponse:
    """Propose to close an approved application."""
    row, reason = office_application(uid), _reason()
    with transaction():
        closing.propose_close(row, by=me().person, reason=reason)
    return _done(uid, _("Proposed. A director confirms."))


@cases.post("/<uid>/closing/confirmation")
@allow(May.DECIDE)
def confirm_close(uid: str) -> BaseResponse:
    """Close an application that a reviewer proposed to close."""
    row = office_application(uid)
    with transaction():
        closing.confirm_close(row, by=me().person)
    return _done(uid, _("Closed. Invoice and agreement are void; money received is the applicant's credit."))


@cases.post("/<uid>/closing/refusal")
@allow(May.DECIDE)
def keep_open(uid: str) -> BaseResponse:
    """Keep an application open that a reviewer proposed to close."""
    row = office_application(uid)
    with transaction():
        closing.keep_open(row, by=me().person)
    return _done(uid, _("The application stays open."))


@cases.post("/<uid>/minute")
@allow(May.REVIEW, May.DECIDE_APPEALS)
def minute(uid: str) -> BaseResponse:
    """Attach the minute of the board."""
    row = office_application(uid)
    content, name = _file("minute")
    with transaction():
        quorum.attach_minute(row, content, name, by=me().person)
    return _done(uid, _("The minute is attached."))


@cases.get("/<uid>/papers/<file_uid>")
@allow(May.REVIEW, May.RECOMMEND, May.DECIDE, May.DECIDE_APPEALS)
def paper(uid: str, file_uid: str) -> Response:
    """Hand out a paper that staff attached."""
    papers = quorum.papers_of(office_application(uid))
    found = next((one.file for one in papers if one.file.uid == file_uid), None)
    if found is None:
        raise Missing(_("There is no such file."))
    return files.send(found, inline=True)


@cases.post("/<uid>/papers-check")
@allow(May.REVIEW)
def check_papers(uid: str) -> BaseResponse:
    """Say, as a second reviewer, that the papers are right."""
    row = office_application(uid)
    with transaction():
        quorum.check_papers(row, by=me().person)
    return _done(uid, _("The second check is recorded."))


@cases.post("/<uid>/pairs/<int:number>/share")
@allow(May.REVIEW)
def share(uid: str, number: int) -> BaseResponse:
    """Write down which of two related organisations owns how much of the other."""
    row = office_application(uid)
    pair = next((one for one in names.open_pairs(row.org) if one.id == number), None)
    if pair is None or pair.answer is not PairAnswer.RELATED:
        raise Missing(_("There is no such pair."))
    given = f.Share()
    if not given.validate_on_submit():
        raise Refused(_("Please give the share in percent and where you know it from."), status=422)
    one, other = pair.org, pair.other
    owner, owned = (one, other) if given.owner.data == one.uid else (other, one)
    with transaction():
        groups.record(owner, owned, given.percent.data, evidence=given.evidence.data, by=me().person)
    return _done(uid, _("The share is recorded."))


@cases.post("/<uid>/agreement/draft")
@allow(May.PREPARE_AGREEMENTS)
def draft_again(uid: str) -> BaseResponse:
    """Draft a new agreement after the last one was voided."""
    row = office_application(uid)
    with transaction():
        agreements.draft_again(row, by=me().person)
    return _done(uid, _("A new agreement is being made."))


@cases.post("/<uid>/agreement/address")
@allow(May.PREPARE_AGREEMENTS)
def readdress(uid: str) -> BaseResponse:
    """Ask another signatory to sign."""
    row = office_application(uid)
    signers = contacts.holders(row.org, ContactRole.SIGNATORY)
    to = next((person for person in signers if person.uid == request.form.get("signatory")), None)
    if to is None:
        raise Refused(_("Please choose a signatory who has accepted that role."), status=422)
    with transaction():
        agreements.readdress(_agreement(row), to=to, by=me().person)
    return _done(uid, _("%(name)s is asked to sign.", name=to.name))


@cases.post("/<uid>/agreement/paper-scan")
@allow(May.PREPARE_AGREEMENTS)
def bring_scan(uid: str) -> BaseResponse:
    """Hand in the scan of a chopped agreement that came on paper."""
    row = office_application(uid)
    content, name = _file("scan")
    with transaction():
        agreements.bring_scan(
            _agreement(row), content, name, by=me().person, signed_name=request.form.get("signed_name", "")
        )
    return _done(uid, _("The scan is kept. A colleague compares it."))
