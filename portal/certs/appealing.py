"""Appeals and complaints: lodged in time, judged by two people who are new to the case, with a remedy or reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.certs import (
    attempts,
    blind,
    case_facts,
    cases,
    conflicts,
    deciding,
    grade_letters,
    grade_notices,
    graders,
    invalidating,
    releasing,
)
from portal.certs.models.deciding import AppealState, ExamAppeal, Remedy, Verdict
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import CaseWork, ExamCase
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move

P = AppealState
TOLD = (AttemptState.RELEASED, AttemptState.INVALIDATED)
DAYS_TO_JUDGE = 15


def found(uid: str) -> ExamAppeal:
    """Return one appeal."""
    row = db.session.scalars(select(ExamAppeal).where(ExamAppeal.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such appeal."))
    return row


def of_case(case: ExamCase) -> list[ExamAppeal]:
    """Return the appeals of a case, the newest first."""
    rows = select(ExamAppeal).where(ExamAppeal.case_id == case.id).order_by(ExamAppeal.id.desc())
    return list(db.session.scalars(rows))


def last_moment(case: ExamCase) -> datetime | None:
    """Return until when an appeal is taken: so many days from the release, or from what was decided since."""
    undone = invalidating.confirmed(case.attempt_id)
    moments = [
        case.released_at,
        *(one.at for one in deciding.of_case(case)),
        undone.decided_at if undone else None,
    ]
    told = [one for one in moments if one is not None]
    return max(told) + timedelta(days=int(catalogue.policy("appeal.days"))) if told else None


def lodge(case: ExamCase, *, by: Person, words: str, complaint: bool = False) -> ExamAppeal:
    """Appeal against a result or decision; what comes too late is kept and answered so."""
    row, until = cases.locked(case), last_moment(case)
    if row.person.id != by.id:
        raise Missing(_l("There is no such result."))
    if until is None or row.attempt.state not in TOLD:
        raise Refused(_l("There is no result yet to appeal against."))
    if not words.strip() or len(words) > 4000:
        raise Refused(_l("Please say in up to 4000 characters what is wrong."), field="words", status=422)
    if any(one.state is P.ADMITTED for one in of_case(row)):
        raise Refused(_l("Your appeal is with the panel already."))
    made = ExamAppeal(
        case=row, complaint=complaint, words=words.strip(), due_at=graders.due(clock.now(), DAYS_TO_JUDGE)
    )
    db.session.add(made)
    db.session.flush()
    move(made, P.ADMITTED if complaint or clock.now() < until else P.TOO_LATE)
    audit.record("appeal.lodged", row, by=by, late=made.state is P.TOO_LATE)
    grade_letters.appeal_received(made)
    return made


def new_to(row: ExamAppeal, by: Person) -> bool:
    """Whether somebody is new to the case of an appeal, or the member of the panel who proposed its answer."""
    undone = {who for one in invalidating.of(row.case.attempt_id) for who in (one.by_id, one.second_id)}
    return by.id not in undone and conflicts.independent(
        by, row.case, but={by.id} & conflicts.panel(row.case)
    )


def _locked(row: ExamAppeal, by: Person) -> ExamAppeal:
    """Lock the case and the appeal, and refuse whoever is not new to the case."""
    case = releasing.locked(row.case)
    fresh = db.session.get_one(ExamAppeal, row.id, with_for_update={"of": ExamAppeal}, populate_existing=True)
    mine = {fresh.first_id} if fresh.first_id is not None else set()
    if not (new_to(fresh, by) and conflicts.independent(by, case, but={by.id} & mine)):
        raise Forbidden(
            _l("You had a part in this case, or a tie to the candidate: others judge the appeal.")
        )
    if fresh.state is not P.ADMITTED:
        raise Refused(_l("This appeal is judged already."))
    return fresh


REMEDIES = {
    True: (Remedy.ANSWER, Remedy.FREE_ATTEMPT, Remedy.DISMISS),
    False: (Remedy.REMARK, Remedy.FREE_ATTEMPT, Remedy.DECIDE_ANEW, Remedy.DISMISS),
}


def fitting(row: ExamAppeal) -> tuple[Remedy, ...]:
    """Return what an appeal or complaint can come to: a new decision only where the last one was a refusal.

    What was declared invalid since is neither marked nor decided again.
    """
    if row.case.attempt.state is not AttemptState.RELEASED:
        return tuple(one for one in REMEDIES[row.complaint] if one not in (Remedy.REMARK, Remedy.DECIDE_ANEW))
    made = deciding.of_case(row.case)
    refused = bool(made) and made[-1].verdict is Verdict.REFUSED
    return tuple(one for one in REMEDIES[row.complaint] if one is not Remedy.DECIDE_ANEW or refused)


def judge(row: ExamAppeal, remedy: Remedy, *, by: Person, answer: str) -> None:
    """Propose how an appeal is answered; a second member of the panel confirms."""
    row = _locked(row, by)
    if row.first_id is not None and row.first_id != by.id:
        raise Refused(
            _l("Another member of the panel has proposed an answer: please confirm it or send it back.")
        )
    if remedy not in fitting(row):
        raise Refused(_l("This does not fit here."), field="remedy", status=422)
    if not answer.strip() or len(answer) > 2000:
        raise Refused(_l("Please give the candidate the reasons in up to 2000 characters."), field="answer", status=422)  # fmt: skip
    row.first, row.remedy, row.answer = by, remedy, answer.strip()
    db.session.flush()
    audit.record("appeal.proposed", row.case, by=by, remedy=remedy)
    grade_notices.appeal_proposed(row)


def send_back(row: ExamAppeal, *, by: Person) -> None:
    """Disagree with the answer proposed: it is written anew."""
    row = _locked(row, by)
    if row.first_id is None or row.first_id == by.id:
        raise Refused(_l("Nobody else has proposed an answer yet."))
    row.first, row.remedy, row.answer = None, None, ""
    audit.record("appeal.sent_back", row.case, by=by)


def confirm(row: ExamAppeal, *, by: Person) -> None:
    """Stand for the answer of another member of the panel: it is done at once."""
    row = _locked(row, by)
    if row.first_id is None or row.remedy is None:
        raise Refused(_l("Nobody else has proposed an answer yet."))
    if row.first_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person decides on it."))
    if row.remedy not in fitting(row):
        raise Refused(
            _l("This answer does not fit any more: please send it back, so that it is written anew.")
        )
    row.second, row.decided_at = by, clock.now()
    move(row, P.DISMISSED if row.remedy is Remedy.DISMISS else P.UPHELD)
    db.session.flush()
    audit.record("appeal.judged", row.case, by=by, remedy=row.remedy)
    _do(row)
    grade_letters.appeal_judged(row)


def _do(row: ExamAppeal) -> None:
    if row.remedy is Remedy.REMARK:
        for work in blind.copies(row.case, round_no=case_facts.last_round(row.case) + 1):
            graders.draw_missing(row.case, work)
    elif row.remedy is Remedy.FREE_ATTEMPT:
        attempts.give_free(row.case.attempt.booking, by="appeal")
    elif row.remedy is Remedy.DECIDE_ANEW:
        grade_notices.to_decide(row.case)


def pending(person_id: int, level: str) -> bool:
    """Whether a result or an appeal of a person at a level is still open, or a work is marked anew."""
    states = (AttemptState.READY, AttemptState.RUNNING, *cases.OPEN)
    mine = select(Attempt.id).where(Attempt.person_id == person_id, Attempt.level == level)
    if db.session.scalar(mine.where(Attempt.state.in_(states)).limit(1)) is not None:
        return True
    open_appeal = (
        select(ExamAppeal.id)
        .join(ExamCase, ExamCase.id == ExamAppeal.case_id)
        .where(ExamCase.attempt_id.in_(mine), ExamAppeal.state == P.ADMITTED)
    )
    if db.session.scalar(open_appeal.limit(1)) is not None:
        return True
    again = select(CaseWork.case_id).where(CaseWork.round > 1)
    told = mine.where(Attempt.state == AttemptState.RELEASED)
    anew = select(ExamCase).where(ExamCase.attempt_id.in_(told), ExamCase.id.in_(again))
    return any(cases.compute(one).waits for one in db.session.scalars(anew))


def count_waiting() -> Select[Any]:
    """Select how many appeals wait for the panel."""
    return select(func.count(ExamAppeal.id)).where(ExamAppeal.state == P.ADMITTED)
