"""Declaring an attempt invalid: the chief examiner proposes and cites an incident, the candidate is heard, a decider confirms."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.certs import attempts, levels, seats, sitting
from portal.certs import sitting_letters as letters
from portal.certs.events import AttemptInvalidated
from portal.certs.models.booking import Booking, BookingState, Outcome
from portal.certs.models.delivery import ATTEMPT_LIFE, Attempt, AttemptState, Ending, PartState
from portal.certs.models.watching import Incident, Invalidation, InvalidationState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.events import publish
from portal.core.states import move

V = InvalidationState


def waiting() -> Select[Invalidation]:
    """Select what waits for a decision, the oldest first."""
    return select(Invalidation).where(Invalidation.state == V.PROPOSED).order_by(Invalidation.id)


def count_waiting() -> Select[int]:
    """Select how many proposals wait for a decider."""
    return select(func.count(Invalidation.id)).where(Invalidation.state == V.PROPOSED)


def open_of(attempt_id: int) -> Invalidation | None:
    """Return the proposal about an attempt that is not decided."""
    return db.session.scalars(waiting().where(Invalidation.attempt_id == attempt_id)).first()


def of(attempt_id: int) -> list[Invalidation]:
    """Return every proposal about an attempt."""
    mine = select(Invalidation).where(Invalidation.attempt_id == attempt_id).order_by(Invalidation.id)
    return list(db.session.scalars(mine))


def confirmed(attempt_id: int) -> Invalidation | None:
    """Return the proposal by which an attempt was declared invalid; None if it was not."""
    return next((one for one in of(attempt_id) if one.state is V.CONFIRMED), None)


def propose(row: Attempt, incident: Incident, *, reason: str, by: Person) -> Invalidation:
    """Propose that an attempt counts for nothing; the candidate is told, and has some days to answer."""
    row, now = sitting.locked(row.id), clock.now()
    if incident.attempt_id != row.id:
        raise Refused(_l("Please cite an incident of this attempt."), field="incident", status=422)
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if row.person_id == by.id:
        raise Forbidden(_l("You cannot decide about your own attempt."))
    if AttemptState.INVALIDATED not in ATTEMPT_LIFE[row.state]:
        raise Refused(_l("This attempt cannot be declared invalid."))
    if open_of(row.id) is not None:
        raise Refused(_l("This is proposed already."))
    made = Invalidation(
        attempt=row, incident=incident, reason=reason.strip()[:300], by=by,
        not_before=now + timedelta(days=levels.number("invalidation.hearing_days")),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("attempt.invalidation_proposed", row, by=by, reason=made.reason)
    letters.heard(made)
    return made


def _locked(row: Invalidation) -> Invalidation:
    return db.session.get_one(
        Invalidation, row.id, with_for_update={"of": Invalidation}, populate_existing=True
    )


def hear(row: Invalidation, *, words: str, by: Person) -> None:
    """Take down what the candidate says; said once, and kept with the proposal."""
    row = _locked(row)
    if row.attempt.person_id != by.id:
        raise Missing(_l("There is no such entry, or it is not yours."))
    if row.state is not V.PROPOSED or row.heard_at is not None:
        raise Refused(_l("This was answered or decided already."))
    if not words.strip() or len(words) > 2000:
        raise Refused(_l("Please write your answer in up to 2000 characters."), field="words", status=422)
    row.heard, row.heard_at = words.strip(), clock.now()
    audit.record("attempt.heard", row.attempt, by=by)


def confirm(row: Invalidation, *, by: Person) -> None:
    """Declare the attempt invalid, once the candidate answered or his days are over; another person than the proposer."""
    attempt = db.session.get_one(Attempt, row.attempt_id)
    seats.lock(attempt.booking.session_id)
    seats.lock_candidate(attempt.person_id)
    attempt, now = sitting.locked(attempt.id), clock.now()
    row = _second(row, by)
    if now < row.not_before and row.heard_at is None:
        raise Refused(_l("The candidate still has time to answer: nothing is decided before that."))
    for part in attempt.parts:
        if part.state is not PartState.ENDED:
            move(part, PartState.ENDED)
            part.ended_at, part.ending, part.open_until = now, Ending.BY_PROCTOR, None
    move(attempt, AttemptState.INVALIDATED)
    attempt.ended_at = attempt.ended_at or now
    _decided(row, V.CONFIRMED, by)
    audit.record("attempt.invalidated", attempt, by=by, reason=row.reason, second=row.by.name)
    _outcome(attempt.booking, by)
    publish(AttemptInvalidated(attempt.id))
    letters.decided(row)


def _outcome(booking: Booking, by: Person) -> None:
    if booking.state is BookingState.PRESENT:
        attempts.finish(booking, Outcome.INVALIDATED, at=clock.now(), by=by)
        return
    failed, booking.outcome = booking.outcome is Outcome.FAILED, Outcome.INVALIDATED
    db.session.flush()
    if failed:
        attempts.take_back_retake(booking, by=by)


def decline(row: Invalidation, *, reason: str, by: Person) -> None:
    """Let the attempt stand, with the reason."""
    row = _second(row, by)
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    row.answer = reason.strip()[:300]
    _decided(row, V.DECLINED, by)
    audit.record("attempt.stands", row.attempt, by=by, reason=row.answer)
    letters.decided(row)


def _second(row: Invalidation, by: Person) -> Invalidation:
    row = _locked(row)
    if row.state is not V.PROPOSED:
        raise Refused(_l("This was answered or decided already."))
    if by.id in (row.by_id, row.attempt.person_id) or by.id in {
        one.person_id for one in row.attempt.booking.session.proctors
    }:
        raise Forbidden(_l("You had a part in this: somebody else decides."))
    return row


def _decided(row: Invalidation, to: InvalidationState, by: Person) -> None:
    move(row, to)
    row.second, row.decided_at = by, clock.now()
    db.session.flush()
