"""What accounts keep of a person and what becomes of it at an erasure: account, ways in, roles, mail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, delete, func, or_, select, update

from portal.accounts import consents, contacts
from portal.accounts.care_models import OwnerLetter, Vacancy
from portal.accounts.erasure_plan import Fate, Line, say
from portal.accounts.organisations import Contact, Invitation
from portal.accounts.people import (
    FactorLoss,
    Grant,
    Passkey,
    Person,
    RecoveryCode,
    Ticket,
    UserSession,
)
from portal.accounts.privacy_models import Channel, Consent
from portal.accounts.tokens import ApiToken
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.mail import MailMessage
from portal.core.outbox import OutboxItem

F = Fate
WAYS_IN = (UserSession, Ticket, Passkey, RecoveryCode)
NOWHERE = "erased.invalid"


def install() -> None:
    """Name the items and reasons of this domain."""
    say(
        {
            "account": _l("Account: name, mail address, password, second step"),
            "ways_in": _l("Sessions, passkeys, recovery codes and links sent to you"),
            "programs": _l("Tokens for programs"),
            "roles": _l("Roles for organisations"),
            "invitations": _l("Invitations sent to your address"),
            "named_roles": _l("Vacancies of roles that name you, and letters that appoint you"),
            "mails": _l("Mails to you"),
            "consents": _l("Ledger of consents"),
            "audit": _l("Record of what you did and decided here"),
            "staff_roles": _l("Past roles of staff"),
            "because_ended": _l("the roles end; that somebody held them stays, without your name"),
            "because_proof": _l("proof of what was allowed, kept without your name"),
            "because_audit": _l(
                "the record cannot be changed without breaking its proof; it is read by the auditor, and kept as long as the law asks"
            ),
        }
    )


def _count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def _left(person: Person) -> Any:
    """Return the condition on vacancies that a person left, in the organisations for which they acted."""
    mine = select(Contact.org_id).where(Contact.person_id == person.id)
    return and_(Vacancy.left_by == person.name, Vacancy.org_id.in_(mine))


def _filled(person: Person) -> Any:
    mine = select(Contact.org_id).where(Contact.person_id == person.id)
    return and_(Vacancy.filled_by == person.name, Vacancy.org_id.in_(mine))


def _named(person: Person) -> int:
    letters = _count(OwnerLetter, OwnerLetter.email == person.email)
    return letters + _count(Vacancy, or_(_left(person), _filled(person)))


def _mails(person: Person) -> Any:
    return MailMessage.address == person.email


def lines(person: Person) -> list[Line]:
    """Return what becomes of each item of this domain."""
    ways = sum(_count(model, model.person_id == person.id) for model in WAYS_IN)
    return [
        Line("account", F.ANONYMISED, 1),
        Line("ways_in", F.ERASED, ways),
        Line(
            "programs", F.ERASED, _count(ApiToken, ApiToken.maker_id == person.id, ApiToken.org_id.is_(None))
        ),
        Line("roles", F.ANONYMISED, _count(Contact, Contact.person_id == person.id), "because_ended"),
        Line("staff_roles", F.ANONYMISED, _count(Grant, Grant.person_id == person.id)),
        Line("invitations", F.ERASED, _count(Invitation, Invitation.email == person.email)),
        Line("named_roles", F.ANONYMISED, _named(person), "because_ended"),
        Line("mails", F.ERASED, _count(MailMessage, _mails(person))),
        Line("consents", F.KEPT, _count(Consent, Consent.person_id == person.id), "because_proof"),
        Line("audit", F.KEPT, _count(AuditEntry, AuditEntry.actor_id == person.id), "because_audit"),
    ]


def obstacles(person: Person) -> list[LazyString]:
    """Return what must be settled first: roles of staff, and roles that nobody else fills."""
    today = clock.today()
    staff = _count(
        Grant, Grant.person_id == person.id, or_(Grant.end.is_(None), Grant.end > today), Grant.start <= today
    )
    found = [_l("The person still holds a role of staff; it is ended first.")] if staff else []
    for row in _acting(person):
        if row.org.person_id is None and _is_last(row):
            found.append(
                _l(
                    "The person is the last in a required role of %(org)s; a successor is named first.",
                    org=row.org.name,
                )
            )
    return list({str(one): one for one in found}.values())


def _acting(person: Person) -> Iterable[Contact]:
    rows = select(Contact).where(Contact.person_id == person.id, Contact.ended_at.is_(None))
    return db.session.scalars(rows.order_by(Contact.id)).all()


def _is_last(row: Contact) -> bool:
    same = [one for one in db.session.scalars(contacts.contacts_of(row.org)) if one.role is row.role]
    least = contacts.least_of(row.role, contacts.bounds(contacts.tier_of(row.org)))
    return len(same) <= least


def erase(person: Person, token: str, *, keep_mail_of: str) -> None:
    """Put a token in the place of a person; the mail about `keep_mail_of` goes out first."""
    for asked in consents.asked_of(person):
        if asked.given:
            consents.speak(asked.code, False, by=person, channel=Channel.ERASURE)
    now = clock.now()
    for model in WAYS_IN:
        db.session.execute(delete(model).where(model.person_id == person.id))
    db.session.execute(
        update(Contact).where(Contact.person_id == person.id, Contact.ended_at.is_(None)).values(ended_at=now)
    )
    mine = ApiToken.maker_id == person.id
    db.session.execute(delete(ApiToken).where(mine, ApiToken.org_id.is_(None)))
    db.session.execute(update(ApiToken).where(mine, ApiToken.revoked_at.is_(None)).values(revoked_at=now))
    db.session.execute(update(FactorLoss).where(FactorLoss.person_id == person.id).values(shown=""))
    _invitations(person, token)
    _mail(person, token, keep_mail_of)
    db.session.execute(update(OwnerLetter).where(OwnerLetter.email == person.email).values(email=token))
    db.session.execute(_quietly(update(Vacancy).where(_left(person)).values(left_by=token)))
    db.session.execute(_quietly(update(Vacancy).where(_filled(person)).values(filled_by=token)))
    person.name, person.email = token, f"{token.lower()}@{NOWHERE}"
    person.password_hash = person.totp_sealed = None
    person.disabled_at, person.erased_at = person.disabled_at or now, now


def _quietly(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)


def _invitations(person: Person, token: str) -> None:
    """Close the invitations sent to the address, and take the address out."""
    mine = Invitation.email == person.email
    closed = func.coalesce(Invitation.withdrawn_at, clock.now())
    db.session.execute(
        update(Invitation).where(mine, Invitation.accepted_at.is_(None)).values(withdrawn_at=closed)
    )
    db.session.execute(update(Invitation).where(mine).values(email=token))


def _mail(person: Person, token: str, keep_mail_of: str) -> None:
    """Empty the mails to a person; those not sent yet stay unsent."""
    gone = (_mails(person), MailMessage.topic != keep_mail_of)
    keys = select("mail:" + MailMessage.key).where(*gone, MailMessage.sent_at.is_(None))
    db.session.execute(
        update(OutboxItem)
        .where(OutboxItem.key.in_(keys), OutboxItem.done_at.is_(None))
        .values(done_at=clock.now(), error=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(MailMessage)
        .where(*gone)
        .values(address=token, name=token, title=token, text="", html="")
        .execution_options(synchronize_session=False)
    )
