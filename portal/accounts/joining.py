"""Joining by domain: somebody whose verified mail lies in a domain of an organisation asks, an owner decides."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts import care_letters, contacts
from portal.accounts.care_models import JoinRequest, JoinState, MailDomain
from portal.accounts.duplicates import registrable_domain
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.states import move

# Who signs and who owns is named by owners and staff, never asked for.
ASKABLE = tuple(role for role in ContactRole if role not in {ContactRole.OWNER, ContactRole.SIGNATORY})


def domain_of(person: Person) -> str | None:
    """Return the domain of a person's verified mail; None for public mail hosts and unproven addresses."""
    return registrable_domain(person.email) if person.verified_at is not None else None


def domains_of(org: Organisation) -> Select[MailDomain]:
    """Select the domains an organisation has open."""
    return (
        select(MailDomain)
        .where(MailDomain.org_id == org.id, MailDomain.closed_at.is_(None))
        .order_by(MailDomain.id)
    )


def open_domain(org: Organisation, *, by: Person) -> MailDomain:
    """Let people with a mail in the owner's own domain ask to act for the organisation."""
    domain = domain_of(by)
    if org.person_id is not None:
        raise Refused(_l("An individual acts for himself; nobody else can."))
    if domain is None:
        raise Refused(_l("Your own address is not in a domain of an organisation, so it cannot prove one."))
    db.session.scalars(select(Organisation).where(Organisation.id == org.id).with_for_update()).one()
    known = db.session.scalars(domains_of(org).where(MailDomain.domain == domain)).first()
    if known is not None:
        return known
    row = MailDomain(org=org, domain=domain, by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("contact.domain_opened", org, by=by, org_id=org.id, domain=domain)
    return row


def close_domain(row: MailDomain, *, by: Person) -> None:
    """Let nobody ask by this domain any more; whoever acts already stays."""
    if row.closed_at is None:
        row.closed_at = clock.now()
        audit.record("contact.domain_closed", row.org, by=by, org_id=row.org_id, domain=row.domain)


def open_to(person: Person) -> list[Organisation]:
    """Return the organisations a person may ask: those with his mail's domain open, for which he does not act yet."""
    domain = domain_of(person)
    if domain is None:
        return []
    acts = select(Contact.org_id).where(Contact.person_id == person.id, Contact.ended_at.is_(None))
    rows = db.session.scalars(
        select(Organisation)
        .join(MailDomain, MailDomain.org_id == Organisation.id)
        .where(MailDomain.domain == domain, MailDomain.closed_at.is_(None), Organisation.id.not_in(acts))
        .order_by(Organisation.id)
    )
    return list(rows)


def requests_of(person: Person) -> Select[JoinRequest]:
    """Select what a person asked for, the newest first."""
    return select(JoinRequest).where(JoinRequest.person_id == person.id).order_by(JoinRequest.id.desc())


def waiting(org: Organisation) -> Select[JoinRequest]:
    """Select the requests that an organisation's owners have not answered."""
    asked = (JoinRequest.org_id == org.id) & (JoinRequest.state == JoinState.ASKED)
    return select(JoinRequest).where(asked).order_by(JoinRequest.id)


def ask(person: Person, org: Organisation, role: ContactRole, *, note: str = "") -> JoinRequest:
    """Ask to act for an organisation in a role."""
    if org.id not in {one.id for one in open_to(person)}:
        raise Missing(_l("There is no such organisation, or it is not yours."))
    if role not in ASKABLE:
        raise Refused(_l("This role is given by owners only."), field="role", status=422)
    db.session.scalars(select(Organisation).where(Organisation.id == org.id).with_for_update()).one()
    last = db.session.scalars(requests_of(person).where(JoinRequest.org_id == org.id)).first()
    if last is not None and last.state is JoinState.ASKED:
        raise Refused(_l("You have asked already; the owners have not answered yet."))
    days = int(catalogue.policy("contacts.ask_again_days"))
    if last is not None and last.state is JoinState.DECLINED and last.decided_at is not None:
        again = clock.day_of(last.decided_at) + timedelta(days=days)
        if clock.today() < again:
            raise Refused(
                _l("The owners declined. You may ask again from %(day)s on.", day=again.isoformat())
            )
    row = JoinRequest(person=person, org=org, role=role, note=note)
    db.session.add(row)
    db.session.flush()
    audit.record("contact.asked_to_join", org, by=person, org_id=org.id, role=role)
    care_letters.asked(row, contacts.holders(org, ContactRole.OWNER))
    return row


def _locked(row: JoinRequest) -> JoinRequest:
    db.session.scalars(select(Organisation).where(Organisation.id == row.org_id).with_for_update()).one()
    return db.session.scalars(
        select(JoinRequest)
        .where(JoinRequest.id == row.id)
        .with_for_update(of=JoinRequest)
        .execution_options(populate_existing=True)
    ).one()


def _decide(row: JoinRequest, to: JoinState, *, by: Person) -> None:
    move(row, to)
    row.decided_at, row.decided_by = clock.now(), by.name


def accept(request: JoinRequest, *, by: Person) -> Contact:
    """Let somebody act for the organisation in the role asked for, if there is room and the address is still his."""
    row = _locked(request)
    if domain_of(row.person) not in {one.domain for one in db.session.scalars(domains_of(row.org))}:
        raise Refused(_l("The address of this person is no longer in a domain you have opened."))
    _least, most = contacts.bounds(contacts.tier_of(row.org)).get(row.role, (0, 3))
    held = [one for one in db.session.scalars(contacts.contacts_of(row.org)) if one.role is row.role]
    invited = [one for one in contacts.open_invitations(row.org) if one.role is row.role]
    if len(held) + len(invited) >= most and row.person_id not in {one.person_id for one in held}:
        raise Refused(_l("Your tier has no more places for this role."))
    _decide(row, JoinState.ACCEPTED, by=by)
    return contacts.appoint(row.person, row.org, row.role, by=by)


def decline(request: JoinRequest, *, by: Person) -> None:
    """Say no; the person may ask again after a while."""
    row = _locked(request)
    _decide(row, JoinState.DECLINED, by=by)
    audit.record(
        "contact.join_declined", row.org, by=by, org_id=row.org_id, person=row.person.name, role=row.role
    )
    care_letters.declined(row)


def take_back(request: JoinRequest, *, by: Person) -> None:
    """Take one's own request back."""
    row = _locked(request)
    _decide(row, JoinState.WITHDRAWN, by=by)
    audit.record("contact.join_taken_back", row.org, by=by, org_id=row.org_id, role=row.role)
