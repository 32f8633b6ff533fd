"""What using up an attempt does to its eligibility: the unit that is earned, the free retake, the end."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import earning
from portal.billing.models import OrderLine
from portal.certs import booking_letters as letters
from portal.certs import guards, levels, seats
from portal.certs.buying import locked
from portal.certs.models.booking import Booking, BookingState, Outcome
from portal.certs.models.eligibility import Bundle, BundleSeat, Eligibility, EligibilityState, SeatState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.periods import nth
from portal.core.states import move

E, K = EligibilityState, BookingState


def line_of(row: Eligibility) -> OrderLine | None:
    """Return the order line that paid for an eligibility: its own, or its bundle's."""
    order = row.order if row.seat is None else row.seat.bundle.order
    return order.lines[0] if order is not None and order.lines else None


def earn(row: Eligibility, *, on: date) -> None:
    """Say that the one unit of an eligibility was used: at the first attempt, missed or begun, or at its end."""
    line = line_of(row)
    if line is not None:
        earning.use_units(line, 1, on=on, fact=row.subject)


def earn_rest(row: Bundle, *, on: date) -> None:
    """Say that the seats of a bundle that nobody used are used up at its end."""
    line = row.order.lines[0] if row.order is not None else None
    kept = select(func.count(Eligibility.id)).join(BundleSeat, Eligibility.seat_id == BundleSeat.id)
    mine = kept.where(BundleSeat.bundle_id == row.id, BundleSeat.state == SeatState.TAKEN)
    rest = row.seats - int(db.session.scalar(mine) or 0)
    if line is not None and rest:
        earning.use_units(line, rest, on=on, fact=f"{row.subject}:rest")


def used(row: Booking, *, on: date) -> None:
    """Say that an attempt was begun or missed; the free retake is no unit of its own."""
    earn(row.eligibility, on=on)


def close_if_spent(row: Eligibility) -> None:
    """Let an eligibility be used up when nothing of it is left, booked or waiting for a result."""
    open_result = db.session.query(Booking.id).filter(
        Booking.eligibility_id == row.id, Booking.state.in_((K.PRESENT, K.HELD, K.CONFIRMED))
    )
    if row.state is E.ACTIVE and guards.spent(row.id) >= row.attempts and open_result.first() is None:
        move(row, E.USED)
        db.session.flush()
        audit.record("exam.used", row, by="attempts", level=row.level)


def finish(row: Booking, outcome: Outcome, *, at: datetime, by: Person | str) -> Booking:
    """Close an attempt with its released outcome: a fail gives the free retake, while there is one."""
    seats.lock(row.session_id)
    seats.lock_candidate(row.person_id)
    eligibility = locked(row.eligibility_id)
    row = seats.locked_booking(row.id)
    move(row, K.SAT)
    row.outcome, row.released_at = outcome, at
    if outcome is Outcome.FAILED and eligibility.attempts < 1 + eligibility.free_retakes:
        eligibility.attempts += 1
    db.session.flush()
    audit.record("exam.sat", row, by=by, level=row.level, outcome=outcome)
    close_if_spent(eligibility)
    return row


def take_back_retake(row: Booking, *, by: Person | str) -> None:
    """Take the free retake back that a fail gave which counts for nothing now, while it is neither used nor booked."""
    eligibility = locked(row.eligibility_id)
    if eligibility.state is not E.ACTIVE or eligibility.attempts < 2 or guards.left(eligibility) < 1:
        return
    eligibility.attempts -= 1
    db.session.flush()
    audit.record("exam.retake_taken_back", eligibility, by=by, level=row.level)
    close_if_spent(eligibility)


def miss(booking_id: int, *, by: str) -> int:
    """Write down that somebody did not come: the seat is free, the attempt used up, and no free retake follows."""
    row = db.session.get_one(Booking, booking_id)
    seats.lock(row.session_id)
    session, now = seats.fresh(row.session_id), clock.now()
    seats.lock_candidate(row.person_id)
    eligibility = locked(row.eligibility_id)
    row = seats.locked_booking(booking_id)
    missed_at = session.starts_at + timedelta(minutes=levels.number("noshow.after_minutes"))
    if row.state is not K.CONFIRMED or now < missed_at:
        return 0
    seats.give(row.session_id)
    move(row, K.NO_SHOW)
    row.ended_at = now
    db.session.flush()
    used(row, on=clock.day_of(missed_at))  # its own day, however late the chore comes
    audit.record("exam.missed", row, by=by, level=row.level)
    letters.missed(row)
    close_if_spent(eligibility)
    return 1


def excuse(row: Booking, *, by: Person) -> None:
    """Give back the attempt of somebody whose absence is excused."""
    seats.lock(row.session_id)
    seats.lock_candidate(row.person_id)
    eligibility = locked(row.eligibility_id)
    row = seats.locked_booking(row.id)
    move(row, K.EXCUSED)
    if eligibility.state is E.USED and clock.today() < eligibility.ends_on:
        move(eligibility, E.ACTIVE)
    db.session.flush()
    audit.record("exam.excused", row, by=by, level=row.level)
    letters.excused(row)


def excusable(row: Booking) -> bool:
    """Whether an absence may still be excused: so many days from the start."""
    last = row.session.starts_at + timedelta(days=levels.number("excuse.days"))
    return row.state is K.NO_SHOW and clock.now() < last


def give_free(row: Booking, *, by: Person | str) -> Eligibility:
    """Give a candidate an attempt that costs nothing, because an appeal was upheld: a right of its own, from today."""
    today = clock.today()
    made = Eligibility(
        person=row.person, level=row.level, kind=row.eligibility.kind, scheme=row.eligibility.scheme, bought_on=today,
        ends_on=nth(today, levels.number("eligibility.months"), 1), free_retakes=0, state=E.ACTIVE, opened_at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("exam.free_attempt", made, by=by, level=row.level)
    return made
