"""Quotes of services in versions, their lines, and the buyer's own order numbers; what was sent never changes."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    inspect,
    literal_column,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, Order, OrderLine, Party
from portal.billing.price_models import PriceVersion
from portal.billing.quote_models import QuoteState
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money

Q = QuoteState
BEFORE = (Q.DRAFT, Q.IN_APPROVAL)  # what nobody outside has seen yet


class QuoteFor(StrEnum):
    """What a quote is for."""

    SALE = "sale"
    CHANGE = "change"
    RENEWAL = "renewal"


labels.name(
    QuoteFor,
    {
        QuoteFor.SALE: _l("New business"),
        QuoteFor.CHANGE: _l("Change of running work"),
        QuoteFor.RENEWAL: _l("Next period"),
    },
)


class CustomerOrder(Model):
    """A purchase order of a buyer: its number, day and file, his own reference, and up to which sum it goes."""

    __tablename__ = "customer_order"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship()
    number: Mapped[str] = mapped_column(String(60))
    ordered_on: Mapped[date]
    reference: Mapped[str] = mapped_column(String(120))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    most: Mapped[Money | None] = mapped_column(default=None)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    file: Mapped[StoredFile | None] = relationship(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (UniqueConstraint("party_id", "number"),)


class BuyerSetting(Model):
    """What a buyer asks of every order of his: that it names a purchase order."""

    __tablename__ = "buyer_setting"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, unique=True)
    party: Mapped[Party] = relationship()
    needs_order: Mapped[bool] = mapped_column(default=False)


class ServiceQuote(Model):
    """One version of a quote. `digest` names all that it says; `fingerprint` what its figures hang on."""

    __tablename__ = "service_quote"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    number: Mapped[str] = mapped_column(String(20), index=True)
    version: Mapped[int]
    kind: Mapped[QuoteFor] = mapped_column(choice(QuoteFor))
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship(lazy="joined", innerjoin=True)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(120))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id], default=None)
    about: Mapped[str] = mapped_column(String(80), default="", index=True)
    clauses: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(String(300), default="")
    on_credit: Mapped[bool] = mapped_column(default=False)
    deemed: Mapped[bool] = mapped_column(default=True)
    valid_days: Mapped[int] = mapped_column(default=30)
    gross: Mapped[Money] = mapped_column(default_factory=lambda: Money(0))
    net: Mapped[Money] = mapped_column(default_factory=lambda: Money(0))
    tax: Mapped[Money] = mapped_column(default_factory=lambda: Money(0))
    needs_contract: Mapped[bool] = mapped_column(default=False)
    needs_order: Mapped[bool] = mapped_column(default=False)
    second_reasons: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    digest: Mapped[str] = mapped_column(String(64), default="")
    share_bp: Mapped[int] = mapped_column(default=0)
    expires_on: Mapped[date | None] = mapped_column(default=None, index=True)
    state: Mapped[QuoteState] = mapped_column(choice(QuoteState), default=Q.DRAFT, index=True)
    returned: Mapped[str] = mapped_column(String(300), default="")
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    sent_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None, index=True)
    end_reason: Mapped[str] = mapped_column(String(40), init=False, default="")
    end_words: Mapped[str] = mapped_column(String(300), init=False, default="")
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    accepted_by: Mapped[Person | None] = relationship(foreign_keys=[accepted_by_id], init=False, default=None)
    customer_order_id: Mapped[int | None] = mapped_column(
        ForeignKey("customer_order.id"), init=False, default=None, index=True
    )
    customer_order: Mapped[CustomerOrder | None] = relationship(init=False, default=None)
    order_id: Mapped[int | None] = mapped_column(
        ForeignKey("billing_order.id"), init=False, default=None, unique=True
    )
    order: Mapped[Order | None] = relationship(init=False, default=None)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, default=None)
    invoice: Mapped[Invoice | None] = relationship(init=False, default=None)
    pdf_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    pdf: Mapped[StoredFile | None] = relationship(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    lines: Mapped[list[ServiceQuoteLine]] = relationship(
        init=False,
        back_populates="quote",
        order_by="ServiceQuoteLine.n",
        cascade="save-update, merge, delete, delete-orphan",
    )
    __table_args__ = (
        UniqueConstraint("number", "version"),
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("(state = 'accepted') = (order_id IS NOT NULL)", name="ordered"),
        Index(
            "uq_service_quote_accepted", "number", unique=True, sqlite_where=literal_column("state = 'accepted'"),
            postgresql_where=literal_column("state = 'accepted'"),
        ),
        Index(
            "uq_service_quote_sent", "number", unique=True, sqlite_where=literal_column("state = 'sent'"),
            postgresql_where=literal_column("state = 'sent'"),
        ),
    )  # fmt: skip

    @property
    def name(self) -> str:
        """Return what people call this version."""
        return f"{self.number} v{self.version}"


class ServiceQuoteLine(Model):
    """One line as offered, which becomes one line of the order; `plan` carries milestones and parts of payment."""

    __tablename__ = "service_quote_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    quote_id: Mapped[int] = mapped_column(ForeignKey("service_quote.id"), init=False, index=True)
    quote: Mapped[ServiceQuote] = relationship(back_populates="lines")
    n: Mapped[int]
    offer: Mapped[str] = mapped_column(String(60), index=True)
    bundle: Mapped[str] = mapped_column(String(60))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    quantity: Mapped[int]
    list_amount: Mapped[Money]
    discount: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    tax_category: Mapped[str] = mapped_column(String(40))
    tax_bp: Mapped[int | None]
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False)
    price: Mapped[PriceVersion] = relationship()
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    starts: Mapped[date | None] = mapped_column(default=None)
    ends: Mapped[date | None] = mapped_column(default=None)
    order_line_id: Mapped[int | None] = mapped_column(
        ForeignKey("order_line.id"), init=False, default=None, unique=True
    )
    order_line: Mapped[OrderLine | None] = relationship(init=False, default=None)
    __table_args__ = (
        UniqueConstraint("quote_id", "n"),
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("list_amount = gross + discount", name="discounted"),
        CheckConstraint("quantity > 0", name="something"),
    )


class Frozen(RuntimeError):
    """A version that went out was about to change: a bug, never a refusal."""


MOVES = {
    "state", "ended_at", "end_reason", "end_words", "accepted_by_id", "accepted_by", "customer_order_id",
    "customer_order", "order_id", "order", "invoice_id", "invoice", "pdf_id", "pdf", "edition", "lines",
}  # fmt: skip
LINE_MOVES = {"order_line_id", "order_line", "quote", "quote_id"}


def _was(row: ServiceQuote) -> QuoteState:
    before = inspect(row).attrs.state.history
    return QuoteState(before.deleted[0]) if before.deleted else row.state


def _changed(row: Model, free: set[str]) -> set[str]:
    return {one.key for one in inspect(row).attrs if one.history.has_changes()} - free


def _refuse_change(_mapper: Mapper[Any], _conn: Any, row: ServiceQuote) -> None:
    if _was(row) not in BEFORE and (changed := _changed(row, MOVES)):
        raise Frozen(f"{row.subject} went out; {sorted(changed)} cannot change")


def _refuse_line(_mapper: Mapper[Any], _conn: Any, row: ServiceQuoteLine) -> None:
    if _was(row.quote) not in BEFORE and (changed := _changed(row, LINE_MOVES)):
        raise Frozen(f"{row.subject} went out; {sorted(changed)} cannot change")


event.listen(ServiceQuote, "before_update", _refuse_change)
event.listen(ServiceQuoteLine, "before_update", _refuse_line)
