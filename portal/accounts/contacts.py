"""Key contacts: who acts for an organisation, invitations, the least and the most of each role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select, update

from portal.accounts import letters
from portal.accounts.care_models import Vacancy
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Invitation, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, labels, vault
from portal.core.db import db
from portal.core.errors import Refused


def contacts_of(org: Organisation) -> Select[Contact]:
    """Select the people who act for an organisation now."""
    return select(Contact).where(Contact.org_id == org.id, Contact.ended_at.is_(None)).order_by(Contact.id)


def holders(org: Organisation, *roles: ContactRole) -> list[Person]:
    """Return the people in these roles, each once, in order of the roles."""
    rows = db.session.scalars(contacts_of(org)).all()
    found: dict[int, Person] = {}
    for role in roles:
        found.update(
            {row.person_id: row.person for row in rows if row.role is role and row.person_id not in found}
        )
    return list(found.values())


def open_invitations(org: Organisation) -> list[Invitation]:
    """Return what was sent and not yet answered."""
    return list(
        db.session.scalars(
            select(Invitation)
            .where(
                Invitation.org_id == org.id,
                Invitation.accepted_at.is_(None),
                Invitation.withdrawn_at.is_(None),
            )
            .order_by(Invitation.id)
        )
    )


def bounds(tier: str) -> dict[ContactRole, tuple[int, int]]:
    """Return the least and most contacts of each role at a tier, from the catalogue."""
    table = catalogue.entries("contacts")
    body = table.get(tier) or table.get("default") or {}
    return {
        role: tuple(body["roles"][role.value]) for role in ContactRole if role.value in body.get("roles", {})
    }


def least_of(role: ContactRole, table: dict[ContactRole, tuple[int, int]]) -> int:
    """Return how many people of a role must remain; there is always one owner."""
    return max(table.get(role, (0, 3))[0], 1 if role is ContactRole.OWNER else 0)


_tier_of: list[Callable[[Organisation], str]] = []


def ask_tier(of: Callable[[Organisation], str]) -> None:
    """Let a higher domain say which tier's bounds hold for an organisation; `wiring.py` hands it over."""
    _tier_of[:] = [of]


def tier_of(org: Organisation) -> str:
    """Return the code of the tier whose bounds hold, `default` before there is one."""
    return _tier_of[0](org) if _tier_of else "default"


def missing(org: Organisation, tier: str) -> list[ContactRole]:
    """Return the roles that a tier requires and nobody fills yet."""
    filled = list(
        db.session.scalars(select(Contact.role).where(Contact.org_id == org.id, Contact.ended_at.is_(None)))
    )
    return unfilled(tier, filled)


def unfilled(tier: str, filled: list[ContactRole]) -> list[ContactRole]:
    """Return the roles that a tier requires beyond those that are filled, each as often as somebody holds it."""
    return [role for role, (least, _most) in bounds(tier).items() if filled.count(role) < least]


def appoint(
    person: Person, org: Organisation, role: ContactRole, *, by: Person, tell: bool = True
) -> Contact:
    """Let a person act for an organisation; asked again for the same role it returns the present one."""
    for row in db.session.scalars(contacts_of(org)):
        if row.person_id == person.id and row.role is role:
            return row
    row = Contact(person=person, org=org, role=role, start=clock.today())
    db.session.add(row)
    db.session.flush()
    audit.record("contact.appointed", org, by=by, org_id=org.id, person=person.name, role=role)
    _fill_vacancy(org, role, person)
    if tell and by.id != person.id:
        letters.welcomed(person, org.name, labels.label(role))
    return row


def _fill_vacancy(org: Organisation, role: ContactRole, person: Person) -> None:
    """Close the vacancy of a role once as many hold it as the tier asks for."""
    row = db.session.scalars(
        select(Vacancy).where(Vacancy.org_id == org.id, Vacancy.role == role, Vacancy.closed_at.is_(None))
    ).first()
    if row is not None and role not in missing(org, tier_of(org)):
        row.closed_at, row.filled_by = clock.now(), person.name
        audit.record("contact.vacancy_filled", org, by=person, org_id=org.id, role=role, person=person.name)


