"""What must hold before somebody gets a place, judged after the locks of session, candidate and eligibility."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.certs import asking, levels, seats, timing, tracks
from portal.certs.models.booking import (
    LIVE,
    SPENT,
    Booking,
    BookingState,
    ExamSession,
    Outcome,
    Proctor,
    SessionState,
)
from portal.certs.models.care import Accommodation, AccommodationState
from portal.certs.models.eligibility import Eligibility
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused

K = BookingState


class NoAttempt(Refused):
    """The candidate has to buy the exam first."""


def factor_of(person_id: int) -> int:
    """Return how much of the usual time a candidate has, in per cent."""
    granted = select(Accommodation.factor).where(
        Accommodation.person_id == person_id, Accommodation.state == AccommodationState.GRANTED
    )
    return int(db.session.scalar(granted) or 100)


def refuse_window(session: ExamSession, person: Person, now: datetime) -> None:
    """Refuse outside the days in which a session can be booked."""
    if session.state is not SessionState.OPEN:
        raise seats.why_not(session)
    if not timing.changeable(session.starts_at, now, levels.cutoff_hours()):
        raise Refused(_l("Booking for this session has closed."))
    days = levels.number("booking.open_days")
    if now >= timing.opens_at(session.starts_at, days):
        return
    early = levels.number("booking.fast_days") if tracks.fast(person) else 0
    if now < timing.opens_at(session.starts_at, days + early):
        raise Refused(_l("Booking for this session has not opened yet."))


def prerequisite(person_id: int, level: str, at: datetime) -> Any:
    """Return in words why a level may not be sat at an instant for want of another; None if nothing is wanting."""
    asks = levels.level(level).asks
    mine = asking.awards(person_id) if asks else []
    for asked in asks:
        held = [one for one in mine if one.level == asked.level]
        name = levels.name_of(asked.level)
        if asked.mode == levels.EVER:
            if not any(one.since <= at and not one.revoked for one in held):
                return _l("This exam asks for the level %(level)s, which may have expired.", level=name)
        elif not any(one.in_force(at) for one in held):
            return _l("This exam asks for the level %(level)s, in force on the day of the session.", level=name)  # fmt: skip
    return None


def _refuse_award(person_id: int, level: str, at: datetime) -> None:
    """Refuse while an award of the level is on hold, or runs outside its renewal window."""
    first = timedelta(days=levels.renewal_window()[0])
    for one in asking.awards(person_id):
        if one.level != level or one.revoked or not one.since <= at < one.until:
            continue
        if one.suspended:
            raise Refused(_l("Your award of this level is on hold. That is decided first."))
        if at < one.until + first:
            raise Refused(_l("You hold this level. It can be renewed in the months around its end."))


def open_again(person_id: int, level: str) -> datetime | None:
    """Return the first instant at which a session may start after somebody's fails at a level; None without any."""
    told = select(Booking.released_at).where(
        Booking.person_id == person_id, Booking.level == level, Booking.outcome == Outcome.FAILED
    )
    fails = [one for one in db.session.scalars(told) if one is not None]
    return timing.cooled(fails, [int(one) for one in catalogue.policy("cooldown.days")])


def _refuse_pauses(person_id: int, session: ExamSession) -> None:
    """Refuse within a cool-down, and beyond the attempts of a year."""
    again = open_again(person_id, session.level)
    if again is not None and session.starts_at < again:
        raise Refused(
            _l("After the last result a session may start from %(day)s on.", day=str(clock.day_of(again)))
        )
    since = timing.a_year_before(session.starts_at)
    made = (
        select(func.count(Booking.id))
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(
            Booking.person_id == person_id, Booking.level == session.level, Booking.state.in_(SPENT),
            ExamSession.starts_at > since, ExamSession.starts_at <= session.starts_at,
        )
    )  # fmt: skip
    most = levels.number("attempts.per_year")
    if (db.session.scalar(made) or 0) >= most:
        raise Refused(_l("Within twelve months this exam can be tried %(most)s times.", most=most))


def _refuse_clashes(person_id: int, session: ExamSession, until: datetime, but: set[int]) -> None:
    """Refuse a second live booking of the exam, and one that overlaps another with the candidate's own time."""
    mine = db.session.scalars(
        select(Booking).where(Booking.person_id == person_id, Booking.state.in_(LIVE), Booking.id.not_in(but))
    )
    for one in mine:
        if one.level == session.level and one.state is K.PRESENT:
            raise Refused(_l("A result or an appeal of this exam is still open."))
        if one.level == session.level:
            raise Refused(_l("You have a place for this exam already. You may move it to another session."))
        if timing.overlap((session.starts_at, until), (one.session.starts_at, one.until_at)):
            raise Refused(_l("This session overlaps another one that you have booked."))
    watches = select(Proctor.id).where(Proctor.person_id == person_id, Proctor.session_id == session.id)
    if db.session.scalar(watches) is not None:
        raise Refused(_l("You watch over this session and cannot sit in it."))


def spent(eligibility_id: int) -> int:
    """Return how many attempts of an eligibility are used up."""
    used = select(func.count(Booking.id)).where(
        Booking.eligibility_id == eligibility_id, Booking.state.in_(SPENT)
    )
    return int(db.session.scalar(used) or 0)


def left(eligibility: Eligibility, *, but: set[int] | None = None) -> int:
    """Return how many attempts of an eligibility are neither used up nor booked."""
    taken = select(func.count(Booking.id)).where(
        Booking.eligibility_id == eligibility.id,
        Booking.state.in_({*SPENT, *LIVE}),
        Booking.id.not_in(but or set()),
    )
    return eligibility.attempts - int(db.session.scalar(taken) or 0)


def covers(eligibility: Eligibility, start: datetime) -> bool:
    """Whether a session that starts then lies within an eligibility, half-open."""
    return start < clock.start_of(eligibility.ends_on)


def _eligibility(session: ExamSession, person: Person, but: set[int]) -> Eligibility:
    """Return the eligibility that pays for a session: the oldest with an attempt left."""
    mine = seats.open_eligibilities(person.id, session.level)
    with_attempt = [one for one in mine if left(one, but=but) > 0]
    if not with_attempt:
        raise NoAttempt(_l("You have no attempt left for this exam. Please buy the exam first."))
    inside = [one for one in with_attempt if covers(one, session.starts_at)]
    if not inside:
        raise Refused(_l("This session starts after your time to sit this exam is over."))
    return inside[0]


def admit(
    session: ExamSession, person: Person, now: datetime, *, but: set[int] | None = None, staff: bool = False
) -> tuple[Eligibility, int, datetime]:
    """Return eligibility, factor and own end of a candidate who may have a place; `Refused` says why not.

    `but` are bookings of his that this one replaces; `staff` may act outside the window.
    """
    without = but or set()
    if not staff:
        refuse_window(session, person, now)
    elif session.state is not SessionState.OPEN or now >= session.starts_at:
        raise seats.why_not(session)
    factor = factor_of(person.id)
    until = timing.own_end(session.starts_at, session.ends_at, factor)
    if asking.pending(person.id, session.level):
        raise Refused(_l("A result or an appeal of this exam is still open."))
    _refuse_clashes(person.id, session, until, without)
    if (why := prerequisite(person.id, session.level, session.starts_at)) is not None:
        raise Refused(why)
    _refuse_award(person.id, session.level, session.starts_at)
    _refuse_pauses(person.id, session)
    return _eligibility(session, person, without), factor, until
