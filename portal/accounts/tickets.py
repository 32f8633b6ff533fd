"""One-time tickets: links and codes that open once, for a short while, after few tries."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import select, update

from portal.accounts.people import Person, Ticket, TicketKind, UserSession
from portal.core import clock, vault
from portal.core.db import db

LIVES = {
    TicketKind.CONFIRM: timedelta(hours=24),
    TicketKind.RESET: timedelta(minutes=10),
    TicketKind.CODE: timedelta(minutes=10),
    TicketKind.DEMO: timedelta(days=3650),
}
MOST_TRIES = 5


def give(kind: TicketKind, person: Person, *, session: UserSession | None = None, **detail: str) -> str:
    """Return the secret of a new ticket; older ones of the same kind and person end. Codes have 8 digits."""
    secret = f"{secrets.randbelow(10**8):08d}" if kind is TicketKind.CODE else vault.token()
    if kind is not TicketKind.DEMO:
        db.session.execute(
            update(Ticket)
            .where(Ticket.kind == kind, Ticket.person_id == person.id, Ticket.used_at.is_(None))
            .values(used_at=clock.now())
        )
    row = Ticket(
        kind=kind, secret_hash=vault.digest(secret), person=person, expires_at=clock.now() + LIVES[kind],
        session_id=session.id if session else None, detail={key: text for key, text in detail.items() if text},
    )  # fmt: skip
    db.session.add(row)
    return secret


def find(kind: TicketKind, secret: str) -> Ticket | None:
    """Return the live ticket of a link, without using it."""
    return db.session.scalars(
        select(Ticket).where(
            Ticket.kind == kind,
            Ticket.secret_hash == vault.digest(secret),
            Ticket.used_at.is_(None),
            Ticket.expires_at > clock.now(),
        )
    ).first()


def use(ticket: Ticket) -> bool:
    """Use a ticket; False if somebody was faster."""
    won = db.session.execute(
        update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.used_at.is_(None), Ticket.expires_at > clock.now())
        .values(used_at=clock.now())
        .returning(Ticket.id)
    )
    return won.first() is not None


def use_code(session: UserSession, code: str) -> bool:
    """Use the mail code of a half-open session; five wrong tries end it."""
    ticket = db.session.scalars(
        select(Ticket)
        .where(
            Ticket.kind == TicketKind.CODE,
            Ticket.session_id == session.id,
            Ticket.used_at.is_(None),
            Ticket.expires_at > clock.now(),
            Ticket.tries < MOST_TRIES,
        )
        .with_for_update()
    ).first()
    if ticket is None:
        return False
    if hmac.compare_digest(ticket.secret_hash, vault.digest(code.strip().replace(" ", ""))):
        return use(ticket)
    ticket.tries += 1
    return False
