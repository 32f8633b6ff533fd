"""The quarterly check: owners say whether the list of people who act for their organisation is right."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Select, select

from portal.accounts import care_letters, contacts
from portal.accounts.care_models import ContactCheck, ContactReminder
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db


def quarter_of(day: date) -> date:
    """Return the first day of a day's quarter."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def check_of(org: Organisation, quarter: date | None = None) -> ContactCheck | None:
    """Return the check of an organisation in a quarter, by default this one."""
    when = quarter or quarter_of(clock.today())
    return db.session.scalars(
        select(ContactCheck).where(ContactCheck.org_id == org.id, ContactCheck.quarter == when)
    ).first()


def unconfirmed(quarter: date) -> Select[ContactCheck]:
    """Select the checks of a quarter that no owner has answered, the longest asked first."""
    return (
        select(ContactCheck)
        .where(ContactCheck.quarter == quarter, ContactCheck.confirmed_at.is_(None))
        .order_by(ContactCheck.asked_on, ContactCheck.id)
    )


def ask(org: Organisation) -> bool:
    """Ask the owners once in this quarter; return whether they were asked now."""
    today = clock.today()
    if check_of(org) is not None:
        return False
    row = ContactCheck(org=org, quarter=quarter_of(today), asked_on=today)
    db.session.add(row)
    db.session.flush()
    care_letters.check(row, contacts.holders(org, ContactRole.OWNER), 0)
    return True


def remind(row: ContactCheck) -> bool:
    """Say the latest step that is due and was not said; earlier ones are written as passed over."""
    if row.confirmed_at is not None or row.quarter != quarter_of(clock.today()):
        return False
    days = (clock.today() - row.asked_on).days
    steps = [int(one) for one in catalogue.policy("contacts.confirm_reminder_days")]
    due = sorted(step for step in steps if step <= days)
    known = set(db.session.scalars(select(ContactReminder.step).where(ContactReminder.check_id == row.id)))
    if not due or due[-1] in known:
        return False
    for step in due:
        if step not in known:
            db.session.add(ContactReminder(check=row, step=step, sent=step == due[-1]))
    care_letters.check(row, contacts.holders(row.org, ContactRole.OWNER), due[-1])
    return True


def confirm(org: Organisation, *, by: Person) -> ContactCheck:
    """Let an owner say that the list is right; said again in a quarter it changes nothing."""
    db.session.scalars(select(Organisation).where(Organisation.id == org.id).with_for_update()).one()
    row = check_of(org)
    if row is None:
        row = ContactCheck(org=org, quarter=quarter_of(clock.today()), asked_on=clock.today())
        db.session.add(row)
    if row.confirmed_at is None:
        row.confirmed_at, row.confirmed_by = clock.now(), by
        db.session.flush()
        people = [
            f"{one.person.name} ({one.role.value})" for one in db.session.scalars(contacts.contacts_of(org))
        ]
        audit.record("contact.list_confirmed", org, by=by, org_id=org.id, people=people)
    return row