def open_for() -> timedelta:
    """Return how long an invitation is open."""
    return timedelta(days=int(catalogue.policy("contacts.invitation_days")))


def name_successor(contact: Contact, email: str, language: str, *, by: Person) -> Invitation:
    """Invite whoever follows in a role; the present holder stays until the invitation is accepted."""
    row = invite(contact.org, email, contact.role, language, by=by, most=0, replaces=contact)
    audit.record(
        "contact.successor_named", contact.org, by=by, org_id=contact.org_id, person=contact.person.name,
        email=row.email, role=contact.role,
    )  # fmt: skip
    return row


def invite(
    org: Organisation, email: str, role: ContactRole, language: str, *, by: Person, most: int,
    replaces: Contact | None = None,
) -> Invitation:  # fmt: skip
    """Invite an address to a role. Inviting again sends the same invitation anew; beyond `most` it is refused.

    A successor needs no place of its own: it takes that of the contact it `replaces`.
    """
    if org.person_id is not None:
        raise Refused(_l("An individual acts for himself; nobody else can."))
    email = email.strip().lower()
    locked = select(Organisation).where(Organisation.id == org.id).with_for_update()
    db.session.scalars(locked).one()
    rows = [row for row in db.session.scalars(contacts_of(org)) if row.role is role]
    if any(row.person.email == email for row in rows):
        raise Refused(_l("This person has the role already."), field="email", status=422)
    waiting = [row for row in open_invitations(org) if row.role is role]
    present = next((row for row in waiting if row.email == email), None)
    if present is None and replaces is None and len(rows) + len(waiting) >= most:
        raise Refused(_l("Your tier has no more places for this role."), field="role", status=422)
    if present is not None:
        present.withdrawn_at = clock.now()
        db.session.flush()
    secret = vault.token()
    row = Invitation(
        token_hash=vault.digest(secret), org=org, role=role, email=email, language=language,
        by_name=by.name, expires_at=clock.now() + open_for(), replaces=replaces,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    letters.invitation(row, secret)
    audit.record("contact.invited", org, by=by, org_id=org.id, email=email, role=role)
    return row


def find_invitation(secret: str) -> Invitation | None:
    """Return the open invitation of a link."""
    return db.session.scalars(
        select(Invitation).where(
            Invitation.token_hash == vault.digest(secret),
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > clock.now(),
        )
    ).first()


def accept(invitation: Invitation, person: Person) -> Contact:
    """Take up an invitation, under the verified address it was sent to and no other."""
    if person.email != invitation.email or person.verified_at is None:
        raise Refused(
            _l("This invitation was sent to another address. Please sign in with that one."), status=403
        )
    won = db.session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation.id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(accepted_at=clock.now())
        .returning(Invitation.id)
    )
    if won.first() is None:
        raise Refused(_l("This link was used already, or has run out."), status=410)
    row = appoint(person, invitation.org, invitation.role, by=person)
    old = invitation.replaces
    if old is not None and old.ended_at is None and old.id != row.id:
        end(old, by=person)
    return row


def withdraw(invitation: Invitation, *, by: Person) -> None:
    """Take an invitation back."""
    invitation.withdrawn_at = clock.now()
    audit.record(
        "contact.invitation_withdrawn",
        invitation.org,
        by=by,
        org_id=invitation.org_id,
        email=invitation.email,
    )


def leave(contact: Contact, *, by: Person, least: int) -> None:
    """End a contact's role the same minute; the last of a required role names a successor first."""
    others = [
        row
        for row in db.session.scalars(contacts_of(contact.org).with_for_update())
        if row.role is contact.role and row.id != contact.id
    ]
    if len(others) < least:
        raise Refused(
            _l(
                "This is the last person in a required role. Please name a successor first; the role passes on when the invitation is accepted."
            )
        )
    end(contact, by=by)


def end(contact: Contact, *, by: Person) -> None:
    """End a contact's role the same minute."""
    contact.ended_at = clock.now()
    audit.record(
        "contact.left",
        contact.org,
        by=by,
        org_id=contact.org_id,
        person=contact.person.name,
        role=contact.role,
    )
