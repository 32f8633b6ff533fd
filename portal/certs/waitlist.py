"""The queue of a full session: an offer takes the freed seat, by cancellation, by hand or by chore through one function."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from portal.accounts.people import Person
from portal.certs import booking_letters as letters
from portal.certs import guards, levels, seats, timing, tracks
from portal.certs.models.booking import (
    LIVE,
    OPEN,
    QUEUED,
    Booking,
    BookingState,
    ExamSession,
    SessionState,
)
from portal.certs.models.eligibility import Eligibility, EligibilityState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move

K = BookingState
FIRST_CHOICE, FAST, USUAL = 0, 1, 2


def offers_run(session: ExamSession) -> bool:
    """Whether a session still gives offers: published, and not within the last days before it."""
    hours = levels.number("booking.no_offer_hours")
    return session.state is SessionState.OPEN and timing.changeable(session.starts_at, clock.now(), hours)


def rank_of(person: Person, level: str) -> int:
    """Return where somebody stands in a queue: first whom we called off, then the fast track, then the others."""
    later = aliased(Booking)
    rebooked = exists().where(
        later.person_id == person.id,
        later.level == level,
        later.id > Booking.id,
        later.state.not_in([K.LAPSED, K.CALLED_OFF, K.WAITING, K.OFFERED]),
    )
    ours = select(Booking.id).where(
        Booking.person_id == person.id, Booking.level == level, Booking.state == K.CALLED_OFF,
        Booking.confirmed_at.is_not(None), ~rebooked,
    )  # fmt: skip
    if db.session.scalar(ours.limit(1)) is not None:
        return FIRST_CHOICE
    return FAST if tracks.fast(person) else USUAL


def queue(session_id: int, *, person: Person, by: Person) -> Booking:
    """Put a candidate on the waitlist of a full session."""
    seats.lock(session_id)
    session, now = seats.fresh(session_id), clock.now()
    seats.lock_candidate(person.id)
    guards.refuse_window(session, person, now)
    if session.free > 0:
        raise Refused(_l("This session has free seats: please book one."))
    if not offers_run(session):
        raise Refused(_l("It is too close to the session: no seats are offered any more."))
    if any(one.session_id == session_id for one in _open_of(person.id, session.level)):
        raise Refused(_l("You have a place in this session or its queue already."))
    confirmed = {one.id for one in _open_of(person.id, session.level) if one.state is K.CONFIRMED}
    eligibility, factor, until = guards.admit(session, person, now, but=confirmed)
    row = Booking(
        session=session, person=person, level=session.level, eligibility=eligibility, state=K.WAITING,
        until_at=until, factor=factor, rank=rank_of(person, session.level),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("exam.queued", row, by=by, level=row.level, start=session.starts_at)
    return row


def _open_of(person_id: int, level: str) -> list[Booking]:
    mine = select(Booking).where(
        Booking.person_id == person_id, Booking.level == level, Booking.state.in_(OPEN)
    )
    return list(db.session.scalars(mine))


def line(session_id: int) -> Select[Booking]:
    """Select who waits for a session, in the order of serving."""
    return (
        select(Booking)
        .where(Booking.session_id == session_id, Booking.state == K.WAITING)
        .order_by(Booking.rank, Booking.joined_at, Booking.id)
    )


def place_of(row: Booking) -> int:
    """Return which place in the queue a waiting booking has, counted from 1; 0 if it does not wait."""
    if row.state is not K.WAITING:
        return 0
    before = select(func.count(Booking.id)).where(
        Booking.session_id == row.session_id,
        Booking.state == K.WAITING,
        or_(
            Booking.rank < row.rank,
            (Booking.rank == row.rank) & (Booking.joined_at < row.joined_at),
            (Booking.rank == row.rank) & (Booking.joined_at == row.joined_at) & (Booking.id < row.id),
        ),
    )
    return int(db.session.scalar(before) or 0) + 1


def _next(session: ExamSession, but: set[int]) -> Booking | None:
    """Return who is next: nobody is offered two seats of one exam at a time."""
    other = aliased(Booking)
    busy = exists().where(
        other.person_id == Booking.person_id, other.level == Booking.level, other.state == K.OFFERED
    )
    found = line(session.id).where(~busy, Booking.id.not_in(but)).limit(1)
    return db.session.scalars(found.execution_options(populate_existing=True)).first()


def _fits(row: Booking) -> bool:
    """Whether whoever waits still has an attempt to use in this session."""
    mine = db.session.scalars(
        select(Eligibility).where(
            Eligibility.person_id == row.person_id, Eligibility.level == row.level,
            Eligibility.state == EligibilityState.ACTIVE,
        )
    )  # fmt: skip
    confirmed = select(Booking.id).where(
        Booking.person_id == row.person_id, Booking.level == row.level, Booking.state.in_(LIVE)
    )
    but = set(db.session.scalars(confirmed))
    return any(guards.covers(one, row.session.starts_at) and guards.left(one, but=but) > 0 for one in mine)


def promote(session_id: int) -> list[Booking]:
    """Offer every free seat of a session to whoever waits, in order; an offer takes its seat. Return the offers."""
    seats.lock(session_id)
    session = seats.fresh(session_id)
    made: list[Booking] = []
    passed: set[int] = set()
    while offers_run(session) and (row := _next(session, passed)) is not None:
        if not _fits(row):
            _lapse(row)
            continue
        if not seats.take(session_id):
            break
        if _offer(row, session):
            made.append(row)
        else:
            seats.give(session_id)
            passed.add(row.id)
    seats.fresh(session_id)
    return made


def _offer(row: Booking, session: ExamSession) -> bool:
    """Turn a waiting booking into an offer; False if the candidate has just been offered another seat."""
    now = clock.now()
    try:
        with db.session.begin_nested():
            move(row, K.OFFERED)
            row.expires_at = timing.held_until(
                session.starts_at, now, levels.offer_for(), levels.cutoff_hours()
            )
            db.session.flush()
    except IntegrityError:
        return False
    audit.record("exam.offered", row, by="waitlist", level=row.level, start=session.starts_at)
    letters.offered(row)
    return True


def _lapse(row: Booking) -> None:
    move(row, K.LAPSED)
    row.ended_at = clock.now()
    db.session.flush()
    audit.record("exam.lapsed", row, by="waitlist", level=row.level)


def expire(booking_id: int, *, by: str) -> int:
    """Let a hold or an offer lapse whose time is over, or a wait that nothing can come of; its seat goes on."""
    row = db.session.get_one(Booking, booking_id)
    seats.lock(row.session_id)
    seats.lock_candidate(row.person_id)
    session, row = seats.fresh(row.session_id), seats.locked_booking(booking_id)
    now, was = clock.now(), row.state
    over = row.expires_at is not None and now >= row.expires_at
    hopeless = was is K.WAITING and not offers_run(session)
    if was not in {K.HELD, *QUEUED} or not (over or hopeless):
        return 0
    if was is not K.WAITING:
        seats.give(row.session_id)
    move(row, K.LAPSED)
    row.expires_at, row.ended_at = None, now
    db.session.flush()
    audit.record("exam.lapsed", row, by=by, level=row.level)
    letters.lapsed(row, was)
    promote(row.session_id)
    return 1
