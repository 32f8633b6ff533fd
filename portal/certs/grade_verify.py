"""What always holds of results, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from sqlalchemy import select

from portal.certs import case_facts, cases, conflicts
from portal.certs.models.award import Award
from portal.certs.models.deciding import ExamDecision, Verdict
from portal.certs.models.delivery import Answer, AttemptState
from portal.certs.models.grading import ExamCase
from portal.core.db import db

SCORED = (AttemptState.SCORED, AttemptState.RELEASED)


def verify_results() -> tuple[int, list[str]]:
    """Return how many cases were looked at and a sentence for each fault."""
    rows = list(db.session.scalars(select(ExamCase).order_by(ExamCase.id)))
    found = [fault for case in rows for fault in (*_score(case), *_people(case))]
    return len(rows), found + _awards()


def _score(case: ExamCase) -> list[str]:
    """Compare the score that is kept with what it is made of, computed anew."""
    kept, state = cases.current(case), case.attempt.state
    if db.session.scalar(select(Answer.id).where(Answer.attempt_id == case.attempt_id).limit(1)) is None:
        return []  # answers are forgotten when their time is over
    if kept is None and state is AttemptState.INVALIDATED:
        return []  # it never came to marks
    if kept is None:
        return [f"{case.subject}: no score is kept"]
    round_no = int(kept.body.get("round", 1))
    found = []
    if cases.body_of(cases.compute(case, round_no=round_no), round_no) != kept.body:
        found.append(f"{case.subject}: the score kept is not what its marks come to")
    if state in SCORED and (kept.passed is None or kept.body["waits"]):
        found.append(f"{case.subject}: {state}, and yet something of its score waits")
    if (case.released_at is not None) != (
        state is AttemptState.RELEASED
    ) and state is not AttemptState.INVALIDATED:
        found.append(f"{case.subject}: state and day of release do not fit")
    return found


def _people(case: ExamCase) -> list[str]:
    """Check that nobody had two parts, and that marks came from enough different people."""
    parts = {
        "marked": conflicts.markers(case), "voted": conflicts.voters(case), "decided": conflicts.deciders(case),
        "judged an appeal": conflicts.panel(case),
    }  # fmt: skip
    names = list(parts)
    found = [
        f"{case.subject}: person {who} {one} and {other}"
        for n, one in enumerate(names)
        for other in names[n + 1 :]
        for who in sorted(parts[one] & parts[other])
    ]
    if case.attempt.state in SCORED:
        for work in case_facts.works_of(case, 1):
            people = {
                one.assignment.grader_id for one in case_facts.marks_of(work) if not one.assignment.third
            }
            if len(people) < int(case.rules["graders"]) or case.person.id in people:
                found.append(f"{work.subject}: not enough different people marked it")
    return found


def _awards() -> list[str]:
    """Check that each decision that grants has its award, and that no award claims a decision that is not there."""
    granted = {
        one.subject
        for one in db.session.scalars(select(ExamDecision).where(ExamDecision.verdict == Verdict.GRANTED))
    }
    claimed = set(
        db.session.scalars(select(Award.decision).where(Award.decision.startswith("exam_decision:")))
    )
    return [f"{one}: granted without an award" for one in sorted(granted - claimed)] + [
        f"an award names {one}, which did not grant it" for one in sorted(claimed - granted)
    ]
