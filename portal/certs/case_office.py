"""The office's pages of results: sessions to release, each case on one page, the desk of decisions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import Blueprint, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import (
    appealing,
    appointing,
    case_facts,
    case_rules,
    cases,
    conflicts,
    deciding,
    handing,
    invalidating,
    levels,
    live_sittings,
    mark_deeds,
    releasing,
    reviewing,
    said,
    score_report,
    scoring,
)
from portal.certs.grade_forms import Appoint, Decide, Why
from portal.certs.models.booking import ExamSession
from portal.certs.models.deciding import Verdict
from portal.certs.models.delivery import Attempt, AttemptState, Submission
from portal.certs.models.grading import Assignment, CaseWork, ExamCase
from portal.core import audit, labels
from portal.core.catalogue import in_words
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go

exam_cases = Blueprint("exam_cases", __name__, url_prefix="/office/exam-results")
PAGE = "exam_cases.case"
STATES = (
    AttemptState.MARKING, AttemptState.ADJUDICATING, AttemptState.SCORED, AttemptState.RELEASED, AttemptState.INVALIDATED,
)  # fmt: skip


def count_to_release() -> Select[Any]:
    """Select how many results are scored and not released."""
    return (
        select(func.count(ExamCase.id))
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .where(Attempt.state == AttemptState.SCORED)
    )


def _seen() -> Select[Any]:
    """Select the cases that the reader may see: none of those whose work he marks."""
    mine = (
        select(CaseWork.case_id)
        .join(Assignment, Assignment.work_id == CaseWork.work_id)
        .where(Assignment.grader_id == me().person.id)
    )
    return select(ExamCase).join(Attempt, Attempt.id == ExamCase.attempt_id).where(ExamCase.id.not_in(mine))


def _case(uid: str) -> ExamCase:
    row: ExamCase | None = db.session.scalars(_seen().where(ExamCase.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such result."))
    return row


@exam_cases.get("/")
@allow(May.READ_EXAMS)
def listed() -> str:
    """Show the sessions whose results wait for release, and every case."""
    q, state = folded(asked("q")), asked("state", most=20)
    statement = _seen().join(Person, Person.id == Attempt.person_id)
    if state in {one.value for one in STATES}:
        statement = statement.where(Attempt.state == AttemptState(state))
    if q:
        hits = (one.icontains(q, autoescape=True) for one in (Person.name, Person.email, Attempt.level))
        statement = statement.where(or_(*hits))
    page = page_of(statement.order_by(ExamCase.id.desc()))
    sessions = list(db.session.scalars(releasing.sessions_with_results().limit(20)))
    return render_template(
        "office/grading/cases.html", page=page, name_of=levels.name_of, there=said.there, reason=Why(formdata=None),
        sessions=[(one, releasing.unfinished(one), len(releasing.ready(one)), releasing.due(one)) for one in sessions],
        scores={one.id: cases.current(one) for one in page.items}, shown=scoring.shown, share=share,
        filters=[chip("state", one.value, labels.label(one), state) for one in STATES],
    )  # fmt: skip


def share(text: str | None) -> str:
    """Return a stored share in per cent."""
    return "–" if text is None else percent(Fraction(text))


def percent(value: Fraction) -> str:
    """Return an exact share in per cent, for eyes."""
    return f"{scoring.shown(value)} %"


def _page(row: ExamCase, status: int = 200, **forms: Any) -> Any:
    g.nav, reader = "exam_cases.listed", me()
    decide = forms.pop("decide", None) or Decide(formdata=None)
    decide.offer()
    works = [
        (work, case_facts.marks_of(work), _hands(work.id))
        for n in range(1, case_facts.last_round(row) + 1)
        for work in case_facts.works_of(row, n)
    ]
    review, open_now = reviewing.of_case(row), deciding.open_question(row)
    short = review is not None and appointing.short(review) and reader.staff_may(May.LEAD_EXAMS)
    asked_for = forms.get("appoint") or Appoint(formdata=None)
    if short and review is not None:
        asked_for.offer(appointing.candidates(review))
    return render_template(
        "office/grading/case.html", case=row, score=cases.current(row), works=works, review=review, share=share,
        votes=reviewing.votes(review) if review else {}, appointed=appointing.appointed(review) if review else [],
        appoint=asked_for if short else None, decisions=deciding.of_case(row), decide=decide,
        appeals=appealing.of_case(row), level=levels.name_of(row.level), there=said.there, hold=releasing.held(row),
        undone=invalidating.confirmed(row.attempt_id), named=_named(row, works), links=_links(row), waits=said.waits, taken=said.taken, open_question=open_now, band=score_report.band(row, cases.current(row)),
        part_names={one.code: in_words(one.names) for one in case_rules.parts_of(row.attempt)}, percent=percent, mine=conflicts.independent(reader.person, row), reason=forms.get("reason") or Why(formdata=None),
        why_not=deciding.why_not(row, Verdict.GRANTED, reader.person) if open_now else None, names=deciding.names_of(row),
        history=list(db.session.scalars(audit.of_subject(row.subject, row.attempt.subject))),
    ), status  # fmt: skip


def _named(row: ExamCase, works: list[Any]) -> list[str]:
    """Return the critical criteria that a case failed, in words."""
    kept = cases.current(row)
    names = {one["code"]: in_words(one["name"]) for work, *_rest in works for one in work.rubric["criteria"]}
    return [
        names.get(code.rsplit(".", 1)[-1], code) for code in (kept.body["critical_failed"] if kept else ())
    ]


def _links(row: ExamCase) -> list[Submission]:
    """Return what was handed in last of each part with a repository: staff compare it with the archive after marking."""
    if row.attempt.state in (AttemptState.MARKING, AttemptState.ADJUDICATING):
        return []
    last = [handing.counting(part) for part in row.attempt.parts if not part.written]
    return [one for one in last if one is not None and one.repository]


def _hands(work_id: int) -> list[Assignment]:
    return list(
        db.session.scalars(select(Assignment).where(Assignment.work_id == work_id).order_by(Assignment.id))
    )


@exam_cases.get("/cases/<uid>")
@allow(May.READ_EXAMS)
def case(uid: str) -> Any:
    """Show a case: score, works and marks, review, decision, appeals, everything that happened."""
    return _page(_case(uid))


@exam_cases.post("/sessions/<uid>/release")
@allow(May.RELEASE_RESULTS)
def release_session(uid: str) -> BaseResponse:
    """Release the results of a session, all at one time."""
    row = db.session.scalars(select(ExamSession).where(ExamSession.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such session."))
    with transaction():
        count = releasing.release_session(row, by=me().person)
        live_sittings.record(row, by=me().person)
    return go("exam_cases.listed", _("Released: %(count)s results. The candidates have mail.", count=count))


DEEDS = {"release": releasing.release, "hold": releasing.hold}


@exam_cases.post("/cases/<uid>/<any(release, hold):deed>")
@allow(May.RELEASE_RESULTS)
def see_to(uid: str, deed: str) -> Any:
    """Release one result alone, or hold it back; both with a reason."""
    row, form = _case(uid), Why()
    if status := form.carry_out(lambda: DEEDS[deed](row, by=me().person, reason=str(form.reason.data))):
        return _page(_case(uid), status, reason=form)
    return go(PAGE, _("Done. The candidate has mail."), uid=uid)


@exam_cases.post("/cases/<uid>/lifting")
@allow(May.RELEASE_RESULTS)
def lift(uid: str) -> BaseResponse:
    """Let a held result go its way again."""
    row = _case(uid)
    with transaction():
        releasing.lift(row, by=me().person)
    return go(PAGE, _("The result goes its way again."), uid=uid)


@exam_cases.post("/cases/<uid>/hands/<assignment>/redrawing")
@allow(May.LEAD_EXAMS)
def redraw(uid: str, assignment: str) -> Any:
    """Take a work from a grader and give it to somebody else."""
    row, form = _case(uid), Why()
    hand = db.session.scalars(
        select(Assignment)
        .join(CaseWork, CaseWork.work_id == Assignment.work_id)
        .where(CaseWork.case_id == row.id, Assignment.uid == assignment)
    ).first()
    if hand is None:
        raise Missing(_("There is no such work."))
    if not form.validate_on_submit():
        return _page(row, 422, reason=form)
    with transaction():
        mark_deeds.redraw(hand, by=me().person, reason=str(form.reason.data))
    return go(PAGE, _("Somebody else marks it."), uid=uid)


@exam_cases.post("/cases/<uid>/reviewers")
@allow(May.LEAD_EXAMS)
def appoint(uid: str) -> Any:
    """Appoint holders to vote on a work that found too few votes."""
    row = _case(uid)
    review, form = reviewing.of_case(row), Appoint()
    if review is None:
        raise Missing(_("There is no such review."))
    people = form.offer(appointing.candidates(review))
    if status := form.carry_out(
        lambda: appointing.appoint(
            review,
            [people[one] for one in form.people.data or []],
            by=me().person,
            reason=form.reason.data or "",
        )
    ):
        return _page(_case(uid), status, appoint=form)
    return go(PAGE, _("Appointed. They have mail, and the work is open for another week."), uid=uid)


# ---- Decisions


@exam_cases.get("/decisions")
@allow(May.DECIDE_AWARDS)
def desk() -> str:
    """Show what waits for a decision, and whether the reader may take it."""
    rows = deciding.waiting()
    return render_template(
        "office/grading/desk.html", rows=[(one, _why(one), reviewing.of_case(one)) for one in rows],
        scores={one.id: cases.current(one) for one in rows}, share=share, name_of=levels.name_of, reason=Why(formdata=None),
    )  # fmt: skip


def _why(row: ExamCase) -> Any:
    return deciding.why_not(row, Verdict.GRANTED, me().person)


@exam_cases.post("/cases/<uid>/decision")
@allow(May.DECIDE_AWARDS)
def decide(uid: str) -> Any:
    """Grant or refuse a certificate."""
    row, form = _case(uid), Decide()
    form.offer()
    if status := form.carry_out(
        lambda: deciding.decide(row, Verdict(form.verdict.data), by=me().person, reason=str(form.reason.data))
    ):
        return _page(_case(uid), status, decide=form)
    return go("exam_cases.desk", _("Decided. The candidate has mail."))


@exam_cases.post("/decisions")
@allow(May.DECIDE_AWARDS)
def decide_all() -> BaseResponse:
    """Grant the clean cases that were chosen, each by the same verb; what is refused is named and left."""
    form, done, refused = Why(), 0, []
    if not form.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    for uid in request.form.getlist("uid")[:200]:
        row = _case(uid)
        name = row.person.name
        try:
            with transaction():
                deciding.decide(row, Verdict.GRANTED, by=me().person, reason=str(form.reason.data))
            done += 1
        except Refused as refusal:
            refused.append(f"{name}: {refusal}")
    words = _("Granted: %(count)s.", count=done)
    return go("exam_cases.desk", " ".join([words, *refused]), tone="warn" if refused else "good")
