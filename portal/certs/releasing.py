"""Results are secret until they are released: a whole session at once, by somebody who marked nothing of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import Select, select

from portal.accounts.people import Person
from portal.certs import (
    attempts,
    cases,
    conflicts,
    grade_letters,
    grade_notices,
    graders,
    proctoring,
    reviewing,
    seats,
)
from portal.certs.grade_events import ResultReleased
from portal.certs.models.booking import Booking, ExamSession, Outcome
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import Assignment, CaseWork, ExamCase
from portal.certs.models.watching import ResultHold
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move

A = AttemptState
UNFINISHED = (A.READY, A.RUNNING, A.SUBMITTED, A.MARKING, A.ADJUDICATING)


def locked(case: ExamCase) -> ExamCase:
    """Lock the session of a case, then its candidate, then the case: as everywhere."""
    seats.lock(case.attempt.booking.session_id)
    seats.lock_candidate(case.attempt.person_id)
    return cases.locked(case)


def of_session(session_id: int) -> Select[ExamCase]:
    """Select the cases of a session."""
    return (
        select(ExamCase)
        .join(Attempt, Attempt.id == ExamCase.attempt_id)
        .join(Booking, Booking.id == Attempt.booking_id)
        .where(Booking.session_id == session_id)
        .order_by(ExamCase.id)
    )


def held(case: ExamCase) -> ResultHold | None:
    """Return what keeps a result from being released."""
    return proctoring.standing_hold(case.attempt_id)


def hold(case: ExamCase, *, by: Person, reason: str) -> None:
    """Hold a result back; the candidate is told why."""
    grade_letters.held(case, proctoring.hold(case.attempt, reason=reason, by=by))


def lift(case: ExamCase, *, by: Person) -> None:
    """Let a result go its way again; whoever held it does not lift it."""
    proctoring.lift(case.attempt, by=by)


def unfinished(session: ExamSession) -> int:
    """Return how many attempts of a session still wait for marks, but for those that are held."""
    found = (
        select(Attempt)
        .join(Booking, Booking.id == Attempt.booking_id)
        .where(Booking.session_id == session.id, Attempt.state.in_(UNFINISHED))
    )
    kept = select(ResultHold.attempt_id).where(ResultHold.lifted_at.is_(None))
    return len(db.session.scalars(found.where(Attempt.id.not_in(kept))).all())


def ready(session: ExamSession) -> list[ExamCase]:
    """Return the cases of a session that are scored and not held."""
    kept = select(ResultHold.attempt_id).where(ResultHold.lifted_at.is_(None))
    scored = of_session(session.id).where(Attempt.state == A.SCORED, Attempt.id.not_in(kept))
    return list(db.session.scalars(scored))


def release_session(session: ExamSession, *, by: Person | str) -> int:
    """Release every scored result of a session that is not held, all at one time; return how many."""
    seats.lock(session.id)
    waits = unfinished(session)
    if waits:
        raise Refused(
            ngettext(
                "%(num)s attempt of this session is not scored yet.",
                "%(num)s attempts of this session are not scored yet.",
                waits,
            )
        )
    rows = ready(session)
    for case in rows:
        _release(case, by=by, reason="")
    return len(rows)


def release(case: ExamCase, *, by: Person, reason: str) -> None:
    """Release one result before the others of its session: an exception, with its reason."""
    if not reason.strip():
        raise Refused(
            _l("One result alone is an exception: please give the reason."), field="reason", status=422
        )
    _release(case, by=by, reason=reason.strip()[:300])


def _release(case: ExamCase, *, by: Person | str, reason: str) -> None:
    row = locked(case)
    if held(row) is not None:
        raise Refused(_l("This result is held."))
    if isinstance(by, Person) and by.id in conflicts.markers(row):
        raise Forbidden(_l("You marked this work: somebody else releases its result."))
    kept = cases.current(row)
    if kept is None or kept.passed is None:
        raise Refused(_l("This attempt is not scored yet."))
    move(row.attempt, A.RELEASED)
    row.released_at = clock.now()
    db.session.flush()
    outcome = Outcome.PASSED if kept.passed else Outcome.FAILED
    attempts.finish(row.attempt.booking, outcome, at=row.released_at, by=by)
    audit.record("result.released", row, by=by, reason=reason)
    _tell(row, passed=bool(kept.passed))


def turn_to_pass(case: ExamCase, *, by: Person | str, reason: str) -> None:
    """Let a released fail count as passed from now on; the case is locked by the caller."""
    if case.attempt.state is not A.RELEASED:
        raise Refused(_l("This attempt was declared invalid: its result does not change any more."))
    kept = cases.current(case)
    if kept is None or kept.passed:
        return
    cases.keep(case, kept.body, True, reason=reason)
    case.attempt.booking.outcome = Outcome.PASSED
    db.session.flush()
    audit.record("result.turned", case, by=by, reason=reason)
    _tell(case, passed=True)


def _tell(case: ExamCase, *, passed: bool) -> None:
    grade_letters.released(case, passed=passed)
    if passed and reviewing.open_for(case) is None:
        grade_notices.to_decide(case)
    publish(ResultReleased(case, passed))


def due(session: ExamSession) -> datetime:
    """Return when the results of a session are released by themselves: so many working days after its end."""
    return graders.due(session.ends_at, int(catalogue.policy("release.days")))


def releasable(*, but: int) -> Select[ExamSession]:
    """Select the sessions that a person may release at once: every attempt scored or held, none of the scored marked by him."""
    kept = select(ResultHold.attempt_id).where(ResultHold.lifted_at.is_(None))
    free = (
        select(Booking.session_id)
        .join(Attempt, Attempt.booking_id == Booking.id)
        .where(Attempt.id.not_in(kept))
    )
    scored = free.where(Attempt.state == A.SCORED)
    marked = (
        scored.join(ExamCase, ExamCase.attempt_id == Attempt.id)
        .join(CaseWork, CaseWork.case_id == ExamCase.id)
        .join(Assignment, Assignment.work_id == CaseWork.work_id)
        .where(Assignment.grader_id == but, Assignment.state.in_(graders.STANDS))
    )
    return (
        select(ExamSession)
        .where(ExamSession.id.in_(scored), ExamSession.id.not_in(marked))
        .where(ExamSession.id.not_in(free.where(Attempt.state.in_(UNFINISHED))))
        .order_by(ExamSession.ends_at, ExamSession.id)
    )


def sessions_with_results() -> Select[Any]:
    """Select the sessions that have results to release, the oldest first."""
    return (
        select(ExamSession)
        .where(
            ExamSession.id.in_(
                select(Booking.session_id)
                .join(Attempt, Attempt.booking_id == Booking.id)
                .where(Attempt.state.in_((*UNFINISHED, A.SCORED)))
            )
        )
        .order_by(ExamSession.ends_at, ExamSession.id)
    )
