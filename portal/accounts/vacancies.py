"""Vacancies: a required role that nobody fills is a task of the owners, until somebody takes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts import care_letters, contacts
from portal.accounts.care_models import Vacancy
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused


def open_vacancies(*orgs: Organisation) -> Select[Vacancy]:
    """Select the vacancies that nobody has filled, of some organisations or of all, the first due first."""
    statement = select(Vacancy).where(Vacancy.closed_at.is_(None)).order_by(Vacancy.due_on, Vacancy.id)
    return statement.where(Vacancy.org_id.in_([org.id for org in orgs])) if orgs else statement


def declare(contact: Contact, *, by: Person, reason: str) -> Vacancy:
    """Declare a required role vacant because its last holder is gone: access ends, the owners have a task.

    Seats and votes stay with the organisation: only the person leaves.
    """
    org = contact.org
    db.session.scalars(select(Organisation).where(Organisation.id == org.id).with_for_update()).one()
    rows = [row for row in db.session.scalars(contacts.contacts_of(org)) if row.role is contact.role]
    if contact.person_id == by.id:
        raise Refused(
            _l("For your own role please name a successor; it passes on when the invitation is accepted.")
        )
    if contact.id not in {row.id for row in rows}:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    if len(rows) > contacts.least_of(contact.role, contacts.bounds(contacts.tier_of(org))):
        raise Refused(_l("Enough others hold this role. You can simply end it."))
    contacts.end(contact, by=by)
    return _open(org, contact.role, by=by, left_by=contact.person.name, reason=reason)


def _open(
    org: Organisation, role: ContactRole, *, by: Person | str, left_by: str = "", reason: str = "", tell: bool = True
) -> Vacancy:  # fmt: skip
    known = db.session.scalars(open_vacancies(org).where(Vacancy.role == role)).first()
    if known is not None:
        return known
    due = clock.today() + timedelta(days=int(catalogue.policy("contacts.vacancy_days")))
    row = Vacancy(
        org=org,
        role=role,
        due_on=due,
        declared_by=str(getattr(by, "name", by)),
        left_by=left_by,
        reason=reason,
    )
    db.session.add(row)
    db.session.flush()
    audit.record(
        "contact.vacancy_declared", org, by=by, org_id=org.id, role=role, due=due,
        **({"person": left_by} if left_by else {}), **({"reason": reason} if reason else {}),
    )  # fmt: skip
    if tell:
        care_letters.vacancy(row, contacts.holders(org, ContactRole.OWNER))
    return row


def open_owner(org: Organisation, *, by: Person, reason: str) -> Vacancy:
    """Open the vacancy of an organisation whose last owner is gone."""
    return _open(org, ContactRole.OWNER, by=by, reason=reason)


def settle(org: Organisation, missing: Iterable[ContactRole], *, by: str, tell: bool = False) -> int:
    """Let the vacancies of an organisation be exactly the roles it lacks; return how many were opened or closed."""
    wanted = set(missing)
    rows = list(db.session.scalars(open_vacancies(org)))
    for row in rows:
        if row.role not in wanted:
            row.closed_at = clock.now()
            audit.record("contact.vacancy_closed", org, by=by, org_id=org.id, role=row.role)
    new = sorted(wanted - {row.role for row in rows})
    for role in new:
        _open(org, role, by=by, tell=tell)
    return len(new) + sum(row.role not in wanted for row in rows)


def remind(row: Vacancy) -> bool:
    """Tell the owners once that the day by which a role should be filled has come; return whether it was said now."""
    if row.closed_at is not None or row.reminded_at is not None or clock.today() < row.due_on:
        return False
    row.reminded_at = clock.now()
    care_letters.overdue(row, contacts.holders(row.org, ContactRole.OWNER))
    return True
