"""The road in as the applicant sees it: form page by page, check page, questions, agreement."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import Select, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import Reader, allow, me, signed_in, who
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import acting_for, own_orgs
from portal.billing.catalogue import price_of
from portal.billing.issuing import owed
from portal.core import catalogue, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go, public
from portal.members import (
    agreements,
    appeals,
    closing,
    drafting,
    form,
    individuals,
    showing,
    tier_quotes,
    uploads,
    wall,
)
from portal.members.access import own_application
from portal.members.forms import Appeal
from portal.members.models import Application, ApplicationState

apply = Blueprint("apply", __name__)


@apply.before_request
def _mark() -> None:
    """Say which entry of the rail a page belongs to."""
    g.nav = "apply.agreement_list" if request.path.startswith("/agreements") else "apply.applications"


S = ApplicationState


def _own(reader: Reader) -> Select[Application]:
    return (
        select(Application)
        .where(Application.org_id.in_(reader.orgs(May.SEE_ORG)))
        .order_by(Application.id.desc())
    )


@apply.get("/apply")
@public
def begin() -> Any:
    """Say what it takes to apply, for an organisation or as an individual, and lead on."""
    reader, tier = who(), request.args.get("tier", "")
    person_tier = individuals.tier_for()
    acting = [org for org in own_orgs(reader) if org.person_id is None] if reader else []
    org = acting_for(reader) if reader else None
    return render_template(
        "apply/begin.html", reader=reader, mine=db.session.scalars(_own(reader).limit(5)).all() if reader else [],
        tier=tier, org=org, orgs=acting, person_tier=person_tier,
        person_price=price_of(catalogue.entry("tier", person_tier)["product"]).amount if person_tier else None,
        chosen="person" if tier and tier == person_tier else ("own" if acting else "new"),
    )  # fmt: skip


@apply.post("/apply")
@signed_in
def start() -> BaseResponse:
    """Begin an application, or find the live one."""
    reader, whom, tier = me(), request.form.get("organisation") or "own", request.form.get("tier", "")
    language = str(get_locale())
    with transaction():
        if whom == "person":
            row = individuals.start(by=reader.person, language=language)
        else:
            row = drafting.start(_chosen(reader, whom), by=reader.person, tier=tier, language=language)
    return go("apply.page", uid=row.uid, page=next(iter(form.pages(row.catalogue_day, row.answers))))


def _chosen(reader: Reader, whom: str) -> Organisation | None:
    """Return the organisation to apply for: a new one, the one acted for, or one named by its uid."""
    if whom == "new":
        return None
    mine = {org.uid: org for org in own_orgs(reader) if org.person_id is None}
    org = acting_for(reader) if whom == "own" else mine.get(whom)
    if whom == "own" and (org is None or org.person_id is not None):
        org = next(iter(mine.values()), None)
        if org is None:
            return None
    if org is None or org.id not in reader.orgs(May.APPLY):
        raise Missing(_("You do not act for an organisation in a role that may do this."))
    return org


@apply.get("/applications")
@signed_in
def applications() -> str:
    """List the applications of the organisations the reader acts for."""
    page = page_of(_own(me()))
    return render_template("apply/list.html", page=page, tiers=catalogue.entries("tier"))


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
        history=showing.story_for_applicant(row, agreement),
        appeal_until=appeals.appeal_until(row),
        answer_until=drafting.answer_until(row),
        appeal=Appeal(),
        reader=me(),
        tier_quote=tier_quotes.last_quote(row),
        tier_name=wall.tier_name,
    )


@apply.route("/applications/<uid>/form/<page>", methods=["GET", "POST"])
@allow(May.APPLY)
def page(uid: str, page: str) -> Any:
    """Show one page of the form; keep what was typed whatever happens, then lead on if it is right."""
    row = own_application(uid, May.APPLY)
    pages = form.pages(row.catalogue_day, row.answers)
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
        "apply/check.html", application=row, pages=showing.pages_of(row), open_fields=drafting.editable(row),
        tier_quote=tier_quotes.last_quote(row), tier_name=wall.tier_name,
    )  # fmt: skip


@apply.post("/applications/<uid>/submission")
@allow(May.SUBMIT)
def submit(uid: str) -> BaseResponse:
    """Send the application, or the answers to the questions."""
    row = own_application(uid, May.SUBMIT)
    again = row.state is S.INFO_REQUESTED
    with transaction():
        if again:
            drafting.resubmit(row, by=me().person)
        else:
            drafting.submit(row, by=me().person)
    if row.state is S.APPROVED:
        words = _("Approved. The agreement is being made; we write to you when you can sign it.")
    elif again:
        words = _("Thank you. Your answers are with us, and the review goes on.")
    else:
        words = _("Sent. We have written to you what happens next.")
    return go("apply.case", words, uid=uid)


@apply.post("/applications/<uid>/withdrawal")
@allow(May.APPLY)
def withdraw(uid: str) -> BaseResponse:
    """Take the application back."""
    row = own_application(uid, May.APPLY)
    with transaction():
        drafting.withdraw(row, by=me().person)
    return go("member.home", _("The application is withdrawn."))


@apply.post("/applications/<uid>/closing")
@allow(May.SIGN, fresh=True)
def close(uid: str) -> BaseResponse:
    """Close one's own approved application: nothing is signed or paid any more."""
    row = own_application(uid, May.SIGN)
    with transaction():
        closing.close_own(row, by=me().person)
    return go("apply.case", _("Closed. The invoice is void; nothing is to be paid."), uid=uid)


@apply.post("/applications/<uid>/appeal")
@allow(May.SIGN, May.SUBMIT)
def appeal(uid: str) -> BaseResponse:
    """Ask to have a rejection looked at anew."""
    row = own_application(uid)
    given = Appeal()
    if not given.validate_on_submit():
        raise Refused(_("Please say why you think the decision is wrong."), status=422)
    with transaction():
        appeals.appeal(row, by=me().person, reason=given.reason.data)
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
