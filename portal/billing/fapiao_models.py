"""Fapiao: what a payer asks for, what the tax system issued for it, and the red letter that takes it back."""

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
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life


class FapiaoKind(StrEnum):
    """Which fapiao: a special one lets its receiver deduct the tax."""

    NORMAL = "normal"
    SPECIAL = "special"


labels.name(
    FapiaoKind, {FapiaoKind.NORMAL: _l("Normal fapiao"), FapiaoKind.SPECIAL: _l("Special VAT fapiao")}
)


class FapiaoState(StrEnum):
    """The life of a fapiao, from the request to the red letter."""

    REQUESTED = "requested"
    ISSUED = "issued"
    RED_REQUESTED = "red_requested"
    RED_ISSUED = "red_issued"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


F = FapiaoState
FAPIAO_LIFE = life(
    FapiaoState,
    {
        F.REQUESTED: [F.ISSUED, F.REJECTED, F.WITHDRAWN],
        F.ISSUED: [F.RED_REQUESTED],
        F.RED_REQUESTED: [F.RED_ISSUED],
    },
)
labels.name(
    FapiaoState,
    {
        F.REQUESTED: _l("Fapiao asked for"),
        F.ISSUED: _l("Fapiao issued"),
        F.RED_REQUESTED: _l("Red letter outstanding"),
        F.RED_ISSUED: _l("Taken back by red letter"),
        F.REJECTED: _l("Request declined"),
        F.WITHDRAWN: _l("Request withdrawn"),
    },
    {F.REQUESTED: "wait", F.ISSUED: "good", F.RED_REQUESTED: "warn", F.REJECTED: "bad"},
)
# What counts against the limit of an invoice: a fapiao that was taken back frees its sum again.
COUNTS = (F.REQUESTED, F.ISSUED, F.RED_REQUESTED)


class Fapiao(Model):
    """One fapiao: the request with the payer's details of that day, then number, day and file as issued outside.

    What was asked for never changes; only its state and what was recorded about it move on.
    """

    __tablename__ = "fapiao"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    party_id: Mapped[int] = mapped_column(ForeignKey("party.id"), init=False, index=True)
    party: Mapped[Party] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[FapiaoKind] = mapped_column(choice(FapiaoKind))
    title: Mapped[str] = mapped_column(String(200))
    tax_number: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(300))
    telephone: Mapped[str] = mapped_column(String(40))
    bank: Mapped[str] = mapped_column(String(120))
    bank_account: Mapped[str] = mapped_column(String(60))
    amount: Mapped[Money]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    note: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[FapiaoState] = mapped_column(choice(FapiaoState), default=FapiaoState.REQUESTED, index=True)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    exported_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(String(300), default="")
    number: Mapped[str | None] = mapped_column(String(40), unique=True, default=None)
    issued_on: Mapped[date | None] = mapped_column(default=None)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    file: Mapped[StoredFile | None] = relationship(foreign_keys=[file_id], init=False, default=None)
    red_since: Mapped[datetime | None] = mapped_column(default=None)
    red_reason: Mapped[str] = mapped_column(String(300), default="")
    red_number: Mapped[str | None] = mapped_column(String(40), unique=True, default=None)
    red_on: Mapped[date | None] = mapped_column(default=None)
    red_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    red_file: Mapped[StoredFile | None] = relationship(foreign_keys=[red_file_id], init=False, default=None)
    parts: Mapped[list[FapiaoPart]] = relationship(
        init=False, back_populates="fapiao", order_by="FapiaoPart.id"
    )
    __table_args__ = (
        CheckConstraint("amount > 0", name="positive"),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="numbered_when_issued"),
        CheckConstraint("(red_number IS NULL) = (red_on IS NULL)", name="red_numbered_when_issued"),
    )


class FapiaoPart(Model):
    """What of a fapiao stands for one invoice; their sum is the fapiao's."""

    __tablename__ = "fapiao_part"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    fapiao_id: Mapped[int] = mapped_column(ForeignKey("fapiao.id"), init=False, index=True)
    fapiao: Mapped[Fapiao] = relationship(back_populates="parts")
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)
    amount: Mapped[Money]
    __table_args__ = (
        UniqueConstraint("fapiao_id", "invoice_id"),
        CheckConstraint("amount > 0", name="positive"),
    )
