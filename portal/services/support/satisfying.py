"""Satisfaction: asked once after closing by a signed link, answered in five steps; a bad one is a task for the lead."""

from __future__ import annotations

import hmac
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.settings import settings
from portal.core.vault import derived
from portal.services.support import letters
from portal.services.support.models import Satisfaction, SupportTicket

STEPS = range(1, 6)
BAD = 2
GOOD = 4


def _signature(uid: str, secret: str) -> str:
    return hmac.digest(derived("satisfaction", secret=secret), uid.encode(), "sha256").hex()[:40]


def token(ticket: SupportTicket) -> str:
    """Return what the link of a ticket carries: its uid, signed by this installation."""
    return f"{ticket.uid}.{_signature(ticket.uid, settings().secret_key)}"


def of_token(text: str) -> Satisfaction:
    """Return the question behind a link; a link that we did not sign leads nowhere."""
    uid, _dot, signature = text.partition(".")
    secrets = (settings().secret_key, *settings().secret_key_fallbacks)
    signed = any(hmac.compare_digest(signature.encode(), _signature(uid, one).encode()) for one in secrets)
    row = db.session.scalars(select(Satisfaction).join(SupportTicket).where(SupportTicket.uid == uid)).first()
    if not signed or row is None:
        raise Missing(_l("This link leads nowhere."))
    return row


def ask(ticket: SupportTicket) -> bool:
    """Ask once how a closed ticket was; False if it was asked."""
    if db.session.scalar(select(Satisfaction.id).where(Satisfaction.ticket_id == ticket.id)) is not None:
        return False
    until = clock.now() + timedelta(days=int(catalogue.policy("support.satisfaction_days")))
    row = Satisfaction(ticket=ticket, until=until)
    db.session.add(row)
    db.session.flush()
    letters.how_was_it(row, token(ticket))
    return True


def is_open(row: Satisfaction) -> bool:
    """Whether a link still takes an answer."""
    return row.answered_at is None and clock.now() < row.until


def answer(row: Satisfaction, score: int, words: str) -> None:
    """Take the answer behind a link: once, in time."""
    fresh = db.session.get_one(
        Satisfaction, row.id, with_for_update={"of": Satisfaction}, populate_existing=True
    )
    if not is_open(fresh):
        raise Refused(_l("This link has been used, or its time is over. Thank you all the same."))
    if score not in STEPS:
        raise Refused(_l("Please choose one of the five steps."), field="score", status=422)
    fresh.score, fresh.words, fresh.answered_at = score, words.strip()[:1000], clock.now()
    audit.record("ticket.rated", fresh.ticket, by=fresh.ticket.asker, org_id=fresh.ticket.org_id, score=score)


def to_heed() -> Select[Satisfaction]:
    """Select the bad answers that no lead has looked after yet, the oldest first."""
    return (
        select(Satisfaction)
        .where(Satisfaction.score <= BAD, Satisfaction.heeded_at.is_(None))
        .order_by(Satisfaction.answered_at)
    )


def heed(row: Satisfaction, *, by: Person) -> None:
    """Say that somebody looked after a bad answer."""
    if row.heeded_at is not None:
        raise Refused(_l("Somebody has looked after this already."))
    row.heeded_by, row.heeded_at = by, clock.now()
    audit.record("ticket.rating_heeded", row.ticket, by=by, org_id=row.ticket.org_id)
