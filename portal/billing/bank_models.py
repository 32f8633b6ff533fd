"""The bank's side of money: statement files, their lines with a life, and the payers' accounts learnt from them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import new_uid
from portal.billing.models import Party
from portal.billing.money_models import Receipt, Refund
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life

NAMED = 2  # the step of the ladder at which a line names an invoice and something else does not fit


class BankBook(Model):
    """One of our bank accounts as far as statements have told of it: where its book begins. Frozen."""

    __tablename__ = "bank_book"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    account: Mapped[str] = mapped_column(String(40), unique=True)
    opening: Mapped[Money]
    opened_on: Mapped[date]


class StatementFile(Model):
    """A statement file that was taken, once, whole. Frozen."""

    __tablename__ = "statement_file"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    account: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str] = mapped_column(String(200))
    form: Mapped[str] = mapped_column(String(10))
    first_on: Mapped[date]
    last_on: Mapped[date]
    opening: Mapped[Money]
    closing: Mapped[Money]
    told: Mapped[int]
    fresh: Mapped[int]
    by_name: Mapped[str] = mapped_column(String(120))
    stored_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    stored: Mapped[StoredFile] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class LineState(StrEnum):
    """The life of a line of a bank statement."""

    NEW = "new"
    SUGGESTED = "suggested"
    MATCHED = "matched"
    OUTSIDE = "outside"


L = LineState
LINE_LIFE = life(
    LineState,
    {
        L.NEW: [L.SUGGESTED, L.MATCHED, L.OUTSIDE],
        L.SUGGESTED: [L.MATCHED, L.NEW],
        L.MATCHED: [L.NEW],
        L.OUTSIDE: [L.NEW],
    },
)
labels.name(
    LineState,
    {
        L.NEW: _l("To be found"),
        L.SUGGESTED: _l("Suggestion"),
        L.MATCHED: _l("Matched"),
        L.OUTSIDE: _l("Outside"),
    },
    {L.NEW: "warn", L.SUGGESTED: "wait", L.MATCHED: "good", L.OUTSIDE: "mute"},
)


class BankLine(Model):
    """One booked line of a bank account. Its facts are frozen; only its state and what clears it move."""

    __tablename__ = "bank_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    file_id: Mapped[int] = mapped_column(ForeignKey("statement_file.id"), init=False, index=True)
    file: Mapped[StatementFile] = relationship()
    account: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    booked_on: Mapped[date]
    value_on: Mapped[date]
    amount: Mapped[Money]
    payer: Mapped[str] = mapped_column(String(200))
    payer_account: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(1000))
    bank_ref: Mapped[str] = mapped_column(String(100))
    state: Mapped[LineState] = mapped_column(choice(LineState), default=LineState.NEW, index=True)
    step: Mapped[int] = mapped_column(default=5)
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), init=False, unique=True)
    receipt: Mapped[Receipt | None] = relationship(default=None, lazy="joined")
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), init=False, unique=True)
    refund: Mapped[Refund | None] = relationship(default=None, lazy="joined")
    ended_refund: Mapped[bool] = mapped_column(default=False)
    cleared_by: Mapped[str] = mapped_column(String(120), default="")
    cleared_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        CheckConstraint("amount <> 0", name="moves"),
        CheckConstraint("(amount > 0) = (receipt_id IS NOT NULL)", name="receipt_at_once"),
        Index("ix_bank_line_account_booked_on", "account", "booked_on", "id"),
    )


class PayerAccount(Model):
    """A bank account that pays for a party: learnt from a line matched by hand, forgotten when that is undone."""

    __tablename__ = "payer_account"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    account: Mapped[str] = mapped_column(String(64))
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False)
    party: Mapped[Party] = relationship()
    line_id: Mapped[int] = mapped_column(ForeignKey("bank_line.id"), init=False, unique=True)
    line: Mapped[BankLine] = relationship()
    __table_args__ = (UniqueConstraint("account", "party_id"),)


class OutsideReason(StrEnum):
    """Why a line of our account is none of the portal's business."""

    OWN_TRANSFER = "own_transfer"
    INTEREST = "interest"
    CHARGES = "charges"
    RENT = "rent"
    SALARY = "salary"
    PAYOUT = "payout"
    OTHER = "other"


labels.name(
    OutsideReason,
    {
        OutsideReason.OWN_TRANSFER: _l("Transfer between our own accounts"),
        OutsideReason.INTEREST: _l("Interest of the bank"),
        OutsideReason.CHARGES: _l("Charges of the bank"),
        OutsideReason.RENT: _l("Rent and office"),
        OutsideReason.SALARY: _l("Salaries, taxes, insurance"),
        OutsideReason.PAYOUT: _l("Payout of the payment provider"),
        OutsideReason.OTHER: _l("Something else (say what)"),
    },
)


class OutsideMove(Model):
    """A line's money set outside the portal, and its mirror row when that is undone. Frozen."""

    __tablename__ = "outside_move"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    line_id: Mapped[int] = mapped_column(ForeignKey("bank_line.id"), init=False, index=True)
    line: Mapped[BankLine] = relationship()
    amount: Mapped[Money]
    reason: Mapped[OutsideReason] = mapped_column(choice(OutsideReason))
    note: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), index=True, default=None)
    payout: Mapped[str] = mapped_column(String(80), default="", index=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
