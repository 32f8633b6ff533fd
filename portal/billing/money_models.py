"""Money that moved: receipts, what they pay, refunds, and the journal that books it all."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, Party
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life


class Way(StrEnum):
    """How money came."""

    BANK = "bank"
    CARD = "card"
    WALLET = "wallet"
    TEST = "test"


labels.name(
    Way,
    {
        Way.BANK: _l("Bank transfer"),
        Way.CARD: _l("Card"),
        Way.WALLET: _l("Alipay or WeChat Pay"),
        Way.TEST: _l("Test gateway"),
    },
)


class Receipt(Model):
    """Money that arrived. Immutable; `provider_ref` makes a second report of the same money recognisable."""

    __tablename__ = "receipt"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    way: Mapped[Way] = mapped_column(choice(Way))
    provider: Mapped[str] = mapped_column(String(40))
    provider_ref: Mapped[str] = mapped_column(String(160))
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    amount: Mapped[Money]
    received_on: Mapped[date]
    payer: Mapped[str] = mapped_column(String(200))
    party: Mapped[Party | None] = relationship(lazy="joined", default=None)
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    recorded_by: Mapped[str] = mapped_column(String(120), default="")
    confirmed_by: Mapped[str] = mapped_column(String(120), default="")
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    units: Mapped[int | None] = mapped_column(default=None)
    __table_args__ = (
        UniqueConstraint("provider", "provider_ref"),
        CheckConstraint("amount > 0", name="positive"),
    )

    @property
    def came(self) -> Money:
        """What arrived, in its own currency."""
        return self.amount if self.units is None else Money(self.units, self.currency)


class Allocation(Model):
    """Part of a receipt that pays an invoice; undone by a mirror row, never deleted.

    `amount` comes off the invoice at its own rate, `taken` off the receipt (None: the same); `units` are those of
    the invoice's currency where that is another one.
    """

    __tablename__ = "allocation"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"), init=False, index=True)
    receipt: Mapped[Receipt] = relationship(lazy="joined", innerjoin=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship()
    amount: Mapped[Money]
    day: Mapped[date]
    taken: Mapped[Money | None] = mapped_column(default=None)
    units: Mapped[int | None] = mapped_column(default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class EntryState(StrEnum):
    """The life of a receipt typed in by hand: two people stand for it."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


ENTRY_LIFE = life(EntryState, {EntryState.PROPOSED: [EntryState.CONFIRMED, EntryState.DECLINED]})
labels.name(
    EntryState,
    {
        EntryState.PROPOSED: _l("To be confirmed"),
        EntryState.CONFIRMED: _l("Confirmed"),
        EntryState.DECLINED: _l("Declined"),
    },
    {EntryState.PROPOSED: "wait", EntryState.CONFIRMED: "good", EntryState.DECLINED: "bad"},
)


class ReceiptEntry(Model):
    """A bank transfer as one of finance read it from the statement; another confirms it.

    `amount` is what it is worth in CNY; `units` what arrived, where `currency` is another one.
    """

    __tablename__ = "receipt_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    bank_ref: Mapped[str] = mapped_column(String(100))
    amount: Mapped[Money]
    received_on: Mapped[date]
    payer: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(300))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    state: Mapped[EntryState] = mapped_column(choice(EntryState), default=EntryState.PROPOSED, index=True)
    invoice: Mapped[Invoice | None] = relationship(lazy="joined", default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    reason: Mapped[str] = mapped_column(String(300), default="")
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), init=False, default=None)
    receipt: Mapped[Receipt | None] = relationship(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    units: Mapped[int | None] = mapped_column(default=None)
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("(currency = 'CNY') = (units IS NULL)", name="in_one_currency"),
        CheckConstraint("units IS NULL OR units > 0", name="came"),
    )

    @property
    def came(self) -> Money:
        """What arrived, in its own currency."""
        return self.amount if self.units is None else Money(self.units, self.currency)


class RefundState(StrEnum):
    """The life of a refund."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DECLINED = "declined"


R = RefundState
REFUND_LIFE = life(
    RefundState,
    {
        R.REQUESTED: [R.APPROVED, R.DECLINED],
        R.APPROVED: [R.SENDING],
        R.SENDING: [R.SUCCEEDED, R.FAILED],
        R.SUCCEEDED: [R.FAILED],  # a bank can send it back days later
    },
)
labels.name(
    RefundState,
    {
        R.REQUESTED: _l("Asked for"),
        R.APPROVED: _l("Approved"),
        R.SENDING: _l("Being sent"),
        R.SUCCEEDED: _l("Refunded"),
        R.FAILED: _l("Failed"),
        R.DECLINED: _l("Declined"),
    },
    {R.SUCCEEDED: "good", R.FAILED: "bad", R.REQUESTED: "wait"},
)


class Refund(Model):
    """Credit sent back by the way it came: asked for by one, approved by another, a transfer signed off by a second person too.

    `amount` is what it is worth in the books; `units` what goes, where the receipt came in another currency.
    """

    __tablename__ = "refund"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"), init=False, index=True)
    receipt: Mapped[Receipt] = relationship(lazy="joined", innerjoin=True)
    amount: Mapped[Money]
    reason: Mapped[str] = mapped_column(String(300))
    # Nobody of the house asked for a refund of imported books.
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id])
    state: Mapped[RefundState] = mapped_column(choice(RefundState), default=RefundState.REQUESTED)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    payee: Mapped[str] = mapped_column(String(200), default="")
    payee_bank: Mapped[str] = mapped_column(String(120), default="")
    payee_account: Mapped[str] = mapped_column(String(60), default="")
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    sent_by: Mapped[Person | None] = relationship(foreign_keys=[sent_by_id], default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome_ref: Mapped[str] = mapped_column(String(160), default="")
    failure: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    units: Mapped[int | None] = mapped_column(default=None)
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("units IS NULL OR units > 0", name="goes"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("sent_by_id IS NULL OR sent_by_id <> by_id", name="two_hands"),
    )

    @property
    def came(self) -> Money:
        """What goes back, in the currency in which it came."""
        return self.amount if self.units is None else Money(self.units, self.receipt.currency)


class JournalEntry(Model):
    """One balanced movement; append-only. Unique (kind, source, n): nothing is posted twice.

    `posted_on` is the day in the books, `known_at` when the fact was known and what it pays for was over.
    """

    __tablename__ = "journal_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(80))
    n: Mapped[int]
    posted_on: Mapped[date] = mapped_column(index=True)
    service_month: Mapped[date]
    known_at: Mapped[datetime] = mapped_column(default_factory=clock.now, index=True)
    reason: Mapped[str] = mapped_column(String(300), default="")
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("journal_entry.id"), default=None)
    lines: Mapped[list[JournalLine]] = relationship(
        init=False, back_populates="entry", order_by="JournalLine.id"
    )
    __table_args__ = (UniqueConstraint("kind", "source", "n"),)


class JournalLine(Model):
    """One side: debit positive, credit negative. `amount` is in CNY, `units` in the line's own currency."""

    __tablename__ = "journal_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("journal_entry.id"), init=False, index=True)
    entry: Mapped[JournalEntry] = relationship(back_populates="lines")
    account: Mapped[str] = mapped_column(String(40), index=True)
    amount: Mapped[Money]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    units: Mapped[int | None] = mapped_column(default=None)
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id"), default=None)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), default=None, index=True)
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), default=None, index=True)
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), default=None, index=True)
