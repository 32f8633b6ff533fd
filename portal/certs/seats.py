"""The seat rule: a seat is taken by one conditional update, before anything is read of its session."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.people import Person
from portal.certs.models.booking import SEATED, Booking, ExamSession, SessionState
from portal.certs.models.eligibility import Eligibility, EligibilityState
from portal.core.db import db
from portal.core.errors import Missing, Refused


class Full(Refused):
    """All seats are taken: there is the waitlist."""


def take(session_id: int) -> bool:
    """Take a seat of an open session that has one; the first statement of every verb that needs a seat."""
    taken = (
        update(ExamSession)
        .where(
            ExamSession.id == session_id,
            ExamSession.state == SessionState.OPEN,
            ExamSession.booked < ExamSession.capacity,
        )
        .values(booked=ExamSession.booked + 1)
        .returning(ExamSession.id)
        .execution_options(synchronize_session=False)
    )
    return db.session.scalar(taken) is not None


def give(session_id: int, seats: int = 1) -> None:
    """Give seats back: the mirror of taking, and a lock on the session like it."""
    given = (
        update(ExamSession)
        .where(ExamSession.id == session_id, ExamSession.booked >= seats)
        .values(booked=ExamSession.booked - seats)
        .returning(ExamSession.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(given) is None:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))


def why_not(session: ExamSession) -> Refused:
    """Return the refusal that fits a session of which no seat could be taken."""
    if session.state is SessionState.CALLED_OFF:
        return Refused(_l("This session was called off."))
    if session.state is not SessionState.OPEN:
        return Refused(_l("This session cannot be booked."))
    return Full(_l("All seats of this session are taken. You may join the waitlist."))


def fresh(session_id: int) -> ExamSession:
    """Return a session as it stands now, after its lock was taken."""
    row = db.session.scalars(
        select(ExamSession).where(ExamSession.id == session_id).execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise Missing(_l("There is no such session."))
    return row


def lock(*session_ids: int) -> None:
    """Lock sessions in the one order that everybody keeps: by id, before candidates and eligibilities."""
    ids = sorted(set(session_ids))
    db.session.execute(
        select(ExamSession.id).where(ExamSession.id.in_(ids)).order_by(ExamSession.id).with_for_update()
    )


def lock_candidate(person_id: int) -> None:
    """Lock a candidate after the sessions; rows that only point to him are not held up."""
    db.session.execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))


def open_eligibilities(person_id: int, level: str) -> list[Eligibility]:
    """Lock and return a candidate's open eligibilities of a level, the oldest purchase first."""
    return list(
        db.session.scalars(
            select(Eligibility)
            .where(
                Eligibility.person_id == person_id,
                Eligibility.level == level,
                Eligibility.state == EligibilityState.ACTIVE,
            )
            .order_by(Eligibility.bought_on, Eligibility.id)
            .with_for_update(of=Eligibility)
            .execution_options(populate_existing=True)
        )
    )


def locked_booking(booking_id: int) -> Booking:
    """Return a booking as it stands now, after the locks of its session and candidate."""
    return db.session.scalars(
        select(Booking)
        .where(Booking.id == booking_id)
        .with_for_update(of=Booking)
        .execution_options(populate_existing=True)
    ).one()


def recount(session_id: int) -> int:
    """Return how many seats of a session are held, counted anew."""
    held = select(func.count(Booking.id)).where(Booking.session_id == session_id, Booking.state.in_(SEATED))
    return int(db.session.scalar(held) or 0)
