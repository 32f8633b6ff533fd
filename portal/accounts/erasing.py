"""Erasing a person: a dry run that says what becomes of each item, two people, and a letter with what was done."""

from __future__ import annotations

import secrets
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import erased_rows, privacy_letters
from portal.accounts.erasure_plan import obstacles, plan
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.accounts.privacy_models import Erasure, ErasureState
from portal.core import audit, catalogue, clock, workdays
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move

E = ErasureState
OPEN = (E.ASKED, E.PROPOSED)


def open_request(person: Person) -> Erasure | None:
    """Return the person's request that is not closed."""
    rows = select(Erasure).where(Erasure.person_id == person.id, Erasure.state.in_(OPEN))
    return db.session.scalars(rows).first()


def _due() -> date:
    return workdays.after(clock.today(), int(catalogue.policy("privacy.answer_days")))


def _locked(person: Person) -> None:
    db.session.scalars(select(Person).where(Person.id == person.id).with_for_update(of=Person)).one()
    if person.erased_at is not None:
        raise Refused(_l("This person was erased already."))


def request(person: Person, *, reason: str = "") -> Erasure:
    """Ask to be erased; asked again it is the same request."""
    _locked(person)
    found = open_request(person)
    if found is not None:
        return found
    row = Erasure(person=person, due_on=_due(), reason=reason)
    db.session.add(row)
    db.session.flush()
    audit.record("erasure.asked", person, by=person)
    privacy_letters.asked(row)
    return row


def withdraw(row: Erasure) -> None:
    """Take one's own request back."""
    move(row, E.WITHDRAWN)
    row.closed_at, row.closed_by = clock.now(), row.person
    audit.record("erasure.withdrawn", row.person, by=row.person)


def _not_oneself(person: Person, by: Person) -> None:
    if person.id == by.id:
        raise Forbidden(_l("Somebody else must do this for you: nobody helps himself here."))


def _free(person: Person) -> None:
    if found := obstacles(person):
        raise Refused(" ".join(found))


def propose(person: Person, *, by: Person, reason: str) -> Erasure:
    """Propose to erase a person as the dry run of this moment says; a second member of staff does it."""
    _not_oneself(person, by)
    _locked(person)
    _free(person)
    row = open_request(person)
    if row is None:
        row = Erasure(person=person, due_on=_due())
        db.session.add(row)
        db.session.flush()
    move(row, E.PROPOSED)
    row.plan, row.reason = plan(person), reason
    row.proposed_by, row.proposed_at = by, clock.now()
    db.session.flush()
    audit.record("erasure.proposed", person, by=by, reason=reason, plan=row.plan)
    return row


def decline(row: Erasure, *, by: Person, reason: str) -> None:
    """Refuse to erase, with the reason in writing."""
    _not_oneself(row.person, by)
    move(row, E.DECLINED)
    row.reason, row.closed_at, row.closed_by = reason, clock.now(), by
    audit.record("erasure.declined", row.person, by=by, reason=reason)
    privacy_letters.declined(row)


def carry_out(row: Erasure, *, by: Person) -> None:
    """Erase as proposed, as a second member of staff; refused if the dry run says something else by now."""
    _not_oneself(row.person, by)
    if by.id == row.proposed_by_id:
        raise Forbidden(_l("You proposed this; a second member of staff carries it out."))
    person = row.person
    _locked(person)
    _free(person)
    if row.plan != plan(person):
        raise Refused(_l("The dry run says something else by now. Please look at it and propose anew."))
    move(row, E.DONE)
    token = f"P-{secrets.token_hex(4)}"
    row.token, row.closed_at, row.closed_by = token, clock.now(), by
    privacy_letters.done(row)
    name, email = person.name, person.email
    audit.record("erasure.done", person, by=by, token=token, plan=row.plan)
    publish(PersonErased(person, token, name, email))
    erased_rows.erase(person, token, keep_mail_of=row.subject)
    db.session.flush()
