"""Which tickets a reader may see; those of others look missing."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, or_, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.errors import Missing
from portal.services.support.models import SupportTicket


def own_tickets(reader: Reader) -> Select[Any]:
    """Select a customer's tickets: his own, and those of organisations whose tickets he follows; never spam."""
    mine: list[Any] = [SupportTicket.org_id.in_(reader.orgs(May.FOLLOW_TICKETS))]
    if reader.personal:
        mine.append(SupportTicket.asker_id == reader.person.id)
    return select(SupportTicket).where(or_(*mine), ~SupportTicket.spam)


def own_ticket(uid: str) -> SupportTicket:
    """Return one ticket that the reader follows as a customer."""
    return _one(own_tickets(me()).where(SupportTicket.uid == uid))


def any_ticket(uid: str) -> SupportTicket:
    """Return one ticket for staff, whose door was checked before."""
    return _one(select(SupportTicket).where(SupportTicket.uid == uid))


def _one(statement: Select[Any]) -> SupportTicket:
    row: SupportTicket | None = db.session.scalars(statement).first()
    if row is None:
        raise Missing(_l("There is no such ticket."))
    return row


def asking_orgs(reader: Reader) -> list[Organisation]:
    """Return the organisations for which a reader may open a ticket: every one for which he acts."""
    rows = select(Organisation).where(
        Organisation.id.in_(reader.orgs(May.SEE_ORG)), Organisation.person_id.is_(None)
    )
    return sorted(db.session.scalars(rows), key=lambda one: one.name)
