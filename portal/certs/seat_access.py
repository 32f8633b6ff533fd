"""Which sessions, bookings and seats a reader may see; foreign rows look missing."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.access import Reader, me, who
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.certs.models.booking import Booking, ExamSession, SessionState
from portal.certs.models.care import Accommodation
from portal.certs.models.eligibility import Bundle, BundleSeat, Eligibility
from portal.core.db import db
from portal.core.errors import Missing


def found(statement: Any) -> Any:
    """Return the one row of a statement; `Missing` if there is none for this reader."""
    row = db.session.scalars(statement).first()
    if row is None:
        raise Missing(_l("There is no such entry, or it is not yours."))
    return row


def visible_session(uid: str) -> ExamSession:
    """Return a session that is published, or in which the reader has or had a place."""
    statement = select(ExamSession).where(ExamSession.uid == uid)
    reader = who()
    mine = select(Booking.session_id).where(Booking.person_id == (reader.person.id if reader else 0))
    row: ExamSession = found(
        statement.where((ExamSession.state == SessionState.OPEN) | ExamSession.id.in_(mine))
    )
    return row


def own_bookings(reader: Reader) -> Select[Booking]:
    """Select the bookings of a reader; a token of an organisation reads none."""
    return select(Booking).where(Booking.person_id == (reader.person.id if reader.personal else 0))


def own_booking(uid: str) -> Booking:
    """Return one of the reader's own bookings."""
    row: Booking = found(own_bookings(me()).where(Booking.uid == uid))
    return row


def own_eligibilities(reader: Reader) -> Select[Eligibility]:
    """Select the exams a reader has bought or was given, the newest first."""
    mine = Eligibility.person_id == (reader.person.id if reader.personal else 0)
    return select(Eligibility).where(mine).order_by(Eligibility.id.desc())


def own_eligibility(uid: str) -> Eligibility:
    """Return one of the reader's own exams."""
    row: Eligibility = found(own_eligibilities(me()).where(Eligibility.uid == uid))
    return row


def own_accommodation(uid: str) -> Accommodation:
    """Return the reader's own request for accommodations."""
    row: Accommodation = found(
        select(Accommodation).where(Accommodation.uid == uid, Accommodation.person_id == me().person.id)
    )
    return row


def own_bundles(reader: Reader) -> Select[Bundle]:
    """Select the bundles of the organisations for which a reader assigns seats."""
    return select(Bundle).where(Bundle.org_id.in_(reader.orgs(May.ASSIGN_SEATS))).order_by(Bundle.id.desc())


def own_bundle(uid: str) -> Bundle:
    """Return one bundle the reader assigns seats of."""
    row: Bundle = found(own_bundles(me()).where(Bundle.uid == uid))
    return row


def own_seat(uid: str) -> BundleSeat:
    """Return one seat of a bundle the reader assigns seats of."""
    mine = own_bundles(me()).with_only_columns(Bundle.id).order_by(None)
    row: BundleSeat = found(select(BundleSeat).where(BundleSeat.uid == uid, BundleSeat.bundle_id.in_(mine)))
    return row


def seat_for_me(uid: str) -> BundleSeat:
    """Return a seat assigned to the reader's own address."""
    person = me().person
    row: BundleSeat = found(select(BundleSeat).where(BundleSeat.uid == uid, BundleSeat.email == person.email))
    return row


def paying_orgs(reader: Reader) -> list[Organisation]:
    """Return the organisations that may pay for a reader's exam: those for which he pays."""
    mine = select(Organisation).where(
        Organisation.id.in_(reader.orgs(May.PAY)), Organisation.person_id.is_(None)
    )
    return list(db.session.scalars(mine.order_by(Organisation.id)))
