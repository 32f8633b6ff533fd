"""Coming in and going out: register, confirm, sign in, the second step, a new password, sessions."""

from __future__ import annotations

import structlog
from flask import g, request, session
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts import factors, letters, passwords, throttle, tickets
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Level, Person, Ticket, TicketKind, UserSession
from portal.core import audit, clock, vault
from portal.core.db import db, transaction
from portal.core.errors import Refused

log = structlog.get_logger(__name__)


def normal(email: str) -> str:
    """Return an address as it is stored and compared: trimmed, lower-case."""
    return email.strip().lower()


def by_email(email: str) -> Person | None:
    """Return the person with an address."""
    return db.session.scalars(select(Person).where(Person.email == normal(email))).first()


def register(email: str, name: str, password: str, language: str, *, next: str = "") -> Person | None:
    """Make an account that opens when its address is confirmed; None if the address has one (its owner is told)."""
    throttle.check_newcomer()
    passwords.check_strength(password, email, name)
    hashed = passwords.hashed(password)
    throttle.note_newcomer()
    with transaction():
        known = by_email(email)
        if known is not None and known.verified_at is not None:
            letters.already_here(known)
            return None
        person = known or Person(email=normal(email), name=name.strip(), language=language)
        person.name, person.password_hash, person.language = name.strip(), hashed, language
        db.session.add(person)
        db.session.flush()
        letters.confirm(person, tickets.give(TicketKind.CONFIRM, person, next=next))
        audit.record("person.registered", person, by=person)
        return person


def confirm(ticket: Ticket) -> Person:
    """Open the account whose address the ticket proves."""
    person = ticket.person
    if not tickets.use(ticket):
        raise Refused(_l("This link was used already, or has run out."), status=410)
    if fresh := str(ticket.detail.get("email") or ""):
        return _take_mail(person, fresh)
    if person.verified_at is None:
        person.verified_at = clock.now()
        audit.record("person.confirmed", person, by=person)
    return person


def ask_new_mail(person: Person, email: str) -> None:
    """Send a link to the address that is to become the account's; the page says the same if it is taken."""
    throttle.check(f"mail {person.uid}")
    throttle.note(f"mail {person.uid}", good=False)
    with transaction():
        taken = by_email(email)
        if taken is not None:
            letters.already_here(taken)
        else:
            fresh = normal(email)
            letters.new_address(person, fresh, tickets.give(TicketKind.CONFIRM, person, email=fresh))
        audit.record("person.mail_change_asked", person, by=person)


def _take_mail(person: Person, email: str) -> Person:
    """Put the proved address in place of the old one, which is told; other sessions end."""
    if by_email(email) is not None:
        raise Refused(_l("This link was used already, or has run out."), status=410)
    letters.changed(person, "mail")
    person.email = email
    found = access_session()
    end_all(person, keep=found if found is not None and found.person_id == person.id else None)
    audit.record("person.mail_changed", person, by=person)
    return person


def access_session() -> UserSession | None:
    """Return the live session of this browser."""
    key = session.get("key")
    if not isinstance(key, str):
        return None
    return db.session.scalars(
        select(UserSession).where(UserSession.token_hash == vault.digest(key), UserSession.ended_at.is_(None))
    ).first()


def names_of(person: Person) -> list[str]:
    """Return what a person's password must not be built on: mail, name, and the names of his organisations."""
    orgs = db.session.scalars(
        select(Organisation)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(Contact.person_id == person.id)
    )
    names = [
        name
        for org in orgs
        for name in (org.legal_name, org.legal_name_en, org.display_name_zh, org.display_name_en)
    ]
    return [person.email, person.name, *names]


def factor_changed(person: Person, *, keep: UserSession | None = None) -> None:
    """End the person's other sessions and tell him, since the second step of the sign-in changed."""
    end_all(person, keep=keep)
    letters.changed(person, "factor")


def check_password(email: str, password: str) -> Person:
    """Return the person whose password this is; the same refusal for every other case."""
    account = normal(email)
    throttle.check(account)
    person = by_email(account)
    stored = person.password_hash if person is not None else None
    good = passwords.matches(password, stored)
    if person is None or not good or person.disabled_at is not None:
        throttle.note(account, good=False)
        log.warning("sign_in", good=False, person_id=person.id if person else None)
        raise Refused(_l("Mail address or password is not right."), status=422)
    if person.verified_at is None:
        throttle.check(f"confirm {account}")
        throttle.note(f"confirm {account}", good=False)
        with transaction():
            letters.confirm(person, tickets.give(TicketKind.CONFIRM, person))
        raise Refused(_l("Please confirm your mail address first: we have sent you a new link."), status=422)
    throttle.note(account, good=True)
    if stored and passwords.outdated(stored):
        fresh = passwords.hashed(password)
        with transaction():
            person.password_hash = fresh
    return person


