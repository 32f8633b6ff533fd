"""Sessions: drawn up, published, given more or fewer seats, called off by two people; what is booked in them follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select, update

from portal.accounts.people import Person
from portal.certs import asking, fees, levels, seats, waitlist
from portal.certs import booking_letters as letters
from portal.certs.events import SessionCalledOff
from portal.certs.models.booking import (
    OPEN,
    SEATED,
    Booking,
    BookingState,
    ExamSession,
    Mode,
    Proctor,
    SessionState,
)
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move

S = SessionState


def draw_up(
    *, level: str, starts_at: datetime, ends_at: datetime, tz: str, mode: Mode, place: str, capacity: int,
    languages: list[str], proctors: Sequence[Person], by: Person,
) -> ExamSession:  # fmt: skip
    """Draw up a session; nobody sees it before it is published."""
    levels.level(level)
    if starts_at <= clock.now():
        raise Refused(_l("This start lies in the past."), field="starts", status=422)
    if ends_at <= starts_at:
        raise Refused(_l("The end lies before the start."), field="ends", status=422)
    row = ExamSession(
        level=level, starts_at=starts_at, ends_at=ends_at, tz=tz, mode=mode, place=place, capacity=capacity,
        languages=languages, by=by,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    name_proctors(row, proctors, by=by)
    audit.record("session.drawn_up", row, by=by, level=level, start=starts_at, capacity=capacity)
    return row


def name_proctors(row: ExamSession, proctors: Sequence[Person], *, by: Person) -> None:
    """Say who watches over a session; whoever sits in it cannot."""
    sits = select(Booking.person_id).where(Booking.session_id == row.id, Booking.state.in_(SEATED))
    mine, wanted = set(db.session.scalars(sits)), {one.id: one for one in proctors}
    if mine & wanted.keys():
        raise Refused(_l("A candidate of this session cannot watch over it."), field="proctors", status=422)
    for old in list(row.proctors):
        if old.person_id not in wanted:
            db.session.delete(old)
    known = {one.person_id for one in row.proctors}
    db.session.add_all(Proctor(session=row, person=one) for one in proctors if one.id not in known)
    db.session.flush()
    db.session.refresh(row, ["proctors"])
    audit.record("session.proctors", row, by=by, people=[one.person.name for one in row.proctors])


def faults(row: ExamSession) -> list[str]:
    """Return in words what keeps a session from being published."""
    needed = ceil(row.capacity / levels.number("booking.per_proctor"))
    found = []
    if len(row.proctors) < needed:
        found.append(
            str(_l("%(needed)s proctors are needed for so many seats.", needed=needed))
            if needed > 1
            else str(_l("A proctor is needed."))
        )
    return [*found, *asking.faults(row)]


def publish_session(row: ExamSession, *, by: Person) -> None:
    """Publish a session: it can be booked in its window."""
    seats.lock(row.id)
    row = seats.fresh(row.id)
    if row.starts_at <= clock.now():
        raise Refused(_l("This start lies in the past."))
    if wrong := faults(row):
        raise Refused(" ".join(wrong))
    move(row, S.OPEN)
    db.session.flush()
    audit.record("session.published", row, by=by, level=row.level, start=row.starts_at)


def resize(row: ExamSession, capacity: int, *, by: Person) -> None:
    """Give a session more or fewer seats, never fewer than are booked; new seats go to whoever waits."""
    old = row.capacity
    set_ = (
        update(ExamSession)
        .where(ExamSession.id == row.id, ExamSession.booked <= capacity)
        .values(capacity=capacity)
        .returning(ExamSession.id)
        .execution_options(synchronize_session=False)
    )
    if capacity < 1 or db.session.scalar(set_) is None:
        raise Refused(_l("There cannot be fewer seats than are booked."), field="capacity", status=422)
    seats.fresh(row.id)
    audit.record("session.resized", row, by=by, capacity={"old": old, "new": capacity})
    waitlist.promote(row.id)


def call_off(row: ExamSession, *, by: Person, reason: str) -> None:
    """Call a session off: everybody in it gets attempt and fees back. Two people stand for it (`exam_deeds`)."""
    seats.lock(row.id)
    row = seats.fresh(row.id)
    begun = select(func.count(Booking.id)).where(
        Booking.session_id == row.id, Booking.state.in_((BookingState.PRESENT, BookingState.SAT))
    )
    if db.session.scalar(begun):
        raise Refused(_l("Candidates are checked in already: the session cannot be called off."))
    move(row, S.CALLED_OFF)
    db.session.flush()
    audit.record("session.called_off", row, by=by, level=row.level, reason=reason)
    publish(SessionCalledOff(row, reason))


def on_called_off(event: SessionCalledOff) -> None:
    """Take everybody out of a session that was called off, give back what was paid, and say which others there are."""
    row = event.session
    mine = select(Booking).where(Booking.session_id == row.id, Booking.state.in_(OPEN)).order_by(Booking.id)
    others = list(db.session.scalars(upcoming(row.level).limit(3)))
    held = 0
    for booking in db.session.scalars(mine.with_for_update(of=Booking)).all():
        held += booking.state in SEATED
        move(booking, BookingState.CALLED_OFF)
        booking.expires_at, booking.ended_at, booking.reason = None, clock.now(), event.reason
        booking.sequence += 1
        db.session.flush()
        fees.to_credit(booking, by="session called off")
        audit.record("exam.called_off", booking, by="session called off", level=booking.level)
        letters.called_off(booking, others)
    if held:
        seats.give(row.id, held)
    seats.fresh(row.id)


def upcoming(level: str = "") -> Select[ExamSession]:
    """Select the published sessions that have not begun, the next first."""
    found = (
        select(ExamSession)
        .where(ExamSession.state == S.OPEN, ExamSession.starts_at > clock.now())
        .order_by(ExamSession.starts_at, ExamSession.id)
    )
    return found.where(ExamSession.level == level) if level else found


def close(session_id: int, *, by: str) -> int:
    """Close a session that is over."""
    seats.lock(session_id)
    row = seats.fresh(session_id)
    last = select(func.max(Booking.until_at)).where(
        Booking.session_id == row.id, Booking.state.in_((BookingState.PRESENT, BookingState.CONFIRMED))
    )
    over = max(db.session.scalar(last) or row.ends_at, row.ends_at)
    if row.state is not S.OPEN or clock.now() < over:
        return 0
    move(row, S.CLOSED)
    db.session.flush()
    audit.record("session.closed", row, by=by, level=row.level)
    return 1
