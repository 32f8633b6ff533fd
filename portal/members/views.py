"""The road in as the applicant sees it: form page by page, check page, questions, agreement."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me, signed_in, who
from portal.accounts.may import May
from portal.accounts.people_views import acting_for
from portal.billing.issuing import owed
from portal.core import audit, catalogue, files
from portal.core.audit import AuditEntry
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go, public
from portal.members import agreements, drafting, form, showing, uploads
from portal.members.access import own_agreement, own_application
from portal.members.belonging import AgreementState
from portal.members.forms import Appeal, SignForm
from portal.members.models import Application, ApplicationState

apply = Blueprint("apply", __name__)
S = ApplicationState


@apply.get("/apply")
@public
def begin() -> Any:
    """Say what it takes to apply, and lead on."""
    reader = who()
    mine = []
    if reader is not None:
        mine = list(
            db.session.scalars(
                select(Application)
                .where(Application.org_id.in_(reader.orgs(May.SEE_ORG)))
                .order_by(Application.id.desc())
            )
        )
    return render_template(
        "apply/begin.html", reader=reader, mine=mine, tier=request.args.get("tier", ""),
        org=acting_for(reader) if reader else None, tiers=catalogue.entries("tier"),
    )  # fmt: skip


@apply.post("/apply")
@signed_in
def start() -> BaseResponse:
    """Begin an application, or find the live one."""
    reader = me()
    fresh = request.form.get("organisation") == "new"
    org = None if fresh else acting_for(reader)
    if org is not None and org.id not in reader.orgs(May.APPLY):
        raise Missing(_("You do not act for an organisation in a role that may do this."))
    tier = request.form.get("tier", "")
    with transaction():
        row = drafting.start(
            org,
            by=reader.person,
            tier=tier if tier in catalogue.entries("tier") else "",
            language=str(get_locale()),
        )
    return go("apply.page", uid=row.uid, page=next(iter(form.pages(row.catalogue_day))))


@apply.get("/applications/<uid>")
@allow(May.SEE_ORG)
def case(uid: str) -> Any:
    """Show one application: what happens next, the answers, the agreement, the story."""
    row = own_application(uid)
    if row.state is S.DRAFT:
        return go("apply.check", uid=uid)
    agreement = agreements.of_application(row)
    return render_template(
        "apply/case.html",
        application=row,
        questions=drafting.open_comments(row) if row.state is S.INFO_REQUESTED else [],
        pages=showing.pages_of(row),
        agreement=agreement if agreement and agreement.sent_at else None,
        owed=owed(row.invoice) if row.invoice else None,
        history=db.session.scalars(
            audit.of_subject(row.subject, *([agreement.subject] if agreement else [])).where(
                AuditEntry.verb.not_in(showing.INTERNAL)
            )
        ).all(),
        appeal_until=drafting.appeal_until(row),
        appeal=Appeal(),
        reader=me(),
    )


@apply.route("/applications/<uid>/form/<page>", methods=["GET", "POST"])
@allow(May.APPLY)
def page(uid: str, page: str) -> Any:
    """Show one page of the form; keep what was typed whatever happens, then lead on if it is right."""
    row = own_application(uid, May.APPLY)
    pages = form.pages(row.catalogue_day)
    if page not in pages:
        abort(404)
    open_fields = drafting.editable(row)
    if open_fields == set():
        raise Refused(_("This application cannot be changed now."))
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = _save(row, page)
        if not problems and request.form.get("go") != "stay":
            names = list(pages)
            at = names.index(page)
            onward = names[at + 1] if at + 1 < len(names) and row.state is S.DRAFT else None
            target = (
                url_for("apply.page", uid=uid, page=onward) if onward else url_for("apply.check", uid=uid)
            )
            return redirect(target, code=303)
    asked = {comment.field: comment.text for comment in drafting.open_comments(row)}
    shown = [f for f in form.fields(row.catalogue_day) if f.page == page and f.asked(row.answers)]
    return render_template(
        "apply/form.html", application=row, pages=pages, page=page, fields=shown, problems=problems,
        uploads=drafting.uploads(row), open_fields=open_fields, asked=asked if row.state is S.INFO_REQUESTED else {},
    ), 422 if problems else 200  # fmt: skip


def _save(row: Application, page: str) -> dict[str, str]:
    """Keep the page's answers and files; return what is wrong with them."""
    shown = [f for f in form.fields(row.catalogue_day) if f.page == page]
    taken: list[tuple[str, files.Content, str]] = []
    problems: dict[str, str] = {}
    for field in shown:
        given = request.files.get(field.code)
        if field.kind == form.FILE and given is not None and given.filename:
            try:
                checked = uploads.check(given)
                taken.append((field.code, files.put(checked.data, checked.media_type), checked.name))
            except Refused as refusal:
                problems[field.code] = str(refusal)
    typed = {f.code: request.form.get(f.code, "") for f in shown if f.kind != form.FILE}
    with transaction():
        drafting.save(row, typed, by=me().person)
        for code, content, name in taken:
            drafting.attach(row, code, content, name, by=me().person)
    present = set(drafting.uploads(row))
    return {**form.check(row.answers, present, row.catalogue_day, page=page), **problems}


