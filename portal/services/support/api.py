"""Operations about tickets: open, follow and write in them, with the verbs of the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.organisations import Organisation
from portal.accounts.scopes import Scope
from portal.core import clock, cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    operations,
    responses,
    told,
)
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.idempotency import WriteHeaders, once
from portal.services.support import access, asking, history
from portal.services.support.clocks import Clock, ClockKind, Severity
from portal.services.support.models import Channel, Side, SupportTicket, TicketMessage, TicketState

tickets_api = operations("api_tickets", __name__, str(_l("Support")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class TicketQuery(Paged):
    """Which tickets."""

    state: Literal[
        "", "new", "open", "waiting_customer", "on_hold", "solved", "closed", "merged", "rejected"
    ] = ""  # fmt: skip


class ClockAnswer(Answer):
    """A promise: until when (null while it stands still), when it was met, whether it is or was missed."""

    kind: ClockKind
    due_at: datetime | None
    met_at: datetime | None
    missed: bool


class TicketAnswer(Answer):
    """A ticket with its clocks; `merged_into` is where it goes on."""

    id: Uid
    number: str
    organisation: Uid | None
    title: str
    severity: Severity
    level: str
    state: TicketState
    received_at: datetime
    hold_until: datetime | None
    hold_reason: str
    merged_into: Uid | None
    clocks: list[ClockAnswer]


class Tickets(Answer):
    """A part of the list, the newest first."""

    items: list[TicketAnswer]
    next: str | None


class MessageAnswer(Answer):
    """Something said in a ticket; notes of staff are not there."""

    id: Uid
    at: datetime
    side: Side
    body: str


class Messages(Answer):
    """A part of the conversation, the oldest first."""

    items: list[MessageAnswer]
    next: str | None


SAID = r"[^\s\x00-\x1f]"  # something is left when spaces and controls are taken away
Words = Annotated[str, Field(min_length=1, max_length=asking.LONGEST, pattern=SAID), Clean]


class NewTicket(Body):
    """A question; without an organisation it is the token's owner's own, or that of the token's organisation."""

    organisation: Uid | None = None
    severity: Literal["s1", "s2", "s3"] = "s3"
    title: Annotated[str, Field(min_length=1, max_length=200, pattern=SAID), Clean]
    body: Words


class NewMessage(Body):
    """What is said."""

    body: Words


def _clock(one: Clock) -> ClockAnswer:
    return ClockAnswer(kind=one.kind, due_at=one.due, met_at=one.met, missed=one.late(clock.now()))


def _ticket(row: SupportTicket) -> TicketAnswer:
    return TicketAnswer(
        id=row.uid, number=row.number, organisation=row.org.uid if row.org is not None else None, title=row.title,
        severity=row.severity, level=row.level, state=row.state, received_at=row.received_at,
        hold_until=row.hold_until, hold_reason=row.hold_reason,
        merged_into=row.into.uid if row.into is not None else None, clocks=[_clock(one) for one in history.shown(row)],
    )  # fmt: skip


def _org(uid: str | None) -> Organisation | None:
    """Return the organisation asked for; an organisation's token asks for its own and no other."""
    mine = {one.uid: one for one in access.asking_orgs(me())}
    if uid is None and not me().personal:
        return next(iter(mine.values()), None)
    if uid is not None and uid not in mine:
        raise Missing(_l("You do not act for that organisation."), field="organisation")
    return mine[uid] if uid is not None else None


@tickets_api.get(
    "/tickets", operation_id="list_tickets", summary=str(_l("Your support tickets")),
    responses=responses(*TOKEN_PROBLEMS, ok=Tickets), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def list_tickets(query: TicketQuery) -> Any:
    """The newest first: one's own, and those of organisations whose tickets one follows."""
    statement = access.own_tickets(me())
    if query.state:
        statement = statement.where(SupportTicket.state == TicketState(query.state))
    rows, onward = cursors.page(
        statement, [(SupportTicket.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Tickets(items=[_ticket(row) for row in rows], next=onward))


@tickets_api.get(
    "/tickets/<uid>", operation_id="get_ticket", summary=str(_l("One support ticket")),
    responses=responses(*TOKEN_PROBLEMS, ok=TicketAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def get_ticket(path: OneRow) -> Any:
    """With its state and clocks at this moment."""
    return told(_ticket(access.own_ticket(path.uid)))


@tickets_api.get(
    "/tickets/<uid>/messages", operation_id="list_ticket_messages", summary=str(_l("What was said in a ticket")),
    responses=responses(*TOKEN_PROBLEMS, ok=Messages), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def list_ticket_messages(path: OneRow, query: Paged) -> Any:
    """The oldest first."""
    row = access.own_ticket(path.uid)
    said = select(TicketMessage).where(TicketMessage.ticket_id == row.id, TicketMessage.public)
    rows, onward = cursors.page(said, [(TicketMessage.id, int)], limit=query.limit, cursor=query.cursor)
    return told(Messages(items=[_message(one) for one in rows], next=onward))


def _message(row: TicketMessage) -> MessageAnswer:
    return MessageAnswer(id=row.uid, at=row.at, side=row.side, body=row.body)


@tickets_api.post(
    "/tickets", operation_id="open_ticket", summary=str(_l("Open a support ticket")),
    responses=responses(*WRITE_PROBLEMS, created=TicketAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def open_ticket(body: NewTicket, header: WriteHeaders) -> Any:
    """The level is judged at this moment, and the clocks begin."""
    org = _org(body.organisation)
    if org is None and not me().personal:
        raise Refused(_l("You do not act for that organisation."), field="organisation", status=422)
    row = asking.open_ticket(
        by=me().person, org=org, title=body.title, body=body.body, severity=Severity(body.severity), channel=Channel.API
    )  # fmt: skip
    db.session.flush()
    return told(_ticket(row), 201, Location=url_for("api_tickets.get_ticket", uid=row.uid))


@tickets_api.post(
    "/tickets/<uid>/messages", operation_id="write_in_ticket", summary=str(_l("Write in a support ticket")),
    responses=responses(*WRITE_PROBLEMS, created=MessageAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def write_in_ticket(path: OneRow, body: NewMessage, header: WriteHeaders) -> Any:
    """A ticket that waited for the customer goes on; a solved one opens again within its days."""
    row = access.own_ticket(path.uid)
    return told(_message(asking.write(row, by=me().person, body=body.body, channel=Channel.API)), 201)


@tickets_api.post(
    "/tickets/<uid>/solution", operation_id="solve_ticket", summary=str(_l("Call a support ticket solved")),
    responses=responses(*WRITE_PROBLEMS, ok=TicketAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def solve_ticket(path: OneRow, header: WriteHeaders) -> Any:
    """It can be opened again by writing in it, for some days."""
    row = access.own_ticket(path.uid)
    asking.call_solved(row, by=me().person)
    return told(_ticket(row))
