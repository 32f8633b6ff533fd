"""Cases: opened when an attempt ends, scored whenever something becomes known, each score kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.certs import blind, case_facts, case_rules, graders
from portal.certs.models.delivery import Answer, Attempt, AttemptState
from portal.certs.models.grading import ExamCase, ExamScore
from portal.certs.scoring import Score, no_worse, score
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.states import may_move, move

A = AttemptState
BY = "marking"
OPEN = (A.SUBMITTED, A.MARKING, A.ADJUDICATING, A.SCORED)


def found(uid: str) -> ExamCase:
    """Return one case."""
    row = db.session.scalars(select(ExamCase).where(ExamCase.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such result."))
    return row


def locked(case: ExamCase) -> ExamCase:
    """Return a case and its attempt under their row locks, fresh from the database: the attempt first, everywhere."""
    db.session.flush()
    db.session.get_one(Attempt, case.attempt_id, with_for_update={"of": Attempt}, populate_existing=True)
    return db.session.get_one(ExamCase, case.id, with_for_update={"of": ExamCase}, populate_existing=True)


def of_attempt(attempt_id: int) -> ExamCase | None:
    """Return the case of an attempt."""
    return db.session.scalars(select(ExamCase).where(ExamCase.attempt_id == attempt_id)).first()


def begin(attempt_id: int) -> ExamCase:
    """Open the case of an attempt that has ended: take its frozen rules, mark what a key can, draw graders. Once."""
    db.session.flush()
    attempt = db.session.get_one(Attempt, attempt_id, with_for_update={"of": Attempt}, populate_existing=True)
    there = of_attempt(attempt_id)
    if there is not None or attempt.state is not A.SUBMITTED:
        if there is None:
            raise Missing(_l("There is nothing to mark."))
        return there
    case = ExamCase(attempt=attempt, rules=case_rules.kept(attempt))
    db.session.add(case)
    move(attempt, A.MARKING)
    db.session.flush()
    audit.record("case.opened", case, by=BY, level=case.level, provisional=case.rules["provisional"])
    for work in blind.copies(case):
        graders.draw_missing(case, work)
    rescore(case, reason="first")
    return case


def of_undone(attempt_id: int) -> ExamCase:
    """Return the case of an attempt that counts for nothing: opened without works where it never came to marks.

    Nothing of it is scored; it is what the candidate appeals on.
    """
    db.session.flush()
    attempt = db.session.get_one(Attempt, attempt_id, with_for_update={"of": Attempt}, populate_existing=True)
    case = of_attempt(attempt_id)
    if case is None:
        case = ExamCase(attempt=attempt, rules=case_rules.kept(attempt))
        db.session.add(case)
        db.session.flush()
    return case


def compute(case: ExamCase, *, round_no: int | None = None) -> Score:
    """Return what a case comes to by all that is known now, in its newest round of marks or in a certain one."""
    return score(case_facts.sections(case, round_no=round_no), case_rules.policy(case.rules))


def body_of(found: Score, round_no: int) -> dict[str, Any]:
    """Return a score as it is kept, with the round of marks that it rests on."""
    return {**found.body(), "round": round_no}


def current(case: ExamCase) -> ExamScore | None:
    """Return the score of a case that was kept last."""
    return db.session.scalars(
        select(ExamScore).where(ExamScore.case_id == case.id).order_by(ExamScore.n.desc()).limit(1)
    ).first()


def keep(case: ExamCase, body: dict[str, Any], passed: bool | None, *, reason: str) -> ExamScore:
    """Keep a score as the newest of a case."""
    last = db.session.scalar(select(func.max(ExamScore.n)).where(ExamScore.case_id == case.id)) or 0
    row = ExamScore(case=case, n=last + 1, body=body, passed=passed, reason=reason)
    db.session.add(row)
    db.session.flush()
    return row


def rescore(case: ExamCase, *, reason: str) -> ExamScore | None:
    """Score a case anew; keep it if it differs from what was kept, and let the case go on. Twice changes nothing.

    Nobody loses a pass that was found without anything waiting, and a released result never falls.
    """
    before, now, round_no = current(case), compute(case), case_facts.last_round(case)
    if case.released_at is not None and round_no > 1:
        return _marked_anew(case, now, round_no)
    passed = True if before is not None and before.passed and now.passed is False else now.passed
    if case.released_at is not None and before is not None:
        passed = before.passed  # a released result turns by a person's word alone
    body = body_of(now, round_no)
    if before is None or before.body != body:
        before = keep(case, body, passed, reason=reason)
    _advance(case, now)
    return before


def _marked_anew(case: ExamCase, now: Score, round_no: int) -> ExamScore | None:
    """After an appeal: wait for all marks, ask a third grader, then let the better result count."""
    if any(one.startswith("adjudication") for one in now.waits):
        for work in graders.disputed_works(case):
            graders.draw_third(case, work)
    before = current(case)
    if now.waits or before is None or before.body.get("round") == round_no:
        return before
    earlier = compute(case, round_no=int(before.body.get("round", 1)))
    if no_worse(earlier, now) is earlier:
        return before
    return keep(case, body_of(now, round_no), before.passed, reason="appeal")


def _advance(case: ExamCase, now: Score) -> None:
    """Let the attempt go where its score says: to a third grader, or to the desk of results."""
    attempt = case.attempt
    if attempt.state not in (A.MARKING, A.ADJUDICATING, A.SCORED):
        return
    third = any(one.startswith("adjudication") for one in now.waits)
    to = A.ADJUDICATING if third else A.SCORED if not now.waits else None
    if third:
        for work in graders.disputed_works(case):
            graders.draw_third(case, work)
    if to is not None and to is not attempt.state and may_move(attempt, to):
        move(attempt, to)
        db.session.flush()
        audit.record("case.disputed" if third else "case.scored", case, by=BY)


def with_version(versions: Iterable[int]) -> Select[ExamCase]:
    """Select the cases in which a version of an item was asked."""
    attempts = select(Answer.attempt_id).where(Answer.item_version_id.in_(set(versions)))
    return select(ExamCase).where(ExamCase.attempt_id.in_(attempts)).order_by(ExamCase.id)