@apply.get("/applications/<uid>/check")
@allow(May.APPLY)
def check(uid: str) -> Any:
    """Show every answer before it is sent, with a link to change each."""
    row = own_application(uid, May.APPLY)
    if row.state not in {S.DRAFT, S.INFO_REQUESTED}:
        return go("apply.case", uid=uid)
    return render_template(
        "apply/check.html", application=row, pages=showing.pages_of(row), open_fields=drafting.editable(row)
    )


@apply.post("/applications/<uid>/submission")
@allow(May.SUBMIT)
def submit(uid: str) -> BaseResponse:
    """Send the application, or the answers to the questions."""
    row = own_application(uid, May.SUBMIT)
    with transaction():
        if row.state is S.INFO_REQUESTED:
            drafting.resubmit(row, by=me().person)
        else:
            drafting.submit(row, by=me().person)
    return go("apply.case", _("Sent. We have written to you what happens next."), uid=uid)


@apply.post("/applications/<uid>/withdrawal")
@allow(May.APPLY)
def withdraw(uid: str) -> BaseResponse:
    """Take the application back."""
    row = own_application(uid, May.APPLY)
    with transaction():
        drafting.withdraw(row, by=me().person)
    return go("member.home", _("The application is withdrawn."))


@apply.post("/applications/<uid>/appeal")
@allow(May.SIGN, May.SUBMIT)
def appeal(uid: str) -> BaseResponse:
    """Ask to have a rejection looked at anew."""
    row = own_application(uid)
    given = Appeal()
    if not given.validate_on_submit():
        raise Refused(_("Please say why you think the decision is wrong."), status=422)
    with transaction():
        drafting.appeal(row, by=me().person, reason=given.reason.data)
    return go("apply.case", _("Your appeal is on its way to the secretary of the board."), uid=uid)


@apply.get("/applications/<uid>/files/<file_uid>")
@allow(May.SEE_ORG)
def file(uid: str, file_uid: str) -> Response:
    """Hand out a file of one's own application."""
    row = own_application(uid)
    found = next((up.file for up in drafting.uploads(row).values() if up.file.uid == file_uid), None)
    if found is None:
        raise Missing(_("There is no such file."))
    return files.send(found)


@apply.get("/agreements/<uid>")
@allow(May.SEE_ORG)
def agreement(uid: str) -> str:
    """Show the agreement, and let the signatory sign."""
    row = own_agreement(uid)
    may_sign = me().may(May.SIGN, row.application.org_id) and row.state is AgreementState.SENT
    return render_template("apply/agreement.html", agreement=row, may_sign=may_sign, form=SignForm())


@apply.get("/agreements/<uid>/pdf")
@allow(May.SEE_ORG)
def agreement_pdf(uid: str) -> Response:
    """Hand out the agreement: the sealed one if there is one, else what is to be signed."""
    row = own_agreement(uid)
    found = row.final or row.document
    if found is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(found, inline=True)


@apply.post("/agreements/<uid>/signature")
@allow(May.SIGN, fresh=True)
def sign(uid: str) -> Any:
    """Sign by typing one's name under the document that was shown."""
    row = own_agreement(uid, May.SIGN)
    given = SignForm()
    try:
        if not given.validate_on_submit():
            raise Refused(_("Please type your name and tick the box."), status=422)
        with transaction():
            agreements.sign_by_click(
                row, by=me().person, typed_name=given.name.data, sha256=given.sha256.data or ""
            )
    except Refused as refusal:
        given.refused(refusal)
        page = render_template("apply/agreement.html", agreement=row, may_sign=True, form=given)
        return page, refusal.status
    return go("apply.agreement", _("Signed. We counter-sign and write to you."), uid=uid)


@apply.post("/agreements/<uid>/scan")
@allow(May.SIGN, fresh=True)
def chop(uid: str) -> BaseResponse:
    """Hand in the scan of the chopped agreement."""
    row = own_agreement(uid, May.SIGN)
    given = request.files.get("scan")
    if given is None or not given.filename:
        raise Refused(_("Please choose the scan."), status=422)
    checked = uploads.check(given)
    content = files.put(checked.data, checked.media_type)
    with transaction():
        agreements.sign_by_chop(row, content, checked.name, by=me().person)
    return go(
        "apply.agreement", _("Thank you. A colleague compares the scan, then we counter-sign."), uid=uid
    )
