"""What marking needs as days pass: late graders, reviews that are over, results that are due, appeals that wait."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.accounts import grants
from portal.accounts.may import May
from portal.certs import (
    case_facts,
    cases,
    grade_letters,
    grade_notices,
    graders,
    live_sittings,
    mark_deeds,
    releasing,
    reviewing,
)
from portal.certs.models.booking import ExamSession
from portal.certs.models.deciding import AppealState, ExamAppeal, Review, ReviewState
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import Assignment, AssignmentState, ExamCase
from portal.core import clock, rows
from portal.core.db import db, let_go

DAY = timedelta(days=1)
MARKED = (AttemptState.MARKING, AttemptState.ADJUDICATING, AttemptState.RELEASED)


def chase_graders() -> int:
    """Remind graders a day before a work is due, give late ones to somebody else, and draw where nobody was left."""
    now = clock.now()
    waits = Assignment.state.in_((AssignmentState.OFFERED, AssignmentState.ACCEPTED))
    late = select(Assignment.id).where(waits, Assignment.due_at <= now + DAY).order_by(Assignment.id)
    done = rows.each("chase_graders", rows.ids_of(late), _chase)
    short = select(ExamCase.id).join(Attempt, Attempt.id == ExamCase.attempt_id)
    open_cases = short.where(Attempt.state.in_(MARKED))
    done += rows.each("chase_graders", rows.ids_of(open_cases.order_by(ExamCase.id)), _fill)
    waiting = select(ExamAppeal.id).where(
        ExamAppeal.state == AppealState.ADMITTED,
        ExamAppeal.due_at <= now + 2 * DAY,
        ExamAppeal.reminded_at.is_(None),
    )
    return done + rows.each("chase_graders", rows.ids_of(waiting.order_by(ExamAppeal.id)), _appeal)


def _chase(number: int) -> int:
    row = db.session.get_one(Assignment, number)
    if row.due_at <= clock.now():
        mark_deeds.redraw(row, by="chase_graders", reason="late")
        return 1
    if row.reminded_at is not None:
        return 0
    row.reminded_at = clock.now()
    grade_letters.late(row)
    return 1


def _fill(number: int) -> int:
    """Draw graders that are missing: a case that was released has them only after an appeal."""
    case = cases.locked(db.session.get_one(ExamCase, number))
    round_no, made = case_facts.last_round(case), 0
    state = case.attempt.state
    if state not in MARKED or (state is AttemptState.RELEASED and round_no == 1):
        return 0
    for work in case_facts.works_of(case, round_no):
        made += len(graders.draw_missing(case, work))
    disputed = graders.disputed_works(case)
    return made + sum(graders.draw_third(case, work) is not None for work in disputed)


def _appeal(number: int) -> int:
    row = db.session.get_one(ExamAppeal, number)
    row.reminded_at = clock.now()
    grade_letters.appeal_waits(row, grants.holders(May.DECIDE_EXAM_APPEALS), again="late")
    return 1


def close_reviews() -> int:
    """Close the reviews whose time is over, and those that were sent back and never revised."""
    now = clock.now()
    over = reviewing.standing(Review.id, ReviewState.OPEN).where(Review.closes_at <= now).order_by(Review.id)
    done = rows.each(
        "close_reviews", rows.ids_of(over), lambda n: reviewing.close(_review(n), by="close_reviews")
    )
    back = reviewing.standing(Review.id, ReviewState.RETURNED).where(
        Review.closed_at <= now - reviewing.REVISE
    )
    return done + rows.each(
        "close_reviews", rows.ids_of(back), lambda n: reviewing.give_up(_review(n), by="close_reviews")
    )


def _review(number: int) -> Review:
    return db.session.get_one(Review, number)


def release_results() -> int:
    """Release the results of sessions whose hour has come and that are all scored; say so of those that are early."""
    found = [
        one for one in db.session.scalars(releasing.sessions_with_results()) if not releasing.unfinished(one)
    ]
    ids = [one.id for one in found if releasing.due(one) <= clock.now()]
    early = [one.id for one in found if one.id not in ids and releasing.ready(one)]
    let_go()
    told = rows.each("release_results", early, _tell)
    return told + rows.each("release_results", ids, _release)


def _tell(number: int) -> int:
    return int(grade_notices.to_release(db.session.get_one(ExamSession, number)) > 0)


def _release(number: int) -> int:
    session = db.session.get_one(ExamSession, number)
    done = releasing.release_session(session, by="release_results")
    live_sittings.record(session, by="release_results")
    return done
