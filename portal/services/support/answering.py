"""What agents do in a ticket: take it, answer, note, ask, hold, solve, give it to somebody, black out a secret."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.services.support import attaching, duty, history, letters
from portal.services.support.asking import words_of
from portal.services.support.attaching import Attached
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


def take(ticket: SupportTicket, *, by: Person, over: bool = False) -> SupportTicket:
    """Take a ticket: it is the agent's, and in work; `over` takes it from the agent who has it."""
    row = history.locked(ticket)
    if row.state not in LIVE:
        raise Refused(_l("This ticket is over."))
    if row.agent_id == by.id and row.state is not T.NEW:
        raise Refused(_l("This ticket is yours already."))
    if row.agent_id not in (None, by.id) and not over:
        raise Refused(_l("Somebody else has taken this ticket meanwhile."))
    return _taken(row, by)


def _taken(row: SupportTicket, by: Person) -> SupportTicket:
    if row.agent_id is None or row.agent_id != by.id:
        row.agent = by
        history.tell(row, E.TAKEN, by=by, value=by.uid)
    if row.state is T.NEW:
        history.turn(row, T.OPEN, by=by)
    audit.record("ticket.taken", row, by=by, org_id=row.org_id)
    return row


def give(ticket: SupportTicket, agent: Person, *, by: Person, reason: str) -> None:
    """Give a ticket to another agent."""
    row = history.locked(ticket)
    if row.state not in LIVE:
        raise Refused(_l("This ticket is over."))
    if agent.id not in {one.id for one in duty.agents()}:
        raise Refused(_l("Only agents of support have tickets."), field="agent", status=422)
    said = words_of(reason, field="reason")
    row.agent = agent
    history.tell(row, E.TAKEN, by=by, value=agent.uid, reason=said)
    if row.state is T.NEW:
        history.turn(row, T.OPEN, by=by)
    audit.record("ticket.given", row, by=by, org_id=row.org_id, to=agent.name, reason=said)
    letters.given(row)


def _say(
    row: SupportTicket, body: str, *, by: Person, public: bool = True, files: Sequence[Attached] = ()
) -> TicketMessage:
    message = TicketMessage(
        ticket=row, side=Side.STAFF, public=public, body=body, channel=Channel.PAGE, by=by
    )
    db.session.add(message)
    db.session.flush()
    attaching.keep(message, files)
    return message


def _in_work(ticket: SupportTicket, by: Person) -> SupportTicket:
    """Return the ticket, taken by whoever speaks if nobody has it."""
    row = history.locked(ticket)
    if row.state not in LIVE:
        raise Refused(_l("This ticket is over."))
    return _taken(row, by) if row.agent_id is None or row.state is T.NEW else row


def _answer(row: SupportTicket, body: str, *, by: Person, files: Sequence[Attached] = ()) -> TicketMessage:
    message = _say(row, body, by=by, files=files)
    history.tell(row, E.ANSWERED, by=by, message=message.uid)
    return message


def answer(
    ticket: SupportTicket, *, by: Person, body: str, workaround: bool = False, files: Sequence[Attached] = ()
) -> TicketMessage:
    """Answer the customer; `workaround` says that work can go on with it."""
    said, row = words_of(body), _in_work(ticket, by)
    message = _answer(row, said, by=by, files=files)
    if workaround:
        history.tell(row, E.WORKAROUND, by=by, message=message.uid)
    audit.record("ticket.answered", row, by=by, org_id=row.org_id, workaround=workaround)
    letters.answered(row, message)
    return message


def note(ticket: SupportTicket, *, by: Person, body: str, files: Sequence[Attached] = ()) -> TicketMessage:
    """Leave a note for staff; no customer sees it, and no clock counts it."""
    said, row = words_of(body), history.locked(ticket)
    message = _say(row, said, by=by, public=False, files=files)
    history.tell(row, E.NOTED, by=by, message=message.uid)
    audit.record("ticket.noted", row, by=by, org_id=row.org_id)
    return message


def ask(ticket: SupportTicket, *, by: Person, body: str, files: Sequence[Attached] = ()) -> TicketMessage:
    """Ask the customer something: the ticket waits for him."""
    said, row = words_of(body), _in_work(ticket, by)
    message = _answer(row, said, by=by, files=files)
    history.turn(row, T.WAITING_CUSTOMER, by=by)
    audit.record("ticket.asked", row, by=by, org_id=row.org_id)
    letters.answered(row, message)
    return message


def hold(ticket: SupportTicket, *, by: Person, until: datetime, reason: str) -> None:
    """Put a ticket on hold until an instant, for a reason that the customer reads."""
    said, row = words_of(reason, field="reason"), _in_work(ticket, by)
    if until <= clock.now():
        raise Refused(_l("Please choose a day that is still to come."), field="until", status=422)
    message = _answer(row, said, by=by)
    row.hold_until, row.hold_reason = until, said[:300]
    history.turn(row, T.ON_HOLD, by=by, reason=said)
    audit.record("ticket.held", row, by=by, org_id=row.org_id, until=until)
    letters.answered(row, message)


def wake(ticket: SupportTicket, *, by: Person | str) -> None:
    """Go on with a ticket that was on hold."""
    row = history.locked(ticket)
    if row.state is not T.ON_HOLD:
        raise Refused(_l("This ticket is not on hold."))
    history.turn(row, T.OPEN, by=by if isinstance(by, Person) else None)
    audit.record("ticket.woken", row, by=by, org_id=row.org_id)


def solve(
    ticket: SupportTicket, *, by: Person, body: str, cause: str, files: Sequence[Attached] = ()
) -> TicketMessage:
    """Solve a ticket with an answer and the cause."""
    said, why, row = words_of(body), words_of(cause, field="cause"), _in_work(ticket, by)
    message = _answer(row, said, by=by, files=files)
    history.turn(row, T.SOLVED, by=by, reason=why)
    row.solved_at, row.cause = clock.now(), why[:300]
    audit.record("ticket.solved", row, by=by, org_id=row.org_id, cause=why)
    letters.answered(row, message)
    return message


def black_out(ticket: SupportTicket, uid: str, secret: str, *, by: Person, reason: str) -> None:
    """Black out a secret that somebody wrote into a message: its hash stays, and says later which one it was."""
    row, said = history.locked(ticket), words_of(reason, field="reason")
    message = db.session.scalars(
        select(TicketMessage).where(TicketMessage.ticket_id == row.id, TicketMessage.uid == uid)
    ).first()
    if message is None:
        raise Missing(_l("There is no such message."))
    if message.black_hash:
        raise Refused(_l("Something in this message is blacked out already: it does not change again."))
    if len(secret.strip()) < 4 or secret not in message.body:
        raise Refused(
            _l("Please give the secret exactly as it stands in the message."), field="secret", status=422
        )
    message.body = message.body.replace(secret, "█" * 8)
    message.black_hash = hashlib.sha256(secret.encode()).hexdigest()
    history.tell(row, E.BLACKED, by=by, value=message.uid, reason=said)
    db.session.flush()
    audit.record("ticket.blacked", row, by=by, org_id=row.org_id, message=message.uid, reason=said)
