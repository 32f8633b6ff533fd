"""Exams in the world of the contract: a booking for each deed of the API, full sessions to wait for, a certificate to check."""

from __future__ import annotations

from datetime import date
from typing import Any

from portal.accounts.people import Person
from portal.certs import awarding, booking, waitlist
from portal.certs.models.booking import Booking, BookingState
from portal.certs.models.delivery import Attempt, AttemptPart
from portal.certs.models.document import Certificate
from portal.certs.naming import Names
from portal.core import catalogue, clock
from portal.core.db import db
from tests import seats
from tests.awarded import make_keys
from tests.people import make_person

OTHERS = ("anni", "bent", "cleo")
PATH = "/api/v1/bookings"
BOOKED = {
    f"POST {PATH}", f"GET {PATH}/{{uid}}", f"POST {PATH}/{{uid}}/confirmation", f"POST {PATH}/{{uid}}/release",
    f"POST {PATH}/{{uid}}/cancellation", f"POST {PATH}/{{uid}}/move",
    "GET /api/v1/attempts/{uid}",
}  # fmt: skip


def exams(person: Person, keeper: Person) -> dict[str, Any]:
    """Let somebody have bookings of every kind and a certificate; return the ids that the hooks put in."""
    seats.unasked("OPDEV", "ADAPT", "ARCH")
    for name in ("certs", "proctor", "proctor2"):
        make_person(f"{name}@house.example", name.title(), staff=(seats.STAFF[name],))
    for name in OTHERS:
        make_person(f"{name}@mail.example", name.title())
    for code in ("ADAPT", "ARCH"):  # without those below them
        catalogue.put("level", code, {**catalogue.entry("level", code), "asks": None}, date(2026, 1, 2))
    full = [seats.session(days=40 + n, capacity=1) for n in range(len(OTHERS))]
    for name, place in zip(OTHERS, full, strict=True):
        seats.booked(name, place)
    goal = seats.session(days=60, capacity=40)
    places: dict[str, Booking] = {}
    for level in ("OPDEV", "ADAPT", "ARCH"):
        seats.eligible(person, level)
        place = seats.session(days=30 + len(places), level=level, capacity=9)
        places[level] = booking.hold(place.id, person=person, by=person)
    for level in ("OPDEV", "ARCH"):
        seats.confirm(places[level])
    waits = [waitlist.queue(place.id, person=person, by=person) for place in full[1:]]
    sat = Booking(
        session=goal, person=person, level="OPDEV", eligibility=seats.eligible(person), state=BookingState.SAT,
        until_at=goal.ends_at, name="Chen", language="en",
    )  # fmt: skip
    attempt = Attempt(booking=sat, person=person, level="OPDEV", scheme=1, language="en")
    part = AttemptPart(attempt=attempt, place=1, code="written", written=True, minutes=60)
    db.session.add_all([sat, attempt, part])
    make_keys()
    award = awarding.grant(
        seats.who("anni"), level="OPDEV", names=Names("陈", "Chen"), decision="contract:1", decided_on=clock.today(), by=keeper
    )  # fmt: skip
    db.session.flush()
    number = db.session.query(Certificate).filter_by(award_id=award.id).one().number
    return {
        "moved": [places["OPDEV"].uid], "held": [places["ADAPT"].uid], "cancelled": [places["ARCH"].uid],
        "waits": [one.uid for one in waits], "full": full[0].uid, "goal": goal.uid, "numbers": [number], "attempts": [attempt.uid],
    }  # fmt: skip
