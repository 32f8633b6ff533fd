"""What a grader does with a work: take it, give it back, hand in marks; and how it is taken from somebody late or tied."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import (
    case_facts,
    cases,
    conflicts,
    grade_letters,
    grade_notices,
    graders,
    releasing,
    rubrics,
)
from portal.certs.graders import STANDS
from portal.certs.models.delivery import AttemptState
from portal.certs.models.grading import Assignment, AssignmentState, ExamCase, ExamMark, Tie
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.states import move

S = AssignmentState


def mine(uid: str, grader: Person) -> Assignment:
    """Return an assignment of a grader; another's is not there for him."""
    row = db.session.scalars(
        select(Assignment).where(
            Assignment.uid == uid, Assignment.grader_id == grader.id, Assignment.state.in_(STANDS)
        )
    ).first()
    if row is None:
        raise Missing(_l("There is no such work for you."))
    return row


def _locked(row: Assignment) -> tuple[ExamCase, Assignment]:
    """Lock the case first, then the assignment, as everywhere."""
    case = cases.locked(case_facts.case_of(row.work))
    return case, db.session.get_one(
        Assignment, row.id, with_for_update={"of": Assignment}, populate_existing=True
    )


def accept(row: Assignment, *, by: Person) -> None:
    """Take a work in hand: the grader says that he does not know whose it is."""
    _case, row = _locked(row)
    move(row, S.ACCEPTED)
    audit.record("assignment.accepted", row, by=by)


def give_back(row: Assignment, *, by: Person, reason: str, tie: Tie | None = None) -> None:
    """Give a work back; a tie to the candidate is written down, and somebody else is drawn."""
    case, row = _locked(row)
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    move(row, S.DECLINED)
    row.reason, row.ended_at = reason.strip()[:300], clock.now()
    db.session.flush()
    audit.record("assignment.declined", row, by=by, tie=tie or "")
    if tie is not None:
        conflicts.declare(by, case.person, tie, reason)
    _replace(case, row)


def redraw(row: Assignment, *, by: Any, reason: str) -> None:
    """Take a work from somebody, late or found to be tied, and give it to somebody else."""
    case, row = _locked(row)
    if (
        case.attempt.state not in (AttemptState.MARKING, AttemptState.ADJUDICATING)
        and row.state is S.SUBMITTED
    ):
        raise Refused(_l("This has been scored: a mark is not taken out any more. An appeal marks anew."))
    move(row, S.REDRAWN)
    row.reason, row.ended_at = reason[:300], clock.now()
    db.session.flush()
    audit.record("assignment.redrawn", row, by=by, reason=reason)
    grade_letters.taken(row)
    _replace(case, row)


def _replace(case: ExamCase, row: Assignment) -> None:
    if row.third:
        graders.draw_third(case, row.work)
    else:
        graders.draw_missing(case, row.work)


def mark(row: Assignment, *, by: Person, levels: dict[str, int], comments: dict[str, str]) -> ExamMark:
    """Hand in the marks of a work, a level for every criterion; judged once more for independence."""
    case, row = _locked(row)
    if row.grader_id != by.id:
        raise Missing(_l("There is no such work for you."))
    if by.id in conflicts.barred(case.person, case):
        raise Refused(
            _l("You cannot mark this work any more: please give it back, somebody else marks it."), status=409
        )
    wanted = {one.code: len(one.levels) for one in rubrics.criteria(row.work.rubric)}
    if levels.keys() != wanted.keys() or any(not 0 <= level < wanted[code] for code, level in levels.items()):
        raise Refused(_l("Please choose one level for every criterion."), field="levels", status=422)
    move(row, S.SUBMITTED)
    row.ended_at = clock.now()
    said = {code: text.strip()[:1000] for code, text in comments.items() if code in wanted and text.strip()}
    given = ExamMark(assignment=row, levels=levels, comments=said)
    db.session.add(given)
    db.session.flush()
    audit.record("assignment.submitted", row, by=by)
    before, kept = cases.current(case), cases.rescore(case, reason="marks")
    anew = kept is not None and kept is not before and kept.reason == "appeal"
    if anew and kept is not None and kept.body["passed"] and not kept.passed:
        releasing.turn_to_pass(case, by="appeal", reason="appeal")
    else:
        _tell_anew(case)
    return given


def _tell_anew(case: ExamCase) -> None:
    """Tell a candidate whose appeal had the work marked anew, when that is done and changed no outcome."""
    round_no = case_facts.last_round(case)
    if case.released_at is not None and round_no > 1 and not cases.compute(case).waits:
        grade_notices.marked_anew(case, round_no)
