"""What bookings keep of people: the register, what a candidate takes along, what an erasure leaves, and merged companies."""

from __future__ import annotations

from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts import erasure_plan, merging
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.merging import OrganisationsMerged
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.models.booking import LIVE, QUEUED, Booking
from portal.certs.models.care import Accommodation
from portal.certs.models.eligibility import Bundle, BundleSeat, Eligibility
from portal.core import labels, periods, personal
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet


def install() -> None:
    """Put the columns into the register, and let this part answer for its own rows."""
    personal.holds(
        Purpose.EXAMS, Keeping.EXAMS, "exam_booking.name", "exam_booking.name_latin", "exam_booking.person_id",
        "exam_eligibility.person_id", "exam_eligibility.guardian", "exam_accommodation.person_id",
        "exam_accommodation.evidence", "exam_accommodation.asked", "exam_accommodation.granted",
        "exam_bundle_seat.email", "exam_voucher_use.person_id", "exam_deed.evidence", "mail_message.calendar",
    )  # fmt: skip
    erasure_plan.ask("exams", lines, obstacles)
    erasure_plan.say(
        {
            "exam_names": _l("Your names on exam bookings, and who consented for you"),
            "exam_aids": _l("Accommodations you asked for"),
            "exam_seats": _l("Exam seats assigned to your address"),
            "exam_bookings": _l("Your exams and bookings, without your name"),
            "because_seats": _l("seats and money are counted from them"),
        }
    )
    personal.collects("exams", sheets)


def _count(model: Any, *conditions: Any) -> int:
    return int(db.session.scalar(select(func.count(model.id)).where(*conditions)) or 0)


def lines(person: Person) -> list[Line]:
    """Return what becomes of each item of a candidate."""
    named = _count(Booking, Booking.person_id == person.id, Booking.name != "")
    named += _count(Eligibility, Eligibility.person_id == person.id, Eligibility.guardian != "")
    return [
        Line("exam_names", Fate.ANONYMISED, named),
        Line("exam_aids", Fate.ERASED, _count(Accommodation, Accommodation.person_id == person.id)),
        Line("exam_seats", Fate.ANONYMISED, _count(BundleSeat, BundleSeat.email == person.email)),
        Line("exam_bookings", Fate.KEPT, _count(Booking, Booking.person_id == person.id), "because_seats"),
    ]


def obstacles(person: Person) -> list[LazyString]:
    """Return what must be settled first: a seat or a place in a queue."""
    held = _count(Booking, Booking.person_id == person.id, Booking.state.in_((*LIVE, *QUEUED)))
    return [_l("An exam of the person is booked; it is cancelled or sat first.")] if held else []


def on_erased(event: PersonErased) -> None:
    """Take a candidate's names, needs and address out of what is kept."""
    person = event.person
    for row in db.session.scalars(select(Booking).where(Booking.person_id == person.id, Booking.name != "")):
        row.name, row.name_latin = event.token, ""
    for bought in db.session.scalars(select(Eligibility).where(Eligibility.person_id == person.id)):
        bought.guardian = event.token if bought.guardian else ""
    for aid in db.session.scalars(select(Accommodation).where(Accommodation.person_id == person.id)):
        db.session.delete(aid)
    for seat in db.session.scalars(select(BundleSeat).where(BundleSeat.email == event.email)):
        seat.email = f"{event.token}@erased.invalid"[:254]
    db.session.flush()


def on_merged(event: OrganisationsMerged) -> None:
    """Let the seats of a merged company belong to the one that is kept."""
    merge = event.merge
    rows = select(Bundle).where(Bundle.org_id == merge.duplicate.id).order_by(Bundle.id)
    for row in db.session.scalars(rows).all():
        merging.move(merge, row, "org_id", merge.kept.id)


def sheets(person: Person) -> list[Sheet]:
    """Return what is kept of a person's exams and bookings."""
    bought = select(Eligibility).where(Eligibility.person_id == person.id).order_by(Eligibility.id)
    booked = select(Booking).where(Booking.person_id == person.id).order_by(Booking.id)
    return [
        Sheet(
            "exams",
            _l("Exams you bought or were given"),
            (("exam", _l("Exam")), ("bought", _l("Bought")), ("until", _l("Time ends on")), ("state", _l("State"))),
            [
                {
                    "exam": levels.name_of(row.level), "bought": row.bought_on, "until": periods.last(row.ends_on),
                    "state": labels.label(row.state),
                }
                for row in db.session.scalars(bought)
            ],
        ),
        Sheet(
            "exam_bookings",
            _l("Exam bookings"),
            (
                ("exam", _l("Exam")), ("start", _l("Start")), ("state", _l("State")),
                ("name", _l("Name on the document")), ("result", _l("Result")),
            ),
            [
                {
                    "exam": levels.name_of(row.level), "start": row.session.starts_at, "state": labels.label(row.state),
                    "name": row.name, "result": labels.label(row.outcome) if row.outcome else None,
                }
                for row in db.session.scalars(booked)
            ],
        ),
    ]  # fmt: skip
