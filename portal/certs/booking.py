"""Places in sessions: held, confirmed, given up, moved, cancelled; each under the seat rule and the one order of locks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import booking_letters as letters
from portal.certs import fees, guards, levels, seats, timing, waitlist
from portal.certs.models.booking import Booking, BookingState, ExamSession
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move

K = BookingState


def hold(session_id: int, *, person: Person, by: Person) -> Booking:
    """Hold a seat for a candidate until he has confirmed name and rules, and paid where booking costs a fee."""
    if not seats.take(session_id):
        raise seats.why_not(seats.fresh(session_id))
    session, now = seats.fresh(session_id), clock.now()
    seats.lock_candidate(person.id)
    eligibility, factor, until = guards.admit(session, person, now)
    row = Booking(
        session=session, person=person, level=session.level, eligibility=eligibility, state=K.HELD, until_at=until,
        factor=factor, expires_at=timing.held_until(session.starts_at, now, levels.hold_for(), levels.cutoff_hours()),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("exam.held", row, by=by, level=row.level, start=session.starts_at)
    fees.charge(row, "booking", by=by)
    return row


def _live_elsewhere(row: Booking) -> Booking | None:
    """Return another place that the candidate holds for the same exam."""
    return db.session.scalars(
        select(Booking).where(
            Booking.person_id == row.person_id, Booking.level == row.level, Booking.id != row.id,
            Booking.state.in_((K.HELD, K.CONFIRMED, K.PRESENT)),
        )
    ).first()  # fmt: skip


def confirm(row: Booking, *, name: str, name_latin: str, rules: str, language: str, by: Person) -> Booking:
    """Confirm a held or offered seat: name and rules stand from now on; a fee still unpaid keeps it held.

    An offer taken by somebody who is confirmed elsewhere moves him.
    """
    other = _live_elsewhere(row)
    seats.lock(row.session_id, *([other.session_id] if other is not None else []))
    seats.lock_candidate(row.person_id)
    row = seats.locked_booking(row.id)
    _refuse_others(row, other)
    _refuse_over(row, clock.now())
    row.name, row.name_latin, row.rules = name, name_latin, rules
    if language not in row.session.languages:
        raise Refused(_l("Please choose a language of this session."), field="language", status=422)
    row.language = language
    if row.state is K.OFFERED:
        _accept(row, other)
    elif fees.unpaid(row):
        db.session.flush()
        return row
    _confirmed(row, by=by)
    return row


def _refuse_others(row: Booking, seen: Booking | None) -> None:
    """Refuse if, meanwhile, the candidate's other place is another one: its session is not locked."""
    now = _live_elsewhere(row)
    if (now.id if now else None) != (seen.id if seen else None):
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))


def _refuse_over(row: Booking, now: datetime) -> None:
    if row.state not in {K.HELD, K.OFFERED} or row.expires_at is None:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    if now >= row.expires_at:
        raise Refused(_l("The time to confirm this seat is over."))


def _accept(row: Booking, other: Booking | None) -> None:
    """Judge anew who was offered a seat; where he has another, this one takes its place."""
    if other is not None:
        db.session.refresh(other)
        if other.state is not K.CONFIRMED:
            raise Refused(_l("You hold another seat for this exam. Please confirm it or give it up first."))
        refuse_late(other.session, clock.now())
        _refuse_moves(other)
    but = {row.id, *([other.id] if other is not None else [])}
    row.eligibility, row.factor, row.until_at = guards.admit(
        seats.fresh(row.session_id), row.person, clock.now(), but=but
    )
    if other is not None:
        _follow(row, other)
        _leave(other, K.RESCHEDULED)
        db.session.flush()
        waitlist.promote(other.session_id)


def _follow(row: Booking, old: Booking) -> None:
    row.rescheduled_from, row.chain, row.sequence, row.moves = old, old.chain, old.sequence + 1, old.moves + 1


def _confirmed(row: Booking, *, by: Person | str) -> None:
    move(row, K.CONFIRMED)
    row.expires_at, row.confirmed_at = None, clock.now()
    db.session.flush()
    audit.record("exam.booked", row, by=by, level=row.level, start=row.session.starts_at)
    letters.confirmed(row)


def _leave(row: Booking, to: BookingState) -> None:
    """Take a booking out of its session: its seat is given back."""
    if row.state in {K.HELD, K.OFFERED, K.CONFIRMED}:
        seats.give(row.session_id)
    move(row, to)
    row.expires_at, row.ended_at = None, clock.now()


def decline(row: Booking, *, by: Person | str) -> Booking:
    """Give up a held or offered seat, or a place in the queue; whoever waits gets the seat."""
    seats.lock(row.session_id)
    seats.lock_candidate(row.person_id)
    row = seats.locked_booking(row.id)
    _leave(row, K.LAPSED)
    db.session.flush()
    fees.drop(row, by=by)
    audit.record("exam.given_up", row, by=by, level=row.level)
    waitlist.promote(row.session_id)
    return row


def refuse_late(session: ExamSession, now: datetime) -> None:
    """Refuse a change when the cut-off of a session has passed; `now` is read after its lock."""
    if not timing.changeable(session.starts_at, now, levels.cutoff_hours()):
        raise Refused(
            _l(
                "Changes end %(hours)s hours before the start. Please write to us.",
                hours=levels.cutoff_hours(),
            )
        )


def _refuse_moves(row: Booking) -> None:
    most = levels.number("booking.reschedules")
    if row.moves >= most:
        raise Refused(_l("A booking can be moved %(most)s times.", most=most))


