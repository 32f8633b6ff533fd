"""What customers do: open a ticket, write in it, say how severe it is, call it solved, reopen it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask_babel import lazy_gettext as _l

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.support import attaching, coverage, history, letters
from portal.services.support.attaching import Attached
from portal.services.support.clocks import WORST_FIRST, Severity
from portal.services.support.models import (
    Channel,
    EventKind,
    Side,
    SupportTicket,
    TicketMessage,
    TicketState,
)

T, E = TicketState, EventKind
LONGEST = 20_000


def words_of(text: str, *, field: str = "body") -> str:
    """Return what was written, trimmed; `Refused` if it is nothing, or a book."""
    said = text.strip()
    if not said:
        raise Refused(_l("Please fill this in."), field=field, status=422)
    if len(said) > LONGEST:
        raise Refused(_l("Please use at most %(max)s characters.", max=LONGEST), field=field, status=422)
    return said


def open_ticket(
    *,
    by: Person,
    org: Organisation | None,
    title: str,
    body: str,
    severity: Severity,
    channel: Channel = Channel.PAGE,
    asker: Person | None = None,
    follows: SupportTicket | None = None,
    files: Sequence[Attached] = (),
    mail_id: str | None = None,
) -> SupportTicket:
    """Open a ticket: the level is judged now, and what it promises is pinned. Staff open one for somebody (`asker`)."""
    person = asker or by
    said = words_of(body)
    level = coverage.level_for(org, person)
    row = SupportTicket(
        org=org, asker=person, title=" ".join(title.split())[:200] or said[:80], channel=channel, severity=severity,
        level=level, follows=follows,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    history.tell(row, E.RECEIVED, by=by, value=severity.value, promise=coverage.promised(level))
    _keep(
        row,
        said,
        by=person if channel is not Channel.STAFF else by,
        channel=channel,
        files=files,
        mail_id=mail_id,
    )
    audit.record(
        "ticket.opened", row, by=by, org_id=row.org_id, support_level=level, severity=severity, channel=channel,
        asker=person.name,
    )  # fmt: skip
    letters.received(row)
    return row


def _keep(
    ticket: SupportTicket,
    body: str,
    *,
    by: Person,
    channel: Channel,
    files: Sequence[Attached],
    mail_id: str | None,
) -> TicketMessage:
    message = TicketMessage(
        ticket=ticket, side=Side.CUSTOMER, public=True, body=body, channel=channel, by=by, mail_id=mail_id
    )
    db.session.add(message)
    db.session.flush()
    attaching.keep(message, files)
    return message


def reopens_until(ticket: SupportTicket) -> bool:
    """Whether a solved ticket can still be reopened."""
    days = timedelta(days=int(catalogue.policy("support.reopen_days")))
    return ticket.state is T.SOLVED and ticket.solved_at is not None and clock.now() < ticket.solved_at + days


def may_write(ticket: SupportTicket) -> bool:
    """Whether a customer can still write in a ticket; later he opens a new one that follows it."""
    return ticket.state in (T.NEW, T.OPEN, T.WAITING_CUSTOMER, T.ON_HOLD) or reopens_until(ticket)


def write(
    ticket: SupportTicket, *, by: Person, body: str, channel: Channel = Channel.PAGE, files: Sequence[Attached] = (),
    mail_id: str | None = None,
) -> TicketMessage:  # fmt: skip
    """Write in a ticket: one that waited for the customer goes on, a solved one opens again."""
    said, row = words_of(body), history.locked(ticket)
    if row.state is T.MERGED and row.into is not None:
        return write(row.into, by=by, body=body, channel=channel, files=files, mail_id=mail_id)
    if not may_write(row):
        raise Refused(_l("This ticket is over: please open a new one, which will point to it."))
    message = _keep(row, said, by=by, channel=channel, files=files, mail_id=mail_id)
    if row.state in (T.WAITING_CUSTOMER, T.SOLVED):
        row.solved_at = None
        history.turn(row, T.OPEN, by=by)
    history.tell(row, E.ASKED, by=by, message=message.uid)
    audit.record("ticket.written", row, by=by, org_id=row.org_id)
    letters.asked(row, message)
    return message


def call_solved(ticket: SupportTicket, *, by: Person) -> None:
    """Say as the customer that it is solved."""
    row = history.locked(ticket)
    history.turn(row, T.SOLVED, by=by)
    row.solved_at = clock.now()
    audit.record("ticket.solved", row, by=by, org_id=row.org_id, by_customer=True)


def set_severity(ticket: SupportTicket, severity: Severity, *, by: Person) -> None:
    """Say as the customer how severe it is."""
    row = history.locked(ticket)
    if row.state not in (T.NEW, T.OPEN, T.WAITING_CUSTOMER, T.ON_HOLD):
        raise Refused(_l("This ticket is over: its severity stays."))
    if severity is row.severity:
        raise Refused(_l("This is its severity already."), field="severity", status=422)
    if WORST_FIRST.index(severity) < WORST_FIRST.index(row.severity) and _lowered_by_staff(row):
        raise Refused(_l("Our staff lowered the severity: please object, and the lead of support decides."))
    _set(row, severity, by=by, reason="")
    if severity is Severity.S1:
        letters.called(row)


def _lowered_by_staff(ticket: SupportTicket) -> bool:
    """Whether the last word on the severity was staff's, with a reason."""
    said = [one for one in history.lines(ticket) if one.kind is E.SEVERITY]
    return bool(said) and bool(said[-1].reason)


def _set(row: SupportTicket, severity: Severity, *, by: Person, reason: str) -> None:
    before = row.severity
    row.severity = severity
    history.tell(row, E.SEVERITY, by=by, value=severity.value, reason=reason)
    audit.record(
        "ticket.severity",
        row,
        by=by,
        org_id=row.org_id,
        before=before,
        after=severity,
        **({"reason": reason} if reason else {}),
    )


def judge_severity(ticket: SupportTicket, severity: Severity, *, by: Person, reason: str) -> None:
    """Set the severity as staff, with a reason that the customer reads and can object to."""
    row = history.locked(ticket)
    if row.state not in (T.NEW, T.OPEN, T.WAITING_CUSTOMER, T.ON_HOLD):
        raise Refused(_l("This ticket is over: its severity stays."))
    if severity is row.severity:
        raise Refused(_l("This is its severity already."), field="severity", status=422)
    said = words_of(reason, field="reason")
    lowered = WORST_FIRST.index(severity) > WORST_FIRST.index(row.severity)
    _set(row, severity, by=by, reason=said if lowered else "")
    if lowered:
        letters.severity_lowered(row, said)


def may_object(ticket: SupportTicket) -> bool:
    """Whether staff lowered the severity and the customer has not objected since."""
    said = [one.kind for one in history.lines(ticket) if one.kind in (E.SEVERITY, E.APPEALED)]
    return bool(said) and said[-1] is E.SEVERITY and _lowered_by_staff(ticket)


def object_to_severity(ticket: SupportTicket, *, by: Person, words: str) -> None:
    """Object to a severity that staff lowered: the leads decide."""
    row = history.locked(ticket)
    if not may_object(row):
        raise Refused(_l("Nobody lowered the severity since you last objected."))
    said = words_of(words, field="words")
    history.tell(row, E.APPEALED, by=by, reason=said)
    audit.record("ticket.objected", row, by=by, org_id=row.org_id)
    letters.objected(row, said)
