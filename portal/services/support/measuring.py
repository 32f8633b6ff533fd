"""The promise and its measure: first answers within 24 hours over a period, by level, severity and agent, with the missed ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from portal.core import clock
from portal.core.db import db
from portal.services.support import promise
from portal.services.support.models import (
    Channel,
    EventKind,
    Satisfaction,
    SupportTicket,
    TicketEvent,
    TicketState,
)
from portal.services.support.promise import Asked, Measure
from portal.services.support.satisfying import GOOD


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket that counts, with what the measure sees of it."""

    ticket: SupportTicket
    asked: Asked


@dataclass(frozen=True, slots=True)
class Report:
    """What a period shows: the measure of all, its parts, the tickets missed, and what customers said."""

    whole: Measure
    by_level: dict[str, Measure]
    by_severity: dict[str, Measure]
    by_agent: dict[str, Measure]
    missed: list[Row]
    open_now: int
    invited: int
    answers: int
    good: int


def rows(start: datetime, end: datetime, *, at: datetime) -> list[Row]:
    """Return the tickets received in [start, end): no spam, none that staff opened, a merged one only by the kept."""
    kept = db.session.scalars(
        select(SupportTicket)
        .where(
            ~SupportTicket.spam,
            SupportTicket.state != TicketState.MERGED,
            SupportTicket.channel != Channel.STAFF,
            SupportTicket.received_at < end,
        )
        .order_by(SupportTicket.id)
    ).all()
    first, earliest = _answers(at), _earliest(at)
    found = [
        Row(one, Asked(min(one.received_at, earliest.get(one.id, one.received_at)), first.get(one.id)))
        for one in kept
    ]
    return [one for one in found if start <= one.asked.received < end]


def _answers(at: datetime) -> dict[int, datetime]:
    """Return when a human first answered, by ticket."""
    answers = (
        select(TicketEvent.ticket_id, func.min(TicketEvent.at))
        .where(TicketEvent.kind == EventKind.ANSWERED, TicketEvent.at <= at)
        .group_by(TicketEvent.ticket_id)
    )
    return {int(one[0]): one[1] for one in db.session.execute(answers)}


def _earliest(at: datetime) -> dict[int, datetime]:
    """Return when the earliest ticket that was merged into one had come in, by the kept ticket."""
    lines = select(TicketEvent).where(TicketEvent.kind == EventKind.EARLIER, TicketEvent.at <= at)
    known: dict[int, datetime] = {}
    for line in db.session.scalars(lines):
        since = datetime.fromisoformat(line.body["since"])
        known[line.ticket_id] = min(since, known.get(line.ticket_id, since))
    return known


def _parts(found: Iterable[tuple[str, Asked]], at: datetime) -> dict[str, Measure]:
    known: dict[str, list[Asked]] = defaultdict(list)
    for key, asked in found:
        known[key].append(asked)
    return {key: promise.measure(group, at) for key, group in sorted(known.items())}


def report(start: datetime, end: datetime, *, at: datetime | None = None) -> Report:
    """Return the report of the tickets received in a period, as it is known at an instant."""
    moment = at or clock.now()
    found = rows(start, end, at=moment)
    counted = [one for one in found if promise.counts(one.asked, moment)]
    asked = select(Satisfaction).where(Satisfaction.asked_at >= start, Satisfaction.asked_at < end)
    said = list(db.session.scalars(asked))
    scores = [one.score for one in said if one.score is not None]
    return Report(
        whole=promise.measure((one.asked for one in found), moment),
        by_level=_parts(((one.ticket.level, one.asked) for one in found), moment),
        by_severity=_parts(((one.ticket.severity.value, one.asked) for one in found), moment),
        by_agent=_parts(((one.ticket.agent.name if one.ticket.agent else "", one.asked) for one in found), moment),
        missed=[one for one in counted if not promise.in_time(one.asked)],
        open_now=sum(one.ticket.state in (TicketState.NEW, TicketState.OPEN) for one in found),
        invited=len(said), answers=len(scores), good=sum(one >= GOOD for one in scores),
    )  # fmt: skip
