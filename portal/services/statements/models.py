"""Sellers of compute, their rates, and their statements: what was told, what it makes, what was said against it."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, Order
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.services.frozen import freeze
from portal.services.statements.kinds import StatementState


class ComputeSeller(Model):
    """A member that sells compute packages for a commission, from a month on; `turn` is counted up by whoever holds its lock."""

    __tablename__ = "compute_seller"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, unique=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    since: Mapped[date]
    contract: Mapped[str] = mapped_column(String(200))
    until: Mapped[date | None] = mapped_column(default=None)
    turn: Mapped[int] = mapped_column(init=False, default=0)
    __table_args__ = (CheckConstraint("until IS NULL OR until > since", name="lasts"),)


class ComputeRate(Model):
    """The rate of a seller from a month on, in basis points. Never changed: a new row follows."""

    __tablename__ = "compute_rate"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    seller_id: Mapped[int] = mapped_column(ForeignKey("compute_seller.id"), init=False)
    seller: Mapped[ComputeSeller] = relationship()
    start: Mapped[date]
    bp: Mapped[int]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        UniqueConstraint("seller_id", "start"),
        CheckConstraint("bp > 0 AND bp <= 10000", name="rate"),
    )


class ComputeStatement(Model):
    """The statement of a seller for a month, its first day. `report` and `sending` number what was told and what was sent.

    A sum below zero, or a month told too late, goes `into` a later statement, which is invoiced for both.
    """

    __tablename__ = "compute_statement"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    seller_id: Mapped[int] = mapped_column(ForeignKey("compute_seller.id"), init=False, index=True)
    seller: Mapped[ComputeSeller] = relationship(lazy="joined", innerjoin=True)
    month: Mapped[date]
    state: Mapped[StatementState] = mapped_column(
        choice(StatementState), init=False, default=StatementState.EXPECTED, index=True
    )
    report: Mapped[int] = mapped_column(init=False, default=0)
    reported_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    note: Mapped[str] = mapped_column(String(300), init=False, default="")
    sending: Mapped[int] = mapped_column(init=False, default=0)
    sent_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    deemed_after: Mapped[date | None] = mapped_column(init=False, default=None)
    base: Mapped[Money] = mapped_column(init=False, default_factory=lambda: Money(0))
    commission: Mapped[Money] = mapped_column(init=False, default_factory=lambda: Money(0))
    carried: Mapped[Money] = mapped_column(init=False, default_factory=lambda: Money(0))
    tax: Mapped[Money] = mapped_column(init=False, default_factory=lambda: Money(0))
    confirmed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    deemed: Mapped[bool] = mapped_column(init=False, default=False)
    into_id: Mapped[int | None] = mapped_column(
        ForeignKey("compute_statement.id"), init=False, default=None, index=True
    )
    into: Mapped[ComputeStatement | None] = relationship(remote_side=[id], init=False, default=None)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("billing_order.id"), init=False, default=None)
    order: Mapped[Order | None] = relationship(init=False, default=None)
    invoice_id: Mapped[int | None] = mapped_column(
        ForeignKey("invoice.id"), init=False, default=None, index=True
    )
    invoice: Mapped[Invoice | None] = relationship(init=False, default=None)
    pdf_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    pdf: Mapped[StoredFile | None] = relationship(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        UniqueConstraint("seller_id", "month"),
        CheckConstraint("state NOT IN ('confirmed', 'invoiced') OR confirmed_at IS NOT NULL", name="agreed"),
    )

    @property
    def number(self) -> str:
        """Return what people call the statement."""
        return f"CS-{self.month:%Y%m}-{self.seller_id:04d}"

    @property
    def net(self) -> Money:
        """Return what is due before tax: the commission and what was carried in."""
        return self.commission + self.carried

    @property
    def gross(self) -> Money:
        """Return what is due with tax."""
        return self.net + self.tax


class ComputeLine(Model):
    """A line of a report: hours in thousandths, the price of an hour, what both make, and the month it belongs to."""

    __tablename__ = "compute_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    statement_id: Mapped[int] = mapped_column(ForeignKey("compute_statement.id"), init=False)
    statement: Mapped[ComputeStatement] = relationship()
    report: Mapped[int]
    n: Mapped[int]
    month: Mapped[date]
    package: Mapped[str] = mapped_column(String(120))
    milli_hours: Mapped[int]
    unit_price: Mapped[Money]
    amount: Mapped[Money]
    evidence: Mapped[str] = mapped_column(String(300))
    __table_args__ = (UniqueConstraint("statement_id", "report", "n"),)


class ComputeShare(Model):
    """What a sending says of one month: turnover told now and before, rate and commission. The last sending counts."""

    __tablename__ = "compute_share"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    statement_id: Mapped[int] = mapped_column(ForeignKey("compute_statement.id"), init=False)
    statement: Mapped[ComputeStatement] = relationship()
    sending: Mapped[int]
    month: Mapped[date] = mapped_column(index=True)
    base: Mapped[Money]
    before: Mapped[Money]
    bp: Mapped[int]
    commission: Mapped[Money]
    __table_args__ = (UniqueConstraint("statement_id", "sending", "month"),)


class ComputeFile(Model):
    """A file that came with a report: the list itself, or evidence."""

    __tablename__ = "compute_file"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    statement_id: Mapped[int] = mapped_column(ForeignKey("compute_statement.id"), init=False, index=True)
    statement: Mapped[ComputeStatement] = relationship()
    report: Mapped[int]
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False, unique=True)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)


class ComputeDispute(Model):
    """What a seller says against a sending, and what finance answered."""

    __tablename__ = "compute_dispute"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    statement_id: Mapped[int] = mapped_column(ForeignKey("compute_statement.id"), init=False)
    statement: Mapped[ComputeStatement] = relationship()
    sending: Mapped[int]
    words: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    answer: Mapped[str] = mapped_column(Text, init=False, default="")
    answered_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (UniqueConstraint("statement_id", "sending"),)


class ComputeNotice(Model):
    """That a missing report was reminded of, a step at a time; steps passed over are written too."""

    __tablename__ = "compute_notice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    statement_id: Mapped[int] = mapped_column(ForeignKey("compute_statement.id"), init=False)
    statement: Mapped[ComputeStatement] = relationship()
    step: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("statement_id", "step"),)


freeze(ComputeRate, ComputeLine, ComputeShare, ComputeNotice)
NO_STATEMENT = _l("There is no such statement.")