def _only_confirmed(row: Booking) -> None:
    if row.state is not K.CONFIRMED:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))


def cancel(row: Booking, *, by: Person, reason: str = "", second: Person | None = None) -> Booking:
    """Cancel a confirmed booking before the cut-off; staff inside it with a second person. The attempt comes back."""
    seats.give(row.session_id)
    session, now = seats.fresh(row.session_id), clock.now()
    seats.lock_candidate(row.person_id)
    row = seats.locked_booking(row.id)
    _only_confirmed(row)
    if second is None:
        refuse_late(session, now)
    move(row, K.CANCELLED)
    row.ended_at, row.reason, row.sequence = now, reason, row.sequence + 1
    db.session.flush()
    audit.record("exam.cancelled", row, by=by, level=row.level, reason=reason, second=_name(second))
    letters.cancelled(row)
    waitlist.promote(row.session_id)
    return row


def _name(person: Person | None) -> str | None:
    return person.name if person is not None else None


def reschedule(
    row: Booking, to: int, *, by: Person, reason: str = "", second: Person | None = None
) -> Booking:
    """Move a confirmed booking: the new seat is taken first, then the old one given up; or nothing changed at all."""
    if to == row.session_id:
        raise Refused(_l("This is the session you have booked."), field="to", status=422)
    seats.lock(row.session_id, to)
    if not seats.take(to):
        raise seats.why_not(seats.fresh(to))
    session, now = seats.fresh(to), clock.now()
    seats.lock_candidate(row.person_id)
    old = seats.locked_booking(row.id)
    _only_confirmed(old)
    if session.level != old.level:
        raise Refused(_l("This session is for another exam."), field="to", status=422)
    if second is None:
        refuse_late(seats.fresh(old.session_id), now)
        _refuse_moves(old)
    eligibility, factor, until = guards.admit(
        session, old.person, now, but={old.id}, staff=second is not None
    )
    seats.give(old.session_id)
    move(old, K.RESCHEDULED)  # in one flush with the new row: a table's updates are sent before its inserts
    old.ended_at, old.reason = now, reason
    new = _moved(old, session, {"eligibility": eligibility, "factor": factor, "until_at": until})
    db.session.flush()
    audit.record(
        "exam.moved", new, by=by, level=new.level, start={"old": old.session.starts_at, "new": session.starts_at},
        reason=reason, second=_name(second),
    )  # fmt: skip
    fees.charge(new, "reschedule", by=by)
    letters.confirmed(new)
    waitlist.promote(old.session_id)
    return new


def _moved(old: Booking, session: ExamSession, judged: dict[str, Any]) -> Booking:
    language = old.language if old.language in session.languages else session.languages[0]
    new = Booking(
        session=session, person=old.person, level=old.level, state=K.CONFIRMED, language=language, name=old.name,
        name_latin=old.name_latin, rules=old.rules, confirmed_at=clock.now(), rescheduled_from=old, chain=old.chain,
        sequence=old.sequence + 1, moves=old.moves + 1, **judged,
    )  # fmt: skip
    db.session.add(new)
    return new


def fee_settled(row: Booking, *, by: str) -> None:
    """Confirm a held booking whose fee is paid; after its time try the seat again once, else the money stays credit."""
    seats.lock(row.session_id)
    seats.lock_candidate(row.person_id)
    row = seats.locked_booking(row.id)
    now = clock.now()
    if row.state is K.HELD and row.expires_at is not None and now < row.expires_at:
        if row.rules:
            _confirmed(row, by=by)
        return
    if row.state in {K.HELD, K.LAPSED} and not row.retried:
        _too_late(row, now, by=by)


def _too_late(row: Booking, now: datetime, *, by: str) -> None:
    row.retried = True
    if row.state is K.HELD:
        _leave(row, K.LAPSED)
        db.session.flush()
        waitlist.promote(row.session_id)
    if not _again(row, now, by=by):
        fees.to_credit(row, by=by)
        letters.paid_too_late(row)


def _again(row: Booking, now: datetime, *, by: str) -> bool:
    """Try the seat once more for money that came late; return whether it was there."""
    try:
        with db.session.begin_nested():
            if not seats.take(row.session_id):
                return False
            session = seats.fresh(row.session_id)
            eligibility, factor, until = guards.admit(session, row.person, now)
    except Refused:
        return False
    new = Booking(
        session=session, person=row.person, level=row.level, eligibility=eligibility, state=K.HELD, until_at=until,
        factor=factor, name=row.name, name_latin=row.name_latin, rules=row.rules, language=row.language, fee=row.fee,
        retried=True, expires_at=timing.held_until(session.starts_at, now, levels.hold_for(), levels.cutoff_hours()),
    )  # fmt: skip
    db.session.add(new)
    db.session.flush()
    if new.rules:
        _confirmed(new, by=by)
    return True


def check_in(row: Booking, *, by: Person) -> Booking:
    """Let a candidate in whose identity the proctor has checked; later than half an hour he is not admitted."""
    seats.lock(row.session_id)
    session, now = seats.fresh(row.session_id), clock.now()
    seats.lock_candidate(row.person_id)
    row = seats.locked_booking(row.id)
    if by.id not in {one.person_id for one in session.proctors}:
        raise Forbidden(_l("Only the proctors of this session check candidates in."))
    _only_confirmed(row)
    if (now - session.starts_at).total_seconds() > 60 * levels.number("noshow.after_minutes"):
        raise Refused(_l("The session began too long ago: nobody is admitted any more."))
    move(row, K.PRESENT)
    db.session.flush()
    audit.record("exam.checked_in", row, by=by, level=row.level)
    return row
