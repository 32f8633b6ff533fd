"""Roles of staff: given and taken back by an administrator, never to or from oneself."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import door, letters, tickets
from portal.accounts.may import STAFF, May, StaffRole
from portal.accounts.people import Grant, Person, TicketKind
from portal.core import audit, clock, labels
from portal.core.db import db
from portal.core.errors import Forbidden, Refused


def newcomer(email: str, name: str, language: str) -> Person:
    """Make an account for somebody who will work here, and send the link to choose a password."""
    person = Person(email=door.normal(email), name=name.strip(), language=language)
    db.session.add(person)
    db.session.flush()
    letters.reset(person, tickets.give(TicketKind.RESET, person))
    return person


def give(person: Person, role: StaffRole, *, by: Person) -> Grant:
    """Give a role; nobody gives one to himself."""
    if person.id == by.id:
        raise Forbidden(_l("Somebody else must give you a role: nobody gives one to himself."), field="email")
    held = db.session.scalars(
        select(Grant).where(Grant.person_id == person.id, Grant.role == role, Grant.end.is_(None))
    ).first()
    if held is not None:
        raise Refused(_l("This person has the role already."), field="role", status=422)
    row = Grant(person=person, role=role, by_name=by.name, start=clock.today())
    db.session.add(row)
    audit.record("staff.role_given", person, by=by, role=role)
    return row


COMMAND = "command line"


def give_by_command(email: str, role: StaffRole, *, name: str, language: str, agreed: str = "") -> Grant:
    """Give a role from the command line: to the first administrator, afterwards only with a note of who agreed.

    Whoever has the role of administrator is told by mail, so that nobody comes in unseen.
    """
    bosses = holders(May.MANAGE_STAFF)
    if not bosses and role is not StaffRole.ADMINISTRATOR:
        raise Refused("There is no administrator yet: the first role to give is administrator.")
    if bosses and len(agreed.strip()) < 10:
        raise Refused(
            "There is an administrator, who gives roles on the Staff page. If that is not possible,"
            " say with --agreed who agreed and why; it stands in the audit."
        )
    person = door.by_email(email) or newcomer(email, name, language)
    if any(row.role is role for row in _held(person)):
        raise Refused(_l("This person has the role already."), status=422)
    row = Grant(person=person, role=role, by_name=COMMAND, start=clock.today())
    db.session.add(row)
    audit.record("staff.role_given", person, by=COMMAND, role=role, agreed=agreed.strip())
    for boss in bosses:
        letters.role_by_command(boss, person.name, labels.label(role), agreed.strip())
    return row


def _held(person: Person) -> list[Grant]:
    return list(db.session.scalars(select(Grant).where(Grant.person_id == person.id, Grant.end.is_(None))))


def end(row: Grant, *, by: Person) -> None:
    """Take a role back and end the person's sessions; nobody takes his own."""
    if row.person_id == by.id:
        raise Forbidden(_l("Somebody else must end your role."))
    row.end = clock.today()
    door.end_all(row.person)
    audit.record("staff.role_ended", row.person, by=by, role=row.role)


def holders(*any_of: May) -> list[Person]:
    """Return the staff who may do one of these today, in order of their accounts."""
    roles = [role for role, verbs in STAFF.items() if verbs & set(any_of)]
    today = clock.today()
    statement = (
        select(Person)
        .join(Grant)
        .where(
            Grant.role.in_(roles),
            Grant.start <= today,
            (Grant.end.is_(None)) | (Grant.end > today),
            Person.disabled_at.is_(None),
        )
        .distinct()
        .order_by(Person.id)
    )
    return list(db.session.scalars(statement))
