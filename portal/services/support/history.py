"""The history of tickets: the one writer of its lines, and what clocks read in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.states import move
from portal.services.support import clocks, coverage
from portal.services.support.clocks import Clock, ClockKind, Fact, FactKind
from portal.services.support.models import EventKind, SupportTicket, TicketEvent, TicketState

TELLING = {kind.value for kind in FactKind}


def locked(ticket: SupportTicket) -> SupportTicket:
    """Return a ticket under its row lock, fresh from the database."""
    db.session.flush()
    return db.session.get_one(
        SupportTicket, ticket.id, with_for_update={"of": SupportTicket}, populate_existing=True
    )


def found(uid: str) -> SupportTicket:
    """Return one ticket, whoever asks."""
    row = db.session.scalars(select(SupportTicket).where(SupportTicket.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such ticket."))
    return row


def tell(
    ticket: SupportTicket,
    kind: EventKind,
    *,
    by: Person | None,
    value: str = "",
    reason: str = "",
    **body: Any,
) -> TicketEvent:
    """Write the next line of a ticket's history; its instants never fall, whatever a machine's clock does."""
    last = db.session.execute(
        select(func.max(TicketEvent.n), func.max(TicketEvent.at)).where(TicketEvent.ticket_id == ticket.id)
    ).one()
    at = clock.now() if last[1] is None else max(clock.now(), last[1])
    row = TicketEvent(
        ticket=ticket,
        n=(last[0] or 0) + 1,
        at=at,
        kind=kind,
        value=value,
        reason=reason[:300],
        body=body,
        by=by,
    )
    db.session.add(row)
    db.session.flush()
    return row


def turn(ticket: SupportTicket, to: TicketState, *, by: Person | None, reason: str = "") -> None:
    """Take a step of a ticket's life and write it down."""
    move(ticket, to)
    if to is not TicketState.ON_HOLD:
        ticket.hold_until, ticket.hold_reason = None, ""
    tell(ticket, EventKind.STATE, by=by, value=to.value, reason=reason)


def lines(ticket: SupportTicket) -> list[TicketEvent]:
    """Return a ticket's history, the oldest line first."""
    rows = select(TicketEvent).where(TicketEvent.ticket_id == ticket.id).order_by(TicketEvent.n)
    return list(db.session.scalars(rows))


def _fact(row: TicketEvent) -> Fact:
    promise = coverage.read(row.body["promise"]) if "promise" in row.body else None
    since = datetime.fromisoformat(row.body["since"]) if "since" in row.body else None
    return Fact(row.at, FactKind(row.kind.value), row.value, promise, since)


def facts(ticket: SupportTicket) -> list[Fact]:
    """Return what the clocks of a ticket read."""
    return facts_of([ticket.id])[ticket.id]


def facts_of(ids: Iterable[int]) -> dict[int, list[Fact]]:
    """Return what the clocks of several tickets read, in one statement."""
    kinds = [one for one in EventKind if one.value in TELLING]
    rows = db.session.scalars(
        select(TicketEvent)
        .where(TicketEvent.ticket_id.in_(list(ids)), TicketEvent.kind.in_(kinds))
        .order_by(TicketEvent.ticket_id, TicketEvent.n)
    )
    known: dict[int, list[Fact]] = defaultdict(list)
    for row in rows:
        known[row.ticket_id].append(_fact(row))
    return known


def shown(ticket: SupportTicket, at: datetime | None = None) -> list[Clock]:
    """Return the present run of each clock that has begun and for which something is promised."""
    known, moment = facts(ticket), at or clock.now()
    found = (clocks.clock(known, kind, moment) for kind in ClockKind)
    return [one for one in found if one is not None and one.runners]