def open_session(person: Person, level: Level) -> UserSession:
    """Begin a session for this browser, ending the one it had; call inside a transaction."""
    end_this()
    key = vault.token()
    now = clock.now()
    row = UserSession(
        token_hash=vault.digest(key),
        person=person,
        level=level,
        address=(request.remote_addr or "")[:64],
        agent=(request.user_agent.string or "")[:200],
        created_at=now,
        seen_at=now,
        factor_at=now if level is Level.FULL else None,
    )
    db.session.add(row)
    db.session.flush()
    language = session.get("language")
    session.clear()
    session["key"] = key
    if language:
        session["language"] = language
    g.pop("who", None)
    if level is Level.FULL:
        audit.record("person.signed_in", person, by=person)
        log.info("sign_in", good=True, person_id=person.id)
    return row


def begin(person: Person) -> UserSession:
    """Open the door half-way after the first factor; mail a code where the person has no other second one."""
    half = open_session(person, Level.FIRST)
    if not person.totp_sealed and not factors.passkeys(person):
        send_code(half)
    return half


def complete(half: UserSession) -> UserSession:
    """Open the door after the second step, under a new token."""
    return open_session(half.person, Level.FULL)


def send_code(half: UserSession) -> None:
    """Mail the code that completes this sign-in."""
    sent = db.session.scalar(
        select(func.count()).where(Ticket.kind == TicketKind.CODE, Ticket.session_id == half.id)
    )
    if (sent or 0) >= 5:
        raise Refused(_l("We have sent five codes already. Please sign in again."), status=429)
    letters.code(half.person, tickets.give(TicketKind.CODE, half.person, session=half))


def second_step(half: UserSession, way: str, code: str) -> bool:
    """Whether the code completes the sign-in; `way` is app, mail or recovery."""
    if way == "app":
        return factors.use_totp(half.person, code)
    if way == "recovery":
        good = factors.use_recovery(half.person, code)
        if good:
            letters.changed(half.person, "recovery")
        return good
    return way == "mail" and tickets.use_code(half, code)


def ask_reset(email: str) -> None:
    """Send the link for a new password, if the address has an account; the page says the same either way."""
    throttle.check(f"reset {normal(email)}")
    throttle.note(f"reset {normal(email)}", good=False)
    with transaction():
        person = by_email(email)
        if person is not None and person.disabled_at is None:
            letters.reset(person, tickets.give(TicketKind.RESET, person))
        elif (
            person is None
        ):  # a mail all the same: both answers cost the same work, and a typo comes to light
            letters.nobody(normal(email), str(get_locale()))


def set_password(person: Person, hashed: str, *, by: Person, keep: UserSession | None = None) -> None:
    """Change the password and end the person's other sessions."""
    person.password_hash = hashed
    person.verified_at = person.verified_at or clock.now()
    end_all(person, keep=keep)
    letters.changed(person, "password")
    audit.record("person.password_changed", person, by=by)


def end_this() -> None:
    """End the session of this browser, on the server."""
    key = session.get("key")
    if isinstance(key, str):
        db.session.execute(
            update(UserSession)
            .where(UserSession.token_hash == vault.digest(key), UserSession.ended_at.is_(None))
            .values(ended_at=clock.now())
        )


def end_all(person: Person, *, keep: UserSession | None = None) -> None:
    """End every session of a person, but perhaps one."""
    db.session.execute(
        update(UserSession)
        .where(
            UserSession.person_id == person.id,
            UserSession.ended_at.is_(None),
            UserSession.id != (keep.id if keep else 0),
        )
        .values(ended_at=clock.now())
    )


def sessions(person: Person) -> list[UserSession]:
    """Return the person's live sessions, the newest first."""
    return list(
        db.session.scalars(
            select(UserSession)
            .where(UserSession.person_id == person.id, UserSession.ended_at.is_(None))
            .order_by(UserSession.seen_at.desc())
        )
    )
