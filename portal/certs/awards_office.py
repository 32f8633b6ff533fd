"""The office's pages of awards: find one, see all its documents and history, propose what two people do, decide it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import (
    award_proposals,
    awarding,
    awards_forms,
    issuing,
    levels,
    numbers,
    papers,
    verifying,
)
from portal.certs.models.award import Award, AwardProposal, AwardState, AwardVerb, RevokeCause
from portal.certs.models.deciding import ExamDecision
from portal.certs.models.document import Certificate, CertificateSnapshot
from portal.certs.models.education import EducationRenewal
from portal.certs.standing import CertificateState
from portal.core import audit, clock, files, labels
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import go, url_with
from portal.members import uploads
from portal.members.forms import Reason

awards = Blueprint("awards", __name__, url_prefix="/office/awards")
PAGE = "awards.award"
STATES = (AwardState.GRANTED, AwardState.SUSPENDED, CertificateState.EXPIRED, AwardState.REVOKED)


def search(q: str, level: str, state: str) -> Select[Any]:
    """Select awards by number, by a name on any document they ever had, by mail address, level and state."""
    statement = select(Award).join(Person).order_by(Award.id.desc())
    if level:
        statement = statement.where(Award.level == level)
    if state in {one.value for one in STATES}:
        kept = AwardState.GRANTED if state == CertificateState.EXPIRED else AwardState(state)
        statement = statement.where(Award.state == kept)
    if state in {AwardState.GRANTED, CertificateState.EXPIRED}:
        ended = Award.end <= clock.today()
        statement = statement.where(ended if state == CertificateState.EXPIRED else ~ended)
    if number := numbers.normalise(q):
        return statement.where(Award.id.in_(select(Certificate.award_id).where(Certificate.number == number)))
    if wanted := folded(q):
        documents = select(Certificate.award_id).join(
            CertificateSnapshot, CertificateSnapshot.certificate_id == Certificate.id
        )
        former = documents.where(
            or_(
                CertificateSnapshot.name_zh.icontains(wanted, autoescape=True),
                CertificateSnapshot.name_latin.icontains(wanted, autoescape=True),
            )
        )
        statement = statement.where(
            or_(
                Award.name_zh.icontains(wanted, autoescape=True),
                Award.name_latin.icontains(wanted, autoescape=True),
                Person.email.icontains(wanted, autoescape=True),
                Award.id.in_(former),
            )
        )
    return statement


@awards.get("/")
@allow(May.READ_EXAMS)
def roll() -> str:
    """List awards, found by number, name, former name or mail address."""
    q, level, state = asked("q"), asked("level", most=20), asked("state", most=20)
    page = page_of(search(q, level, state))
    documents = _documents_of(page.items)
    chips = [
        {"label": levels.name_of(code), "href": url_with(level=None if code == level else code, page=None), "active": code == level}
        for code in [one.code for one in levels.levels()]
    ] + [
        {"label": labels.label(one), "href": url_with(state=None if one.value == state else one.value, page=None), "active": one.value == state}
        for one in STATES
    ]  # fmt: skip
    return render_template(
        "office/awards.html",
        page=page,
        documents=documents,
        states={row.id: awarding.state_on(row, clock.today()) for row in page.items},
        filters=chips,
        title=levels.name_of,
        waiting=_waiting(),
    )


def _documents_of(rows: list[Award]) -> dict[int, Certificate]:
    found = select(Certificate).where(
        Certificate.award_id.in_([row.id for row in rows]), Certificate.superseded_at.is_(None)
    )
    return {one.award_id: one for one in db.session.scalars(found)}


def _waiting() -> list[AwardProposal]:
    rows = select(AwardProposal).where(AwardProposal.state == "proposed").order_by(AwardProposal.id).limit(20)
    return list(db.session.scalars(rows))


@awards.get("/<uid>")
@allow(May.READ_EXAMS)
def award(uid: str) -> str:
    """Show an award: its state, its documents, what waits for a second person, everything that happened."""
    row, reader, now, g.nav = awarding.found(uid), me(), clock.now(), "awards.roll"
    documents = db.session.scalars(
        select(Certificate).where(Certificate.award_id == row.id).order_by(Certificate.id.desc())
    ).all()
    waiting = award_proposals.open_for(row)
    asked_for = {one.verb for one in waiting}
    issuer = reader.staff_may(May.ISSUE_CERTIFICATES) and row.person_id != reader.person.id
    return render_template(
        "office/award.html", award=row, state=awarding.state_on(row, clock.day_of(now)), documents=documents, title=levels.name_of(row.level), waiting=waiting,
        states={one.id: verifying.state_of(one, now) for one in documents}, reason=Reason(),
        may_confirm={one.id: award_proposals.may_confirm(one, reader.person) for one in waiting}, may_issue=issuer,
        verbs=[verb for verb in awards_forms.FORMS if row.state in award_proposals.FITS[verb] and verb not in asked_for] if issuer else [],
        history=list(db.session.scalars(audit.of_subject(row.subject))),
        causes={one.value: one for one in RevokeCause}, ground=ground(row.decision), case=_case_of(row),
    )  # fmt: skip


def ground(decision: object) -> str:
    """Return in words what an award rests on."""
    table, _colon, more = str(decision).partition(":")
    if more.endswith(":again"):
        return _("Granted again after an error")
    if table == EducationRenewal.__tablename__:
        return _("Renewal by continuing education")
    return _("Decision after an exam") if table in {ExamDecision.__tablename__, "demo"} else str(decision)


def _case_of(row: Award) -> str | None:
    """Return the page of the exam that an award was decided after, or of the renewal by points."""
    table, _colon, number = row.decision.partition(":")
    if table == EducationRenewal.__tablename__ and number.isdecimal():
        asked_for = db.session.get(EducationRenewal, int(number))
        return url_for("education_office.renewal", uid=asked_for.uid) if asked_for is not None else None
    if table != ExamDecision.__tablename__ or not number.isdecimal():
        return None
    made = db.session.get(ExamDecision, int(number))
    return url_for("exam_cases.case", uid=made.case.uid) if made is not None else None


def _verb(word: str) -> AwardVerb:
    if word not in {one.value for one in awards_forms.FORMS}:
        raise Missing(_("There is no such step."))
    return AwardVerb(word)


def _form_page(row: Award, verb: AwardVerb, form: awards_forms.Step, status: int = 200) -> Any:
    g.nav = "awards.roll"
    return render_template(
        "office/award_step.html", award=row, verb=verb, form=form, title=levels.name_of(row.level)
    ), status


@awards.get("/<uid>/steps/<verb>")
@allow(May.ISSUE_CERTIFICATES)
def begin(uid: str, verb: str) -> Any:
    """Show the form of a step."""
    row, which = awarding.found(uid), _verb(verb)
    return _form_page(row, which, awards_forms.form_for(which, row, given=False))


@awards.post("/<uid>/steps/<verb>")
@allow(May.ISSUE_CERTIFICATES)
def propose(uid: str, verb: str) -> Any:
    """Propose a step to a second person; nothing that was typed is lost."""
    row, which = awarding.found(uid), _verb(verb)
    form = awards_forms.form_for(which, row, given=True)
    if not form.validate_on_submit():
        return _form_page(row, which, form, 422)
    try:
        paper = _paper()
        with transaction():
            made = award_proposals.propose(row, which, form.wanted(row), by=me().person, paper=paper)
    except Refused as refusal:
        form.refused(refusal)
        return _form_page(awarding.found(uid), which, form, refusal.status)
    said = _("It is on hold from now on. Somebody else confirms it.") if made.verb is AwardVerb.CONFIRM else _(
        "Proposed. Somebody else confirms it."
    )  # fmt: skip
    return go(PAGE, said, uid=uid)


def _paper() -> tuple[files.Content, str] | None:
    given = request.files.get("paper")
    if given is None or not given.filename:
        return None
    checked = uploads.check(given)
    return files.put(checked.data, checked.media_type), checked.name


@awards.post("/proposals/<uid>/confirmation")
@allow(May.DECIDE_AWARDS, May.ISSUE_CERTIFICATES)
def confirm(uid: str) -> BaseResponse:
    """Do what somebody else proposed."""
    row = award_proposals.found(uid)
    with transaction():
        award_proposals.confirm(row, by=me().person)
    return go(PAGE, _("Confirmed and done."), uid=row.award.uid)


@awards.post("/proposals/<uid>/refusal")
@allow(May.DECIDE_AWARDS, May.ISSUE_CERTIFICATES)
def decline(uid: str) -> BaseResponse:
    """Leave everything as it is."""
    row, given = award_proposals.found(uid), Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        award_proposals.decline(row, by=me().person, reason=str(given.reason.data))
    return go(PAGE, _("Declined. Everything stays as it is."), uid=row.award.uid)


@awards.get("/proposals/<uid>/paper")
@allow(May.DECIDE_AWARDS, May.ISSUE_CERTIFICATES)
def proposal_paper(uid: str) -> Response:
    """Hand out what a proposal rests on."""
    row = award_proposals.found(uid)
    if row.paper is None:
        raise Missing(_("There is no such file."))
    return files.send(row.paper, inline=True)


@awards.get("/documents/<uid>/file")
@allow(May.READ_EXAMS)
def document(uid: str) -> Response:
    """Hand out the signed file of a certificate."""
    row = issuing.found(uid)
    if row.file is None:
        raise Missing(_("There is no such file."))
    return files.send(row.file)


@awards.post("/documents/<uid>/retry")
@allow(May.ISSUE_CERTIFICATES)
def retry(uid: str) -> BaseResponse:
    """Try once more to make a file."""
    row = issuing.found(uid)
    with transaction():
        papers.again(row)
    return go(PAGE, _("It is in the queue again."), uid=row.award.uid)


@awards.post("/<uid>/document")
@allow(May.ISSUE_CERTIFICATES)
def issue(uid: str) -> BaseResponse:
    """Issue the document of an award that has none."""
    row = awarding.found(uid)
    with transaction():
        issuing.issue(row, by=me().person)
    return go(PAGE, _("The certificate has its number; its file is being made."), uid=uid)
