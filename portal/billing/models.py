"""What is written on paper: who pays, what was ordered, invoices and their lines, number series."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life


class Party(Model):
    """Who pays: an organisation or a person, never both, with what an invoice needs to say of it."""

    __tablename__ = "party"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False, unique=True)
    org: Mapped[Organisation | None] = relationship(default=None, lazy="joined")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, unique=True)
    person: Mapped[Person | None] = relationship(default=None, lazy="joined")
    title: Mapped[str] = mapped_column(String(200), default="")
    tax_number: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    telephone: Mapped[str] = mapped_column(String(40), default="")
    bank: Mapped[str] = mapped_column(String(120), default="")
    bank_account: Mapped[str] = mapped_column(String(60), default="")
    version: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (CheckConstraint("(org_id IS NULL) <> (person_id IS NULL)", name="one_holder"),)
    __mapper_args__ = {"version_id_col": version}

    @property
    def name(self) -> str:
        """Return what the payer is called in the reader's language."""
        if self.org is not None:
            return self.org.name
        return self.person.name if self.person is not None else ""


class Order(Model):
    """What a party agreed to, or was offered; `subject` is the seller's own and opaque here."""

    __tablename__ = "billing_order"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship()
    ordered_subject: Mapped[str] = mapped_column(String(80), index=True)
    placed_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[OrderLine]] = relationship(init=False, back_populates="order", order_by="OrderLine.id")


class OrderLine(Model):
    """One thing sold at the price of its day. An offer has no agreed day: it is invoiced, and earns nothing."""

    __tablename__ = "order_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    order_id: Mapped[int] = mapped_column(ForeignKey("billing_order.id"), init=False, index=True)
    order: Mapped[Order] = relationship(back_populates="lines")
    product: Mapped[str] = mapped_column(String(60))
    stream: Mapped[str] = mapped_column(String(40))
    recognition: Mapped[str] = mapped_column(String(20))
    price_version: Mapped[int]
    quantity: Mapped[int]
    list_amount: Mapped[Money]
    discount: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    tax_category: Mapped[str] = mapped_column(String(40))
    tax_bp: Mapped[int | None]
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    discount_words: Mapped[dict[str, str]] = mapped_column(JSON, default_factory=dict)
    printed: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    agreed_on: Mapped[date | None] = mapped_column(default=None)
    period_start: Mapped[date | None] = mapped_column(default=None)
    period_end: Mapped[date | None] = mapped_column(default=None)
    credits_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False)
    credits: Mapped[OrderLine | None] = relationship(remote_side=[id], default=None)
    __table_args__ = (CheckConstraint("gross = net + tax", name="adds_up"),)


class InvoiceState(StrEnum):
    """The life of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


I = InvoiceState  # noqa: E741
INVOICE_LIFE = life(
    InvoiceState,
    {
        I.DRAFT: [I.OPEN, I.PAID, I.VOID],
        I.OPEN: [I.PAID, I.VOID, I.UNCOLLECTIBLE],
        I.PAID: [I.OPEN],
        I.UNCOLLECTIBLE: [I.PAID, I.OPEN],
    },
)
labels.name(
    InvoiceState,
    {
        I.DRAFT: _l("Draft"),
        I.OPEN: _l("To be paid"),
        I.PAID: _l("Paid"),
        I.VOID: _l("Void"),
        I.UNCOLLECTIBLE: _l("Written off"),
    },
    {I.OPEN: "wait", I.PAID: "good", I.UNCOLLECTIBLE: "bad"},
)


_LIVE = "state <> 'void' AND NOT reversed"


class Invoice(Model):
    """A numbered demand for payment. Once issued only its state and its stored PDF move.

    Figures are the books' (CNY); `printed` holds those on paper where the invoice is in another currency, `rate`
    what one unit of it was worth on the day of issue. `reversed` says that credit notes took all of it back.
    """

    __tablename__ = "invoice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship(lazy="joined", innerjoin=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("billing_order.id"), init=False, index=True)
    order: Mapped[Order] = relationship()
    billed_subject: Mapped[str] = mapped_column(String(80), index=True)
    language: Mapped[str] = mapped_column(String(16))
    ladder: Mapped[str] = mapped_column(String(20), default="none")
    state: Mapped[InvoiceState] = mapped_column(choice(InvoiceState), default=InvoiceState.DRAFT, index=True)
    number: Mapped[str | None] = mapped_column(String(20), unique=True, default=None)
    reference: Mapped[str | None] = mapped_column(String(16), unique=True, default=None)
    issued_on: Mapped[date | None] = mapped_column(default=None, index=True)
    due_on: Mapped[date | None] = mapped_column(default=None, index=True)
    gross: Mapped[Money] = mapped_column(default_factory=lambda: Money(0), index=True)
    net: Mapped[Money] = mapped_column(default_factory=lambda: Money(0))
    tax: Mapped[Money] = mapped_column(default_factory=lambda: Money(0))
    seller: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    buyer: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    buyer_name: Mapped[str] = mapped_column(String(200), default="")
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    rate: Mapped[str] = mapped_column(String(20), default="1")
    printed: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    reversed: Mapped[bool] = mapped_column(default=False)
    pdf_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    pdf: Mapped[StoredFile | None] = relationship(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[InvoiceLine]] = relationship(
        init=False, back_populates="invoice", order_by="InvoiceLine.n"
    )
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="numbered_when_issued"),
        Index(
            "uq_invoice_live",
            "billed_subject",
            unique=True,
            sqlite_where=literal_column(_LIVE),
            postgresql_where=literal_column(_LIVE),
        ),
    )

    @property
    def total(self) -> Money:
        """What it is for in all, in its own currency."""
        return self.gross if self.printed is None else Money(int(self.printed["gross"]), self.currency)


class InvoiceLine(Model):
    """One line as printed; never recomputed."""

    __tablename__ = "invoice_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(back_populates="lines")
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, index=True)
    order_line: Mapped[OrderLine] = relationship()
    n: Mapped[int]
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    discount_words: Mapped[dict[str, str]] = mapped_column(JSON)
    quantity: Mapped[int]
    list_amount: Mapped[Money]
    discount: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    tax_bp: Mapped[int | None]
    tax_words: Mapped[dict[str, str]] = mapped_column(JSON)
    printed: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("list_amount = gross + discount", name="discounted"),
    )


class NumberSeries(Model):
    """The counter of one kind and year: gapless, since a rolled-back issue gives its number back."""

    __tablename__ = "number_series"
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    next: Mapped[int] = mapped_column(default=1)


class Instalment(Model):
    """Part of a line invoiced by itself; the line's net is the sum of its instalments' nets."""

    __tablename__ = "instalment"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, index=True)
    order_line: Mapped[OrderLine] = relationship()
    n: Mapped[int]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    due_on: Mapped[date | None] = mapped_column(default=None, index=True)
    discount: Mapped[Money] = mapped_column(default_factory=lambda: Money(0))
    invoice_line_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_line.id"), init=False)
    invoice_line: Mapped[InvoiceLine | None] = relationship(default=None)
    __table_args__ = (
        UniqueConstraint("order_line_id", "n"),
        CheckConstraint("gross = net + tax", name="adds_up"),
    )
