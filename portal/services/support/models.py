"""Tickets, what was said in them, and their history, which nobody changes: clocks are read from it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life
from portal.services.support.clocks import ClockKind, Severity


class TicketState(StrEnum):
    """The life of a ticket."""

    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting_customer"
    ON_HOLD = "on_hold"
    SOLVED = "solved"
    CLOSED = "closed"
    MERGED = "merged"
    REJECTED = "rejected"


T = TicketState
TICKET_LIFE = life(
    TicketState,
    {
        T.NEW: [T.OPEN, T.SOLVED, T.MERGED, T.REJECTED],
        T.OPEN: [T.WAITING_CUSTOMER, T.ON_HOLD, T.SOLVED, T.MERGED, T.REJECTED],
        T.WAITING_CUSTOMER: [T.OPEN, T.SOLVED, T.MERGED, T.REJECTED],
        T.ON_HOLD: [T.OPEN, T.MERGED, T.REJECTED],
        T.SOLVED: [T.OPEN, T.CLOSED],
        T.REJECTED: [T.OPEN],  # spam that was none
    },
)
LIVE = (T.NEW, T.OPEN, T.WAITING_CUSTOMER, T.ON_HOLD)
labels.name(
    TicketState,
    {
        T.NEW: _l("New ticket"),
        T.OPEN: _l("In work"),
        T.WAITING_CUSTOMER: _l("Waits for the customer"),
        T.ON_HOLD: _l("Ticket on hold"),
        T.SOLVED: _l("Solved"),
        T.CLOSED: _l("Closed ticket"),
        T.MERGED: _l("Merged into another"),
        T.REJECTED: _l("Not taken on"),
    },
    {
        T.NEW: "warn",
        T.OPEN: "wait",
        T.WAITING_CUSTOMER: "mute",
        T.ON_HOLD: "mute",
        T.SOLVED: "good",
        T.REJECTED: "bad",
    },
)
labels.name(
    Severity,
    {
        Severity.S1: _l("S1 – work has stopped"),
        Severity.S2: _l("S2 – work is impaired"),
        Severity.S3: _l("S3 – a question or a wish"),
    },
    {Severity.S1: "bad", Severity.S2: "warn"},
)
labels.name(
    ClockKind,
    {
        ClockKind.FIRST: _l("First answer"),
        ClockKind.NEXT: _l("Next answer"),
        ClockKind.WORKAROUND: _l("Workaround"),
    },
)


class Channel(StrEnum):
    """How a ticket or a message came."""

    PAGE = "page"
    API = "api"
    MAIL = "mail"
    STAFF = "staff"


labels.name(
    Channel,
    {
        Channel.PAGE: _l("By page"),
        Channel.API: _l("By program"),
        Channel.MAIL: _l("By mail"),
        Channel.STAFF: _l("Written down by staff"),
    },
)


class SupportTicket(Model):
    """A question of a person, for an organisation or for himself. State, severity and level repeat the history's last word."""

    __tablename__ = "support_ticket"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation | None] = relationship(lazy="joined")
    asker_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    asker: Mapped[Person] = relationship(foreign_keys=[asker_id], lazy="joined", innerjoin=True)
    title: Mapped[str] = mapped_column(String(200))
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    severity: Mapped[Severity] = mapped_column(choice(Severity), index=True)
    level: Mapped[str] = mapped_column(String(40), index=True)
    state: Mapped[TicketState] = mapped_column(choice(TicketState), init=False, default=T.NEW, index=True)
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), init=False, default=None, index=True
    )
    agent: Mapped[Person | None] = relationship(
        foreign_keys=[agent_id], lazy="joined", init=False, default=None
    )
    received_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    hold_until: Mapped[datetime | None] = mapped_column(init=False, default=None)
    hold_reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    cause: Mapped[str] = mapped_column(String(300), init=False, default="")
    spam: Mapped[bool] = mapped_column(init=False, default=False)
    into_id: Mapped[int | None] = mapped_column(
        ForeignKey("support_ticket.id"), init=False, default=None, index=True
    )
    into: Mapped[SupportTicket | None] = relationship(
        foreign_keys=[into_id], remote_side=[id], init=False, default=None
    )
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("support_ticket.id"), init=False, default=None)
    follows: Mapped[SupportTicket | None] = relationship(
        foreign_keys=[follows_id], remote_side=[id], default=None
    )
    solved_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    closed_at: Mapped[datetime | None] = mapped_column(init=False, default=None, index=True)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        CheckConstraint("(state = 'on_hold') = (hold_until IS NOT NULL)", name="held"),
        CheckConstraint("(state = 'merged') = (into_id IS NOT NULL)", name="merged"),
    )

    @property
    def number(self) -> str:
        """Return what people call the ticket."""
        return f"T-{self.id:06d}"


