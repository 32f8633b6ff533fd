"""Which attempts and sessions a reader may see: candidates their own, proctors those of their sessions, staff who read exams all."""

from __future__ import annotations

from sqlalchemy import Select, or_, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.certs.models.booking import Booking, ExamSession, Proctor
from portal.certs.models.delivery import Attempt, AttemptPart, Upload
from portal.certs.models.watching import Incident, Invalidation
from portal.certs.seat_access import found


def own_attempts(reader: Reader) -> Select[Attempt]:
    """Select the attempts of a reader; a token of an organisation reads none."""
    return select(Attempt).where(Attempt.person_id == (reader.person.id if reader.personal else 0))


def own_attempt(uid: str) -> Attempt:
    """Return one of the reader's own attempts."""
    row: Attempt = found(own_attempts(me()).where(Attempt.uid == uid))
    return row


def own_upload(attempt: Attempt, uid: str) -> Upload:
    """Return a file that the candidate of an attempt uploaded."""
    statement = select(Upload).join(AttemptPart, Upload.part_id == AttemptPart.id)
    row: Upload = found(statement.where(Upload.uid == uid, AttemptPart.attempt_id == attempt.id))
    return row


def own_proposal(uid: str) -> Invalidation:
    """Return a proposal about one of the reader's own attempts."""
    statement = select(Invalidation).join(Attempt, Invalidation.attempt_id == Attempt.id)
    row: Invalidation = found(statement.where(Invalidation.uid == uid, Attempt.person_id == me().person.id))
    return row


def sessions_of(reader: Reader) -> Select[ExamSession]:
    """Select the sessions whose console a reader may see."""
    statement = select(ExamSession)
    if reader.staff_may(May.READ_EXAMS):
        return statement
    mine = select(Proctor.session_id).where(Proctor.person_id == reader.person.id)
    return statement.where(ExamSession.id.in_(mine))


def seen_session(uid: str) -> ExamSession:
    """Return a session whose console the reader may see."""
    row: ExamSession = found(sessions_of(me()).where(ExamSession.uid == uid))
    return row


def watches(session: ExamSession) -> bool:
    """Whether the reader is a proctor of a session."""
    return me().person.id in {one.person_id for one in session.proctors}


def _within(session: ExamSession) -> Select[Booking]:
    return select(Booking).where(Booking.session_id == session.id)


def booking_in(session: ExamSession, uid: str) -> Booking:
    """Return a booking of a session."""
    row: Booking = found(_within(session).where(Booking.uid == uid))
    return row


def seen_attempt(uid: str) -> Attempt:
    """Return an attempt of a session whose console the reader may see."""
    ids = sessions_of(me()).with_only_columns(ExamSession.id)
    statement = select(Attempt).join(Booking, Attempt.booking_id == Booking.id)
    row: Attempt = found(statement.where(Attempt.uid == uid, Booking.session_id.in_(ids)))
    return row


def seen_incident(attempt: Attempt, uid: str) -> Incident:
    """Return an incident of an attempt."""
    row: Incident = found(select(Incident).where(Incident.uid == uid, Incident.attempt_id == attempt.id))
    return row


def incident_of(uid: str) -> Incident:
    """Return an incident of a session whose console the reader may see, or one that a proposal cites, to whoever decides."""
    reader = me()
    seen = Incident.session_id.in_(sessions_of(reader).with_only_columns(ExamSession.id))
    cited = Incident.id.in_(select(Invalidation.incident_id))
    mine = or_(seen, cited) if reader.staff_may(May.DECIDE_AWARDS) else seen
    row: Incident = found(select(Incident).where(Incident.uid == uid, mine))
    return row


def seen_proposal(uid: str) -> Invalidation:
    """Return a proposal to declare an attempt invalid."""
    row: Invalidation = found(select(Invalidation).where(Invalidation.uid == uid))
    return row
