"""Coming in and going out: register, confirm, sign in, the second step, a new password, sessions."""

from __future__ import annotations

from flask import g, request, session
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts import factors, letters, passwords, throttle, tickets
from portal.accounts.people import Level, Person, Ticket, TicketKind, UserSession
from portal.core import audit, clock, vault
from portal.core.db import db, transaction
from portal.core.errors import Refused


def normal(email: str) -> str:
    """Return an address as it is stored and compared: trimmed, lower-case."""
    return email.strip().lower()


def by_email(email: str) -> Person | None:
    """Return the person with an address."""
    return db.session.scalars(select(Person).where(Person.email == normal(email))).first()


def register(email: str, name: str, password: str, language: str, *, next: str = "") -> Person | None:
    """Make an account that opens when its address is confirmed; None if the address has one (its owner is told)."""
    passwords.check_strength(password, email, name)
    hashed = passwords.hashed(password)
    throttle.check(f"register {request.remote_addr}")
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
    if person.verified_at is None:
        person.verified_at = clock.now()
        audit.record("person.confirmed", person, by=person)
    return person


def check_password(email: str, password: str) -> Person:
    """Return the person whose password this is; the same refusal for every other case."""
    account = normal(email)
    throttle.check(account)
    person = by_email(account)
    stored = person.password_hash if person is not None else None
    good = passwords.matches(password, stored)
    if person is None or not good or person.disabled_at is not None:
        throttle.note(account, good=False)
        raise Refused(_l("Mail address or password is not right."), status=422)
    if person.verified_at is None:
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