class Side(StrEnum):
    """Who said something: a customer, staff, or a machine."""

    CUSTOMER = "customer"
    STAFF = "staff"
    MACHINE = "machine"


class TicketMessage(Model):
    """Something said in a ticket; a note (not `public`) is for staff alone. Only a blacked-out secret ever changes it."""

    __tablename__ = "ticket_message"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("support_ticket.id"), init=False, index=True)
    ticket: Mapped[SupportTicket] = relationship()
    side: Mapped[Side] = mapped_column(choice(Side))
    public: Mapped[bool]
    body: Mapped[str] = mapped_column(Text)
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(lazy="joined")
    mail_id: Mapped[str | None] = mapped_column(String(250), unique=True, default=None)
    black_hash: Mapped[str] = mapped_column(String(64), init=False, default="")
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class TicketFile(Model):
    """A file that came with a message."""

    __tablename__ = "ticket_file"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    message_id: Mapped[int] = mapped_column(ForeignKey("ticket_message.id"), init=False, index=True)
    message: Mapped[TicketMessage] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False, unique=True)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)


class EventKind(StrEnum):
    """What a line of a ticket's history tells; the first eight are facts for its clocks."""

    RECEIVED = "received"
    ASKED = "asked"
    ANSWERED = "answered"
    WORKAROUND = "workaround"
    STATE = "state"
    SEVERITY = "severity"
    LEVEL = "level"
    EARLIER = "earlier"
    NOTED = "noted"
    TAKEN = "taken"
    APPEALED = "appealed"
    BLACKED = "blacked"


class TicketEvent(Model):
    """Line `n` of a ticket's history: `value` says what, `body` carries promises and reasons. Never changed."""

    __tablename__ = "ticket_event"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("support_ticket.id"), init=False)
    ticket: Mapped[SupportTicket] = relationship()
    n: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[EventKind] = mapped_column(choice(EventKind))
    value: Mapped[str] = mapped_column(String(40), default="")
    body: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    reason: Mapped[str] = mapped_column(String(300), default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(lazy="joined", default=None)
    __table_args__ = (UniqueConstraint("ticket_id", "n"),)


class TicketStep(Model):
    """That a step of a ladder was reached: of a clock's run, or of a customer's silence. Written once, never changed."""

    __tablename__ = "ticket_step"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("support_ticket.id"), init=False)
    ticket: Mapped[SupportTicket] = relationship()
    ladder: Mapped[str] = mapped_column(String(20))
    run: Mapped[int]
    step: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("ticket_id", "ladder", "run", "step"),)


class Satisfaction(Model):
    """What a customer thought of a closed ticket: one link, five steps and a sentence."""

    __tablename__ = "ticket_satisfaction"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("support_ticket.id"), init=False, unique=True)
    ticket: Mapped[SupportTicket] = relationship(lazy="joined", innerjoin=True)
    until: Mapped[datetime]
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    score: Mapped[int | None] = mapped_column(init=False, default=None)
    words: Mapped[str] = mapped_column(String(1000), init=False, default="")
    answered_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    heeded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    heeded_by: Mapped[Person | None] = relationship(init=False, default=None)
    heeded_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (CheckConstraint("score IS NULL OR score BETWEEN 1 AND 5", name="steps"),)


class Frozen(RuntimeError):
    """A line of a history was to be changed: there is no such thing."""


def _refuse(_mapper: Any, _conn: Any, row: Model) -> None:
    raise Frozen(f"{row.subject} is on record and cannot change")


for _kind in (TicketEvent, TicketStep):
    event.listen(_kind, "before_update", _refuse)
    event.listen(_kind, "before_delete", _refuse)
