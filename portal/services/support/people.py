"""Who may ask at an organisation's level: its list, kept by owners and technical contacts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.services.support import coverage, history
from portal.services.support.models import LIVE, EventKind, SupportTicket
from portal.services.support.people_models import SupportPerson


def candidates(org: Organisation) -> list[Person]:
    """Return the people of an organisation who are not on its list."""
    held = {one.person_id for one in coverage.listed(org)}
    rows = db.session.scalars(
        select(Person)
        .join(Contact, Contact.person_id == Person.id)
        .where(Contact.org_id == org.id, Contact.ended_at.is_(None), Person.erased_at.is_(None))
        .distinct()
        .order_by(Person.id)
    )
    return [one for one in rows if one.id not in held]


def add(org: Organisation, person: Person, *, by: Person) -> SupportPerson:
    """Put a person on the list; tickets of his that are open go on at the level from now."""
    db.session.get_one(Organisation, org.id, with_for_update={"of": Organisation}, populate_existing=True)
    found = coverage.cover(org)
    if found is None:
        raise Refused(_l("Your organisation has no support in force: everybody is served openly."))
    if person.id not in {one.id for one in candidates(org)}:
        raise Refused(
            _l("This person is on the list already, or does not act for you."), field="person", status=422
        )
    most = coverage.most_people(found.level)
    if len(coverage.listed(org)) >= most:
        raise Refused(
            _l("%(level)s is for %(most)s people: please take somebody off first.", level=coverage.name_of(found.level), most=most),
            field="person",
        )  # fmt: skip
    row = SupportPerson(org=org, person=person)
    db.session.add(row)
    db.session.flush()
    audit.record("support.person_added", row, by=by, org_id=org.id, who=person.name)
    raise_levels(org, by=by)
    return row


def remove(org: Organisation, uid: str, *, by: Person) -> None:
    """Take a person off the list; what was promised in his tickets stays."""
    row = db.session.scalars(
        select(SupportPerson).where(
            SupportPerson.org_id == org.id, SupportPerson.uid == uid, SupportPerson.ended_at.is_(None)
        )
    ).first()
    if row is None:
        raise Missing(_l("There is no such person on the list."))
    row.ended_at = clock.now()
    audit.record("support.person_removed", row, by=by, org_id=org.id, who=row.person.name)


def raise_levels(org: Organisation, *, by: Person | None) -> int:
    """Let the open tickets of an organisation have the better level that it has now; it counts from now on."""
    rows = db.session.scalars(
        select(SupportTicket)
        .where(SupportTicket.org_id == org.id, SupportTicket.state.in_(LIVE))
        .order_by(SupportTicket.id)
    )
    done = 0
    for one in rows.all():
        level = coverage.level_for(org, one.asker)
        if coverage.rank(level) <= coverage.rank(one.level):
            continue
        row = history.locked(one)
        before, row.level = row.level, level
        history.tell(row, EventKind.LEVEL, by=by, value=level, promise=coverage.promised(level))
        audit.record("ticket.level", row, by=by or "payment", org_id=org.id, before=before, after=level)
        done += 1
    return done
