"""Tickets as pages show them: the conversation, the clocks in words, the queue by the next instant due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Select, func, select

from portal.core import clock, labels
from portal.core.db import db
from portal.services.support import attaching, clocks, history
from portal.services.support.clocks import Clock, ClockKind
from portal.services.support.models import (
    LIVE,
    EventKind,
    SupportTicket,
    TicketEvent,
    TicketMessage,
    TicketState,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A clock in words: what it is, how it stands, its tone, and until when."""

    name: str
    words: str
    tone: str
    due: datetime | None


def length(span: timedelta) -> str:
    """Return a length of time in words: hours and minutes, days from two on."""
    minutes = int(span.total_seconds()) // 60
    if minutes >= 2880:
        return ngettext("%(num)s day", "%(num)s days", minutes // 1440)
    if minutes >= 60:
        hours = ngettext("%(num)s hour", "%(num)s hours", minutes // 60)
        return (
            hours
            if minutes % 60 == 0
            else f"{hours} {ngettext('%(num)s minute', '%(num)s minutes', minutes % 60)}"
        )
    return ngettext("%(num)s minute", "%(num)s minutes", minutes)


def in_words(one: Clock, at: datetime) -> Shown:
    """Return a clock as people read it."""
    name, late = labels.label(one.kind), one.late(at)
    if one.met is not None:
        return Shown(name, _("Missed") if late else _("Kept in time"), "bad" if late else "good", None)
    if one.moot is not None:
        return Shown(name, _("No longer needed"), "mute", None)
    if late:
        return Shown(name, _("Overdue"), "bad", one.due)
    if one.counting is None:
        return Shown(
            name, _("Stands still, %(left)s left", left=length(one.left(at) or timedelta(0))), "mute", None
        )
    near = (one.share(at) or 0) >= 80
    return Shown(
        name,
        _("%(left)s left", left=length(one.left(at) or timedelta(0))),
        "warn" if near else "wait",
        one.due,
    )


def clocks_of(ticket: SupportTicket) -> list[Shown]:
    """Return the clocks of a ticket in words."""
    now = clock.now()
    return [in_words(one, now) for one in history.shown(ticket, now)]


@dataclass(frozen=True, slots=True)
class Said:
    """A message with its files."""

    message: TicketMessage
    files: Sequence[Any]


def conversation(ticket: SupportTicket, *, public: bool) -> list[Said]:
    """Return what was said, the oldest first; with `public` only what the customer sees."""
    asked = select(TicketMessage).where(TicketMessage.ticket_id == ticket.id).order_by(TicketMessage.id)
    if public:
        asked = asked.where(TicketMessage.public)
    files = attaching.of_ticket(ticket, public=public)
    return [Said(one, files.get(one.id, ())) for one in db.session.scalars(asked)]


def last_severity_reason(ticket: SupportTicket) -> str:
    """Return why staff lowered the severity, if that was the last word on it."""
    row = db.session.scalars(
        select(TicketEvent)
        .where(TicketEvent.ticket_id == ticket.id, TicketEvent.kind == EventKind.SEVERITY)
        .order_by(TicketEvent.n.desc())
        .limit(1)
    ).first()
    return row.reason if row is not None else ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket of the queue: its next instant due, which promise that is, and whether one is broken."""

    ticket: SupportTicket
    due: datetime | None
    kind: ClockKind | None
    late: bool


def queue(statement: Select[Any]) -> list[Waiting]:
    """Return live tickets by their next instant due, then by when they came; those without one stand last."""
    rows = list(db.session.scalars(statement.where(SupportTicket.state.in_(LIVE))))
    known, now = history.facts_of(one.id for one in rows), clock.now()
    found = [_waiting(one, known[one.id], now) for one in rows]
    last = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(found, key=lambda one: (one.due or last, one.ticket.received_at, one.ticket.id))


def _waiting(ticket: SupportTicket, facts: Sequence[clocks.Fact], now: datetime) -> Waiting:
    live = [one for kind in ClockKind if (one := clocks.clock(facts, kind, now)) is not None and not one.over]
    dated = sorted(((due, one) for one in live if (due := one.due) is not None), key=lambda pair: pair[0])
    first = dated[0] if dated else None
    return Waiting(
        ticket,
        first[0] if first else None,
        first[1].kind if first else None,
        any(one.late(now) for one in live),
    )


def count_new() -> Select[Any]:
    """Select how many tickets nobody has taken."""
    return select(func.count(SupportTicket.id)).where(SupportTicket.state == TicketState.NEW)
