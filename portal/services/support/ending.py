"""How tickets end beside being solved: merged into another, rejected with a pointer, spam, closed by time."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.support import history, letters
from portal.services.support.asking import words_of
from portal.services.support.models import (
    LIVE,
    Channel,
    EventKind,
    Side,
    SupportTicket,
    TicketMessage,
    TicketState,
)

T, E = TicketState, EventKind


def same_customer(one: SupportTicket, other: SupportTicket) -> bool:
    """Whether two tickets are of one organisation, or of one person without any."""
    if one.org_id is None and other.org_id is None:
        return one.asker_id == other.asker_id
    return one.org_id == other.org_id


def merge(ticket: SupportTicket, into: SupportTicket, *, by: Person) -> None:
    """Let a ticket go on in another one of the same customer, which counts from the earlier receipt."""
    if ticket.id == into.id:
        raise Refused(_l("A ticket cannot be merged into itself."), field="number", status=422)
    rows = {one.id: history.locked(one) for one in sorted((ticket, into), key=lambda row: row.id)}
    row, kept = rows[ticket.id], rows[into.id]
    if not same_customer(row, kept):
        raise Refused(_l("Only tickets of the same organisation are merged."), field="number", status=422)
    if kept.state not in LIVE:
        raise Refused(_l("The other ticket is over: please choose one in work."), field="number", status=422)
    unanswered = not any(one.kind is E.ANSWERED for one in history.lines(row))
    row.into, row.closed_at = kept, clock.now()
    history.turn(row, T.MERGED, by=by)
    history.tell(kept, E.EARLIER, by=by, value=row.number, since=row.received_at.isoformat())
    if unanswered and any(one.kind is E.ANSWERED for one in history.lines(kept)):
        history.tell(kept, E.ASKED, by=row.asker)
    audit.record("ticket.merged", row, by=by, org_id=row.org_id, into=kept.number)
    letters.merged(row, kept)


def reject(ticket: SupportTicket, *, by: Person, reason: str, pointer: str = "") -> None:
    """Say that a ticket is outside what support does, with a pointer to where it is done."""
    said, row = words_of(reason, field="reason"), history.locked(ticket)
    if row.state not in LIVE:
        raise Refused(_l("This ticket is over."))
    if row.agent is None:
        row.agent = by
        history.tell(row, E.TAKEN, by=by, value=by.uid)
    body = f"{said}\n\n{pointer.strip()}" if pointer.strip() else said
    message = TicketMessage(ticket=row, side=Side.STAFF, public=True, body=body, channel=Channel.PAGE, by=by)
    db.session.add(message)
    db.session.flush()
    history.tell(row, E.ANSWERED, by=by, message=message.uid)
    history.turn(row, T.REJECTED, by=by, reason=said)
    row.closed_at = clock.now()
    audit.record("ticket.rejected", row, by=by, org_id=row.org_id, pointer=pointer.strip()[:300])
    letters.answered(row, message)


def call_spam(ticket: SupportTicket, *, by: Person) -> None:
    """Lay a ticket aside as spam; nobody is written to, and it counts nowhere."""
    row = history.locked(ticket)
    if row.state not in LIVE:
        raise Refused(_l("This ticket is over."))
    row.spam, row.closed_at = True, clock.now()
    history.turn(row, T.REJECTED, by=by, reason="spam")
    audit.record("ticket.spam", row, by=by, org_id=row.org_id)


def not_spam(ticket: SupportTicket, *, by: Person) -> None:
    """Take back that a ticket is spam: it is in work."""
    row = history.locked(ticket)
    if not row.spam:
        raise Refused(_l("This ticket was not laid aside as spam."))
    row.spam, row.closed_at = False, None
    history.turn(row, T.OPEN, by=by)
    audit.record("ticket.no_spam", row, by=by, org_id=row.org_id)


def close(ticket: SupportTicket, *, by: str) -> bool:
    """Close a solved ticket that nobody reopened in time; False if it is too early, or was reopened."""
    row = history.locked(ticket)
    days = timedelta(days=int(catalogue.policy("support.reopen_days")))
    if row.state is not T.SOLVED or row.solved_at is None or clock.now() < row.solved_at + days:
        return False
    history.turn(row, T.CLOSED, by=None)
    row.closed_at = clock.now()
    audit.record("ticket.closed", row, by=by, org_id=row.org_id)
    return True


def solve_by_silence(ticket: SupportTicket, *, by: str) -> None:
    """Count a ticket as solved since its customer stayed silent."""
    row = history.locked(ticket)
    if row.state is not T.WAITING_CUSTOMER:
        raise Refused(_l("This ticket does not wait for its customer."))
    history.turn(row, T.SOLVED, by=None, reason="silence")
    row.solved_at = clock.now()
    audit.record("ticket.solved", row, by=by, org_id=row.org_id, silence=True)
    letters.solved_by_silence(row)
