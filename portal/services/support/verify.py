"""What always holds of tickets, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from sqlalchemy import select

from portal.core.db import db
from portal.services.support.ending import same_customer
from portal.services.support.models import (
    EventKind,
    SupportTicket,
    TicketEvent,
    TicketState,
    TicketStep,
)

E = EventKind


def verify_support() -> tuple[int, list[str]]:
    """Return how many tickets were looked at and a sentence for each fault."""
    rows = list(db.session.scalars(select(SupportTicket).order_by(SupportTicket.id)))
    told: dict[int, list[TicketEvent]] = defaultdict(list)
    for line in db.session.scalars(select(TicketEvent).order_by(TicketEvent.ticket_id, TicketEvent.n)):
        told[line.ticket_id].append(line)
    return len(rows), [fault for row in rows for fault in _faults(row, told[row.id])] + _steps()


def _faults(row: SupportTicket, lines: list[TicketEvent]) -> list[str]:
    """Compare what a ticket repeats with the last word of its history, and look at the history itself."""
    if not lines or lines[0].kind is not E.RECEIVED:
        return [f"{row.subject}: its history does not begin with the receipt"]
    found = []
    if [one.n for one in lines] != list(range(1, len(lines) + 1)):
        found.append(f"{row.subject}: a line of its history is missing")
    if any(later.at < earlier.at for earlier, later in pairwise(lines)):
        found.append(f"{row.subject}: its history goes back in time")
    last = {one.kind: one.value for one in lines}
    if row.state.value != last.get(E.STATE, TicketState.NEW.value):
        found.append(f"{row.subject}: its state is not what its history says")
    if row.severity.value != last.get(E.SEVERITY, last[E.RECEIVED]):
        found.append(f"{row.subject}: its severity is not what its history says")
    promised = [one.body["promise"]["level"] for one in lines if "promise" in one.body]
    if not promised or row.level != promised[-1]:
        found.append(f"{row.subject}: its level is not what was promised")
    if row.into is not None and not same_customer(row, row.into):
        found.append(f"{row.subject}: it was merged into a ticket of somebody else")
    return found


def _steps() -> list[str]:
    """Check that of each ladder the steps told rise with time."""
    found, before = [], dict[tuple[int, str, int], int]()
    for step in db.session.scalars(
        select(TicketStep).where(TicketStep.sent).order_by(TicketStep.at, TicketStep.id)
    ):
        key = (step.ticket_id, step.ladder, step.run)
        if step.step <= before.get(key, -1):
            found.append(
                f"support_ticket:{step.ticket_id}: a step of {step.ladder} was told after a later one"
            )
        before[key] = step.step
    return found
