"""Accommodations: asked with evidence, granted by an officer who neither watches nor marks, counted wherever time counts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.people import Person
from portal.certs import bundle_letters as letters
from portal.certs import seats, timing
from portal.certs.models.booking import OPEN, Booking, Proctor
from portal.certs.models.care import FACTORS, Accommodation, AccommodationState, Aid
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move

A = AccommodationState


def of(person_id: int) -> Accommodation | None:
    """Return what a person asked for or was granted, the newest."""
    return db.session.scalars(
        select(Accommodation).where(Accommodation.person_id == person_id).order_by(Accommodation.id.desc())
    ).first()


def waiting() -> Select[Accommodation]:
    """Select what waits for an officer, the oldest first."""
    return select(Accommodation).where(Accommodation.state == A.ASKED).order_by(Accommodation.id)


def ask(person: Person, wanted: Sequence[Aid], *, evidence: str) -> Accommodation:
    """Ask for accommodations, with evidence that is kept until the decision."""
    seats.lock_candidate(person.id)
    known = of(person.id)
    if known is not None and known.state in {A.ASKED, A.GRANTED}:
        raise Refused(_l("You have asked already. Please take that back first."))
    if not wanted:
        raise Refused(_l("Please say what you need."), field="wanted", status=422)
    row = Accommodation(person=person, asked=[one.value for one in wanted], evidence=evidence)
    db.session.add(row)
    db.session.flush()
    audit.record("aid.asked", row, by=person)
    return row


def _locked(row: Accommodation) -> Accommodation:
    seats.lock_candidate(row.person_id)
    return db.session.get_one(
        Accommodation, row.id, with_for_update={"of": Accommodation}, populate_existing=True
    )


def _open_bookings(person_id: int) -> list[Booking]:
    mine = select(Booking).where(Booking.person_id == person_id, Booking.state.in_(OPEN))
    return list(db.session.scalars(mine.order_by(Booking.id)))


def _officer(row: Accommodation, by: Person) -> None:
    """Refuse an officer who is the candidate, or watches over a session he has booked."""
    if row.person_id == by.id:
        raise Forbidden(_l("You cannot decide on your own request."))
    ids = [one.session_id for one in _open_bookings(row.person_id)]
    watches = select(Proctor.id).where(Proctor.person_id == by.id, Proctor.session_id.in_(ids))
    if db.session.scalar(watches.limit(1)) is not None:
        raise Forbidden(_l("You watch over a session of this candidate: another officer decides."))


def grant(row: Accommodation, granted: Sequence[Aid], *, by: Person) -> Accommodation:
    """Grant what is needed; the time of every open booking is counted anew."""
    row = _locked(row)
    _officer(row, by)
    if not granted:
        raise Refused(_l("Please say what is granted."), field="granted", status=422)
    move(row, A.GRANTED)
    row.granted = [one.value for one in granted]
    row.factor = max((FACTORS.get(one, 100) for one in granted), default=100)
    _decided(row, by)
    _stretch(row.person_id, row.factor)
    audit.record("aid.granted", row, by=by)
    letters.aided(row)
    return row


def refuse(row: Accommodation, *, by: Person, reason: str) -> Accommodation:
    """Refuse a request, with the reason that the candidate is told."""
    row = _locked(row)
    _officer(row, by)
    move(row, A.REFUSED)
    row.reason = reason
    _decided(row, by)
    audit.record("aid.refused", row, by=by)
    letters.aided(row)
    return row


def _decided(row: Accommodation, by: Person) -> None:
    row.officer, row.decided_at, row.evidence = by, clock.now(), ""
    db.session.flush()


def withdraw(row: Accommodation, *, by: Person) -> None:
    """Take a request or what was granted back."""
    row = _locked(row)
    move(row, A.WITHDRAWN)
    row.evidence, row.factor = "", 100
    db.session.flush()
    _stretch(row.person_id, 100)
    audit.record("aid.withdrawn", row, by=by)


def _stretch(person_id: int, factor: int) -> None:
    """Give the open bookings of a candidate their own ends anew; `Refused` if two of them would overlap."""
    rows = _open_bookings(person_id)
    for row in rows:
        row.factor, row.until_at = factor, timing.own_end(row.session.starts_at, row.session.ends_at, factor)
    spans = [(one.session.starts_at, one.until_at) for one in rows if one.expires_at is None]
    spans.sort()
    if any(timing.overlap(one, other) for one, other in pairwise(spans)):
        raise Refused(
            _l("With so much time two booked sessions would overlap. Please move one of them first.")
        )
    db.session.flush()
