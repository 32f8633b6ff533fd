"""What happens to seats as time passes: holds lapse, offers go on, reminders are said once, eligibilities end."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.billing.models import Invoice, InvoiceState
from portal.certs import attempts, buying, fees, guards, levels, sessions, timing, waitlist
from portal.certs import booking_letters as letters
from portal.certs.models.booking import (
    LIVE,
    Booking,
    BookingState,
    ExamReminder,
    ExamSession,
    SessionState,
)
from portal.certs.models.eligibility import Bundle, BundleState, Eligibility, EligibilityState
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.core.states import move

K, E, B = BookingState, EligibilityState, BundleState


def expire_holds() -> int:
    """Let holds and offers lapse whose time is over, and take back the invoices of fees nobody paid."""
    due = (
        select(Booking.id)
        .where(Booking.state.in_((K.HELD, K.OFFERED)), Booking.expires_at <= clock.now())
        .order_by(Booking.expires_at, Booking.id)
    )
    done = each("expire_holds", ids_of(due), lambda one: waitlist.expire(one, by="expire_holds"))
    begun = (
        select(Booking.id)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .join(Invoice, Booking.fee_id == Invoice.id)
        .where(
            Booking.state == K.LAPSED, Invoice.state == InvoiceState.OPEN, ~Invoice.reversed,
            ExamSession.starts_at <= clock.now() + timedelta(hours=levels.cutoff_hours()),
        )
    )  # fmt: skip
    return done + each("expire_holds", ids_of(begun), _drop_fee)


def _drop_fee(booking_id: int) -> int:
    fees.drop(db.session.get_one(Booking, booking_id), by="expire_holds")
    return 1


def promote_waitlist() -> int:
    """Offer free seats to whoever waits, and let a wait lapse that nothing can come of any more."""
    waits = (
        select(Booking.session_id).where(Booking.state == K.WAITING).distinct().order_by(Booking.session_id)
    )
    done = each("promote_waitlist", ids_of(waits), lambda one: len(waitlist.promote(one)))
    near = clock.now() + timedelta(hours=levels.number("booking.no_offer_hours"))
    hopeless = (
        select(Booking.id)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(Booking.state == K.WAITING, ExamSession.starts_at <= near)
        .order_by(Booking.id)
    )
    return done + each(
        "promote_waitlist", ids_of(hopeless), lambda one: waitlist.expire(one, by="promote_waitlist")
    )


def remind_candidates() -> int:
    """Say the latest step that is due before a session, once; steps passed over are written down."""
    steps = sorted((int(one) for one in catalogue.policy("booking.reminder_hours")), reverse=True)
    soon = clock.now() + timedelta(hours=max(steps, default=0))
    due = (
        select(Booking.id)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(
            Booking.state == K.CONFIRMED, ExamSession.starts_at <= soon, ExamSession.starts_at > clock.now()
        )
        .order_by(Booking.id)
    )
    return each("remind_candidates", ids_of(due), lambda one: _remind(one, steps))


def _remind(booking_id: int, hours: list[int]) -> int:
    row = db.session.get_one(Booking, booking_id, with_for_update={"of": Booking}, populate_existing=True)
    if row.state is not K.CONFIRMED or row.confirmed_at is None:
        return 0
    written = set(db.session.scalars(select(ExamReminder.hours).where(ExamReminder.booking_id == row.id)))
    now = clock.now()
    found = timing.steps(row.session.starts_at, now, hours, since=row.confirmed_at, written=written)
    for one in found.passed:
        db.session.add(ExamReminder(booking=row, hours=one, sent=False))
    if found.due is None:
        return 0
    db.session.add(ExamReminder(booking=row, hours=found.due, sent=True))
    db.session.flush()
    last_chance = timing.changeable(row.session.starts_at, now, levels.cutoff_hours())
    letters.reminded(row, found.due, last_chance)
    return 1


def mark_no_shows() -> int:
    """Write down who did not come, half an hour after the start."""
    late = clock.now() - timedelta(minutes=levels.number("noshow.after_minutes"))
    due = (
        select(Booking.id)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(Booking.state == K.CONFIRMED, ExamSession.starts_at <= late)
        .order_by(Booking.id)
    )
    return each("mark_no_shows", ids_of(due), lambda one: attempts.miss(one, by="mark_no_shows"))


def close_sessions() -> int:
    """Close sessions that are over."""
    over = select(ExamSession.id).where(
        ExamSession.state == SessionState.OPEN, ExamSession.ends_at <= clock.now()
    )
    return each("close_sessions", ids_of(over), lambda one: sessions.close(one, by="close_sessions"))


def end_eligibilities() -> int:
    """Drop what was never paid, and end eligibilities and bundles whose time is over: what is unused is earned."""
    old = clock.today() - timedelta(days=levels.number("eligibility.unpaid_days"))
    ended, done = clock.today(), 0
    for kind, pending, active, end in (
        (Eligibility, E.PENDING, E.ACTIVE, _end),
        (Bundle, B.PENDING, B.ACTIVE, _end_bundle),
    ):
        unpaid = select(kind.id).where(kind.state == pending, kind.bought_on <= old).order_by(kind.id)
        drop = _drop if kind is Eligibility else _drop_bundle
        done += each("end_eligibilities", ids_of(unpaid), drop)
        over = select(kind.id).where(kind.state == active, kind.ends_on <= ended).order_by(kind.id)
        done += each("end_eligibilities", ids_of(over), end)
    return done


def _drop(eligibility_id: int) -> int:
    row = db.session.get_one(Eligibility, eligibility_id)
    buying.reverse(row, by="end_eligibilities", reason="never paid")
    return 1


def _drop_bundle(bundle_id: int) -> int:
    row = db.session.get_one(Bundle, bundle_id)
    buying.reverse_order(row.order, by="end_eligibilities", reason="never paid")
    return 1


def _end(eligibility_id: int) -> int:
    row = buying.locked(eligibility_id)
    live = select(Booking.id).where(Booking.eligibility_id == row.id, Booking.state.in_(LIVE))
    if row.state is not E.ACTIVE or db.session.scalar(live.limit(1)) is not None:
        return 0
    move(row, E.ENDED)
    db.session.flush()
    if not guards.spent(row.id):
        attempts.earn(row, on=row.ends_on)
    audit.record("exam.ended", row, by="end_eligibilities", level=row.level)
    return 1


def _end_bundle(bundle_id: int) -> int:
    row = db.session.get_one(Bundle, bundle_id, with_for_update={"of": Bundle}, populate_existing=True)
    if row.state is not B.ACTIVE:
        return 0
    move(row, B.ENDED)
    db.session.flush()
    attempts.earn_rest(row, on=row.ends_on)
    audit.record("bundle.ended", row, by="end_eligibilities", org_id=row.org_id)
    return 1
