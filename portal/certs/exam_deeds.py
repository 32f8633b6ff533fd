"""What two people do together: call a session off, change a booking after the cut-off, excuse an absence, pay an exam back."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.people import Person
from portal.certs import attempts, booking, buying, seats, sessions
from portal.certs.models.booking import Booking, BookingState, ExamSession, SessionState
from portal.certs.models.care import ExamDeed, ExamDeedKind, ExamDeedState
from portal.certs.models.eligibility import Eligibility, EligibilityState
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move

D, K = ExamDeedKind, BookingState


def _propose(kind: ExamDeedKind, about: str, *, by: Person, reason: str, **subject: object) -> ExamDeed:
    known = select(ExamDeed.id).where(ExamDeed.about == about, ExamDeed.state == ExamDeedState.PROPOSED)
    if db.session.scalar(known) is not None:
        raise Refused(_l("Somebody has made this proposal already."))
    row = ExamDeed(kind=kind, about=about, reason=reason, by=by, **subject)  # type: ignore[arg-type]
    db.session.add(row)
    db.session.flush()
    audit.record("exam.proposed", about, by=by, deed=kind, reason=reason)
    return row


def propose_call_off(session: ExamSession, *, by: Person, reason: str) -> ExamDeed:
    """Propose to call a session off; the chief examiner decides."""
    seats.lock(session.id)
    session = seats.fresh(session.id)
    if session.state not in {SessionState.DRAFT, SessionState.OPEN}:
        raise Refused(_l("This session cannot be called off any more."))
    return _propose(D.CALL_OFF, session.subject, by=by, reason=reason, session=session)


def propose_cancel(row: Booking, *, by: Person, reason: str) -> ExamDeed:
    """Propose to cancel a booking after the cut-off."""
    if row.state is not K.CONFIRMED:
        raise Refused(_l("Only a booking that stands can be changed."))
    return _propose(D.CANCEL, row.subject, by=by, reason=reason, booking=row)


def propose_reschedule(row: Booking, to: ExamSession, *, by: Person, reason: str) -> ExamDeed:
    """Propose to move a booking after the cut-off; the seat is taken when it is confirmed."""
    if row.state is not K.CONFIRMED:
        raise Refused(_l("Only a booking that stands can be changed."))
    return _propose(D.RESCHEDULE, row.subject, by=by, reason=reason, booking=row, session=to)


def propose_excuse(row: Booking, *, by: Person, reason: str, evidence: str) -> ExamDeed:
    """Propose to excuse an absence by its evidence, within the days the catalogue gives."""
    if not attempts.excusable(row):
        raise Refused(_l("An absence can be excused for some days after the session only."))
    return _propose(D.EXCUSE, row.subject, by=by, reason=reason, evidence=evidence, booking=row)


def propose_refund(row: Eligibility, *, by: Person, reason: str) -> ExamDeed:
    """Propose to pay an exam back that is not booked; finance confirms it."""
    if row.state is not EligibilityState.ACTIVE or buying.booked(row) or row.order is None:
        raise Refused(_l("Only an exam that was paid for, is open and not booked can be paid back."))
    return _propose(D.REFUND, row.subject, by=by, reason=reason, eligibility=row)


def _second(row: ExamDeed, by: Person) -> ExamDeed:
    fresh = db.session.get_one(ExamDeed, row.id, with_for_update={"of": ExamDeed}, populate_existing=True)
    if fresh.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person decides on it."))
    return fresh


def decline(row: ExamDeed, *, by: Person) -> None:
    """Say no to another's proposal; nothing changes."""
    fresh = _second(row, by)
    _decided(fresh, ExamDeedState.DECLINED, by)
    audit.record("exam.declined", fresh.about, by=by, deed=fresh.kind)


def confirm(row: ExamDeed, *, by: Person) -> None:
    """Stand for another's proposal: it is done at once, judged anew by the verb it asks for."""
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person decides on it."))
    _do(row, by)
    fresh = _second(row, by)
    _decided(fresh, ExamDeedState.DONE, by)
    audit.record("exam.second", fresh.about, by=by, deed=fresh.kind, reason=fresh.reason)


def _decided(row: ExamDeed, to: ExamDeedState, by: Person) -> None:
    """Close a proposal; its evidence is kept only while it is open."""
    move(row, to)
    row.second, row.decided_at, row.evidence = by, clock.now(), ""
    db.session.flush()


def _do(row: ExamDeed, by: Person) -> None:
    """Do what was proposed: the seat's session is locked before the proposal's own row."""
    if row.kind is D.CALL_OFF and row.session is not None:
        sessions.call_off(row.session, by=by, reason=row.reason)
    elif row.kind is D.CANCEL and row.booking is not None:
        booking.cancel(row.booking, by=row.by, reason=row.reason, second=by)
    elif row.kind is D.RESCHEDULE and row.booking is not None and row.session is not None:
        booking.reschedule(row.booking, row.session.id, by=row.by, reason=row.reason, second=by)
    elif row.kind is D.EXCUSE and row.booking is not None:
        attempts.excuse(row.booking, by=by)
    elif row.kind is D.REFUND and row.eligibility is not None:
        buying.reverse(row.eligibility, by=by, reason=row.reason)


def waiting(*kinds: ExamDeedKind) -> Select[ExamDeed]:
    """Select the proposals that wait for a second person."""
    found = select(ExamDeed).where(ExamDeed.state == ExamDeedState.PROPOSED).order_by(ExamDeed.id)
    return found.where(ExamDeed.kind.in_(kinds)) if kinds else found


def open_about(subject: str) -> ExamDeed | None:
    """Return the proposal about a row that waits."""
    return db.session.scalars(waiting().where(ExamDeed.about == subject)).first()
