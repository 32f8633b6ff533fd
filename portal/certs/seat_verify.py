"""What must hold of sessions, bookings, eligibilities, vouchers and bundles: counted anew from the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

from sqlalchemy import func, select

from portal.certs import timing
from portal.certs.models.booking import LIVE, SEATED, SPENT, Booking, BookingState, ExamSession, SessionState
from portal.certs.models.care import ExamDeed
from portal.certs.models.eligibility import (
    Bundle,
    BundleSeat,
    Eligibility,
    EligibilityState,
    SeatState,
    Voucher,
    VoucherUse,
)
from portal.core.db import db

K = BookingState


def verify_seats() -> tuple[int, list[str]]:
    """Check every session, booking, eligibility, voucher and bundle; return how many bookings and what is wrong."""
    count = db.session.scalar(select(func.count(Booking.id))) or 0
    checks: Sequence[Callable[[], list[str]]] = (
        _counts, _live, _overlaps, _attempts, _windows, _chains, _vouchers, _bundles, _eyes,
    )  # fmt: skip
    return count, [fault for check in checks for fault in check()]


def _counts() -> list[str]:
    held = (
        select(ExamSession.uid, ExamSession.booked, ExamSession.capacity, func.count(Booking.id))
        .outerjoin(Booking, (Booking.session_id == ExamSession.id) & Booking.state.in_(SEATED))
        .group_by(ExamSession.id)
        .order_by(ExamSession.id)
    )
    return [
        f"seats: session {uid} says {booked} of {capacity} are booked, its bookings hold {found}"
        for uid, booked, capacity, found in db.session.execute(held)
        if booked != found or not 0 <= booked <= capacity
    ]


def _live() -> list[str]:
    mine = (
        select(Booking.person_id, Booking.level, func.count(Booking.id))
        .where(Booking.state.in_(LIVE))
        .group_by(Booking.person_id, Booking.level)
        .having(func.count(Booking.id) > 1)
    )
    found = [
        f"seats: person {person} has {count} live bookings of {level}"
        for person, level, count in db.session.execute(mine)
    ]
    lost = (
        select(Booking.uid)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(
            ExamSession.state == SessionState.CALLED_OFF,
            Booking.state.in_((K.HELD, K.WAITING, K.OFFERED, K.CONFIRMED)),
        )
    )
    return [
        *found,
        *(
            f"seats: booking {uid} stands in a session that was called off"
            for uid in db.session.scalars(lost)
        ),
    ]


def _overlaps() -> list[str]:
    spans = defaultdict(list)
    rows = (
        select(Booking.person_id, Booking.uid, ExamSession.starts_at, Booking.until_at)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(Booking.state.in_(LIVE))
        .order_by(Booking.person_id, ExamSession.starts_at)
    )
    for person, uid, start, end in db.session.execute(rows):
        spans[person].append((uid, (start, end)))
    return [
        f"seats: bookings {one} and {other} of person {person} overlap"
        for person, mine in spans.items()
        for (one, first), (other, second) in pairwise(mine)
        if timing.overlap(first, second)
    ]


def _attempts() -> list[str]:
    used = (
        select(Eligibility.uid, Eligibility.attempts, func.count(Booking.id))
        .join(Booking, Booking.eligibility_id == Eligibility.id)
        .where(Booking.state.in_({*SPENT, *LIVE}))
        .group_by(Eligibility.id)
    )
    return [
        f"seats: eligibility {uid} has {count} attempts used or booked, {attempts} were bought"
        for uid, attempts, count in db.session.execute(used)
        if count > attempts
    ]


def _windows() -> list[str]:
    """Find bookings with an eligibility of somebody else, of another level, or one that is not open."""
    rows = (
        select(Booking.uid)
        .join(Eligibility, Booking.eligibility_id == Eligibility.id)
        .join(ExamSession, Booking.session_id == ExamSession.id)
        .where(
            (Booking.person_id != Eligibility.person_id)
            | (Booking.level != Eligibility.level)
            | (Booking.level != ExamSession.level)
            | (Booking.state.in_((K.HELD, K.CONFIRMED)) & (Eligibility.state != EligibilityState.ACTIVE))
        )
    )
    return [f"seats: booking {uid} does not fit its eligibility" for uid in db.session.scalars(rows)]


def _chains() -> list[str]:
    old = {
        row.id: row
        for row in db.session.execute(select(Booking.id, Booking.state, Booking.chain, Booking.sequence))
    }
    rows = db.session.execute(
        select(Booking.uid, Booking.rescheduled_from_id, Booking.chain, Booking.sequence).where(
            Booking.rescheduled_from_id.is_not(None)
        )
    )
    return [
        f"seats: booking {row.uid} does not follow the one it was moved from"
        for row in rows
        if (before := old[row.rescheduled_from_id]).state is not K.RESCHEDULED
        or before.chain != row.chain
        or before.sequence >= row.sequence
    ]


def _vouchers() -> list[str]:
    uses = (
        select(Voucher.uid, Voucher.used, func.count(VoucherUse.id))
        .outerjoin(VoucherUse, (VoucherUse.voucher_id == Voucher.id) & VoucherUse.returned_at.is_(None))
        .group_by(Voucher.id)
    )
    return [
        f"vouchers: {uid} says it was used {used} times, its uses are {found}"
        for uid, used, found in db.session.execute(uses)
        if used != found
    ]


def _bundles() -> list[str]:
    seats = (
        select(Bundle.uid, Bundle.given, func.count(BundleSeat.id))
        .outerjoin(BundleSeat, (BundleSeat.bundle_id == Bundle.id) & (BundleSeat.state != SeatState.RETURNED))
        .group_by(Bundle.id)
    )
    return [
        f"bundles: {uid} says {given} seats are given, {found} are"
        for uid, given, found in db.session.execute(seats)
        if given != found
    ]


def _eyes() -> list[str]:
    alone = select(ExamDeed.uid).where(ExamDeed.second_id == ExamDeed.by_id)
    return [f"seats: proposal {uid} was confirmed by who made it" for uid in db.session.scalars(alone)]
