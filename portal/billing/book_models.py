"""What the books keep beside the journal: months, plans of income, exchange rates, entries by hand."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import InvoiceLine, OrderLine
from portal.billing.money_models import JournalEntry
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life


class PeriodState(StrEnum):
    """The life of a month in the books; a month without a row is open."""

    OPEN = "open"
    SOFT_CLOSED = "soft_closed"
    CLOSED = "closed"


P = PeriodState
PERIOD_LIFE = life(
    PeriodState, {P.OPEN: [P.SOFT_CLOSED], P.SOFT_CLOSED: [P.CLOSED, P.OPEN], P.CLOSED: [P.OPEN]}
)
labels.name(
    PeriodState,
    {P.OPEN: _l("Month open"), P.SOFT_CLOSED: _l("Close proposed"), P.CLOSED: _l("Month closed")},
    {P.OPEN: "wait", P.SOFT_CLOSED: "warn", P.CLOSED: "good"},
)


class AccountingPeriod(Model):
    """A month that was proposed for closing at least once; `month` is its first day."""

    __tablename__ = "accounting_period"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    month: Mapped[date] = mapped_column(unique=True)
    state: Mapped[PeriodState] = mapped_column(choice(PeriodState), default=PeriodState.OPEN)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    proposed_by: Mapped[Person | None] = relationship(foreign_keys=[proposed_by_id], default=None)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    closed_by: Mapped[Person | None] = relationship(foreign_keys=[closed_by_id], default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    reopen_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    reopen_by: Mapped[Person | None] = relationship(foreign_keys=[reopen_by_id], default=None)
    reopen_reason: Mapped[str] = mapped_column(String(300), default="")
    __table_args__ = (
        CheckConstraint("closed_by_id IS NULL OR closed_by_id <> proposed_by_id", name="two_eyes"),
    )


class Segment(Model):
    """Part of a line's plan: an amount earned evenly over `[starts, ends)`. Only `cut_on` ever changes."""

    __tablename__ = "plan_segment"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, index=True)
    order_line: Mapped[OrderLine] = relationship()
    key: Mapped[str] = mapped_column(String(120), unique=True)
    starts: Mapped[date]
    ends: Mapped[date] = mapped_column(index=True)
    amount: Mapped[Money]
    known_at: Mapped[datetime]
    invoice_line_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_line.id"), init=False, index=True)
    invoice_line: Mapped[InvoiceLine | None] = relationship(default=None)
    cut_on: Mapped[date | None] = mapped_column(default=None)
    cut_known_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (CheckConstraint("ends > starts", name="holds_a_day"),)


class ExchangeRate(Model):
    """What one unit of a currency was worth in CNY on a day; never updated, a later row of the day counts."""

    __tablename__ = "exchange_rate"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    currency: Mapped[str] = mapped_column(String(3))
    day: Mapped[date]
    value: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(120))
    loaded_by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (Index("ix_exchange_rate_day", "currency", "day"),)


class HandState(StrEnum):
    """The life of an entry by hand."""

    PROPOSED = "proposed"
    POSTED = "posted"
    DECLINED = "declined"


H = HandState
HAND_LIFE = life(HandState, {H.PROPOSED: [H.POSTED, H.DECLINED]})
labels.name(
    HandState,
    {H.PROPOSED: _l("To be confirmed"), H.POSTED: _l("Booked"), H.DECLINED: _l("Declined")},
    {H.PROPOSED: "wait", H.POSTED: "good"},
)


class HandEntry(Model):
    """An entry that no document makes: written by one with its reason, posted by another."""

    __tablename__ = "hand_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    day: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    state: Mapped[HandState] = mapped_column(choice(HandState), default=HandState.PROPOSED, index=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("journal_entry.id"), init=False, default=None)
    entry: Mapped[JournalEntry | None] = relationship(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("state = 'proposed' OR second_id IS NOT NULL", name="confirmed_by_somebody"),
    )


class PastRecord(Model):
    """A record of an imported file as it stood there: the same one again changes nothing, another one is refused."""

    __tablename__ = "past_record"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(String(30))
    ref: Mapped[str] = mapped_column(String(80))
    body: Mapped[Any] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("kind", "ref"),)
