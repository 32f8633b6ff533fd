"""The last owner is gone: two of staff appoint a new one on a letter with the organisation's chop."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts import contacts, door, vacancies
from portal.accounts.care_models import OwnerLetter, OwnerLetterState
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.files import StoredFile
from portal.core.states import move

S = OwnerLetterState


def letters_of(org: Organisation) -> Select[OwnerLetter]:
    """Select the letters about an organisation's owner, the newest first."""
    return select(OwnerLetter).where(OwnerLetter.org_id == org.id).order_by(OwnerLetter.id.desc())


def waiting() -> Select[OwnerLetter]:
    """Select the letters that wait for a second look, the oldest first."""
    return select(OwnerLetter).where(OwnerLetter.state == S.PROPOSED).order_by(OwnerLetter.id)


def propose(
    org: Organisation, email: str, language: str, *, file: StoredFile, by: Person, reason: str
) -> OwnerLetter:
    """Bring a letter that names a new owner, and say how it was checked."""
    _refuse_unfit(org, by)
    email = email.strip().lower()
    present = contacts.holders(org, ContactRole.OWNER)
    if len(present) > 1:
        raise Refused(_l("There is more than one owner: another owner can name a successor."))
    if any(person.email == email for person in present):
        raise Refused(_l("This person has the role already."), field="email", status=422)
    db.session.scalars(select(Organisation).where(Organisation.id == org.id).with_for_update()).one()
    if db.session.scalars(letters_of(org).where(OwnerLetter.state == S.PROPOSED)).first() is not None:
        raise Refused(_l("A letter of this organisation waits for a second look already."))
    db.session.add(file)
    row = OwnerLetter(org=org, email=email, language=language, file=file, by=by, reason=reason)
    db.session.add(row)
    db.session.flush()
    audit.record(
        "contact.owner_letter", org, by=by, org_id=org.id, email=email, reason=reason, sha256=file.sha256
    )
    return row


def _refuse_unfit(org: Organisation, by: Person) -> None:
    if org.person_id is not None:
        raise Refused(_l("An individual acts for himself; nobody else can."))
    if any(row.person_id == by.id for row in db.session.scalars(contacts.contacts_of(org))):
        raise Forbidden(_l("You act for this member; somebody else must decide."))


def _locked(letter: OwnerLetter, by: Person) -> OwnerLetter:
    db.session.scalars(select(Organisation).where(Organisation.id == letter.org_id).with_for_update()).one()
    row = db.session.scalars(
        select(OwnerLetter)
        .where(OwnerLetter.id == letter.id)
        .with_for_update(of=OwnerLetter)
        .execution_options(populate_existing=True)
    ).one()
    _refuse_unfit(row.org, by)
    return row


def confirm(letter: OwnerLetter, *, by: Person) -> None:
    """Appoint the owner a letter names: at once if he has a proven account, else by invitation. The last one leaves."""
    row = _locked(letter, by)
    if row.by_id == by.id:
        raise Forbidden(_l("You brought this letter yourself; somebody else must decide."))
    move(row, S.CONFIRMED)
    row.second, row.decided_at = by, clock.now()
    for contact in db.session.scalars(contacts.contacts_of(row.org)):
        if contact.role is ContactRole.OWNER:
            contacts.end(contact, by=by)
    person = door.by_email(row.email)
    if person is not None and person.verified_at is not None and person.disabled_at is None:
        contacts.appoint(person, row.org, ContactRole.OWNER, by=by)
    else:
        vacancies.open_owner(row.org, by=by, reason=row.reason)
        contacts.invite(row.org, row.email, ContactRole.OWNER, row.language, by=by, most=99)
    audit.record(
        "contact.owner_appointed", row.org, by=by, org_id=row.org_id, email=row.email, second=row.by.name
    )


def decline(letter: OwnerLetter, *, by: Person) -> None:
    """Say that a letter does not prove what it says."""
    row = _locked(letter, by)
    if row.by_id == by.id:
        raise Forbidden(_l("You brought this letter yourself; somebody else must decide."))
    move(row, S.DECLINED)
    row.second, row.decided_at = by, clock.now()
    audit.record("contact.owner_letter_declined", row.org, by=by, org_id=row.org_id, email=row.email)
