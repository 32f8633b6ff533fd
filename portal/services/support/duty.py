"""The duty roster: who is called on a day, and one stand-in; swaps are written down."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.support.people_models import DutyDay


def on(day: date) -> DutyDay | None:
    """Return who has duty on a day."""
    return db.session.scalars(select(DutyDay).where(DutyDay.day == day)).first()


def people_on(day: date) -> list[Person]:
    """Return who is called on a day: who has duty, and the stand-in."""
    row = on(day)
    return [] if row is None else [one for one in (row.person, row.stand_in) if one is not None]


def ahead(days: int = 28) -> list[tuple[date, DutyDay | None]]:
    """Return the roster from today on, with the days on which nobody has duty."""
    today = clock.today()
    until = today + timedelta(days=days)
    rows = db.session.scalars(select(DutyDay).where(DutyDay.day >= today, DutyDay.day < until))
    known = {row.day: row for row in rows}
    return [(day, known.get(day)) for day in (today + timedelta(days=n) for n in range(days))]


def agents() -> list[Person]:
    """Return whoever may have duty."""
    return grants.holders(May.ANSWER_TICKETS)


def roster(first: date, last: date, person: Person, stand_in: Person | None, *, by: Person) -> int:
    """Give somebody duty from a day to a day, both included; whoever had it is relieved. Return the days."""
    if first < clock.today() or last < first:
        raise Refused(
            _l("Duty is given from today on, and ends no earlier than it begins."), field="last", status=422
        )
    if (last - first).days >= 62:
        raise Refused(_l("Please give duty for two months at most."), field="last", status=422)
    if stand_in is not None and stand_in.id == person.id:
        raise Refused(_l("Nobody stands in for himself."), field="stand_in", status=422)
    known = {one.id for one in agents()}
    if person.id not in known or (stand_in is not None and stand_in.id not in known):
        raise Refused(_l("Only agents of support have duty."), field="person", status=422)
    for n in range((last - first).days + 1):
        _give(first + timedelta(days=n), person, stand_in)
    db.session.flush()
    audit.record(
        "support.duty", "support_duty:0", by=by, first=first, last=last, who=person.name,
        stand_in=stand_in.name if stand_in is not None else None,
    )  # fmt: skip
    return (last - first).days + 1


def _give(day: date, person: Person, stand_in: Person | None) -> None:
    row = on(day)
    if row is None:
        db.session.add(DutyDay(day=day, person=person, stand_in=stand_in))
    else:
        row.person, row.stand_in = person, stand_in


def swap(first: date, second: date, *, by: Person) -> None:
    """Let two days change their people."""
    one, other = on(first), on(second)
    if one is None or other is None or min(first, second) < clock.today():
        raise Refused(
            _l("Both days need somebody with duty, and neither is over."), field="second", status=422
        )
    one.person, other.person = other.person, one.person
    one.stand_in, other.stand_in = other.stand_in, one.stand_in
    db.session.flush()
    audit.record("support.duty_swapped", "support_duty:0", by=by, first=first, second=second)
