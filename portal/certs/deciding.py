"""The decision on a certificate: by one person who neither trained, proctored, marked, reviewed nor judged an appeal."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from portal.accounts.people import Person
from portal.certs import awarding, case_rules, cases, conflicts, grade_letters, guards, releasing, reviewing
from portal.certs.grade_events import AwardDecided
from portal.certs.models.deciding import (
    AppealState,
    ExamAppeal,
    ExamDecision,
    Remedy,
    Review,
    ReviewState,
    Verdict,
)
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import ExamCase, ExamScore
from portal.certs.naming import Names
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish

CLOSED = (ReviewState.APPROVED, ReviewState.REJECTED)


def of_case(case: ExamCase) -> list[ExamDecision]:
    """Return the decisions on a case, the oldest first."""
    rows = select(ExamDecision).where(ExamDecision.case_id == case.id).order_by(ExamDecision.n)
    return list(db.session.scalars(rows))


def open_question(case: ExamCase) -> bool:
    """Whether a decision is wanted: a released pass that was reviewed and not decided since, or anew after an appeal."""
    kept = cases.current(case)
    if case.attempt.state is not AttemptState.RELEASED or kept is None or not kept.passed:
        return False
    review, made = reviewing.of_case(case), of_case(case)
    if review is not None and review.state not in CLOSED:
        return False
    return not made or (made[-1].verdict is Verdict.REFUSED and _asked_anew(case, made[-1]))


def _asked_anew(case: ExamCase, last: ExamDecision) -> bool:
    upheld = select(ExamAppeal.id).where(
        ExamAppeal.case_id == case.id, ExamAppeal.state == AppealState.UPHELD, ExamAppeal.remedy == Remedy.DECIDE_ANEW,
        ExamAppeal.decided_at >= last.at,
    )  # fmt: skip
    return db.session.scalar(upheld) is not None


def why_not(case: ExamCase, verdict: Verdict, by: Person) -> Any:
    """Return in words why somebody cannot decide so; None if he can."""
    if not open_question(case):
        return _l("There is nothing to decide here, or somebody has decided it meanwhile.")
    if not conflicts.independent(by, case):
        return _l("You had a part in this case, or a tie to the candidate: somebody else decides.")
    if verdict is Verdict.REFUSED:
        return None
    review = reviewing.of_case(case)
    if review is not None and review.state is not ReviewState.APPROVED and not of_case(case):
        return _l("The community has not approved the work: the certificate can only be refused.")
    return guards.prerequisite(case.person.id, case.level, clock.now())


def decide(case: ExamCase, verdict: Verdict, *, by: Person, reason: str) -> ExamDecision:
    """Grant or refuse the certificate of a case; granted, the award is there with its number at once."""
    row = releasing.locked(case)
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if not conflicts.independent(by, row):
        raise Forbidden(_l("You had a part in this case, or a tie to the candidate: somebody else decides."))
    why = why_not(row, verdict, by)
    if why is not None:
        raise Refused(why)
    last = db.session.scalar(select(func.max(ExamDecision.n)).where(ExamDecision.case_id == row.id)) or 0
    made = ExamDecision(case=row, n=last + 1, verdict=verdict, reason=reason.strip()[:1000], by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("decision.made", row, by=by, verdict=verdict, reason=made.reason)
    if verdict is Verdict.GRANTED:
        awarding.grant(
            row.person, level=row.level, names=names_of(row), decision=made.subject, decided_on=clock.today(), by=by,
            scheme=case_rules.scheme_of(row.attempt),
        )  # fmt: skip
    grade_letters.decided(made)
    publish(AwardDecided(made))
    return made


def names_of(case: ExamCase) -> Names:
    """Return the names that were checked against the candidate's document: they go on the certificate."""
    booking = case.attempt.booking
    first, latin = booking.name or case.person.name, booking.name_latin
    if first.isascii() and not latin:
        return Names("", first)
    return Names(first, latin)


def waiting(*, most: int | None = None) -> list[ExamCase]:
    """Return the cases that wait for a decision, the oldest first, in one statement: `open_question` for all of them."""
    unreviewed = select(Review.case_id).where(Review.state.not_in(CLOSED))
    rows = (
        select(ExamCase)
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .where(
            Attempt.state == AttemptState.RELEASED, ExamCase.id.not_in(unreviewed), _passed(), _undecided()
        )
        .order_by(ExamCase.released_at, ExamCase.id)
        .limit(most)
    )
    return list(db.session.scalars(rows))


def _passed() -> ColumnElement[bool]:
    """Whether the score of a case that was kept last is a pass."""
    newest = select(func.max(ExamScore.n)).where(ExamScore.case_id == ExamCase.id).correlate(ExamCase)
    return exists().where(
        ExamScore.case_id == ExamCase.id, ExamScore.n == newest.scalar_subquery(), ExamScore.passed.is_(True)
    )


def _undecided() -> ColumnElement[bool]:
    """Whether nobody decided on a case, or an appeal since asks for another decision than the last refusal."""
    last = aliased(ExamDecision)
    newest = select(func.max(ExamDecision.n)).where(ExamDecision.case_id == ExamCase.id).correlate(ExamCase)
    anew = exists().where(
        last.case_id == ExamCase.id, last.n == newest.scalar_subquery(), last.verdict == Verdict.REFUSED,
        ExamAppeal.case_id == ExamCase.id, ExamAppeal.state == AppealState.UPHELD,
        ExamAppeal.remedy == Remedy.DECIDE_ANEW, ExamAppeal.decided_at >= last.at,
    )  # fmt: skip
    return ~exists().where(ExamDecision.case_id == ExamCase.id) | anew
