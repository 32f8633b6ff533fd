"""A contract of services: one PDF in two languages that both sides sign, with the life of an agreement."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.members.belonging import AgreementState
from portal.services.quotes.models import ServiceQuote

_ALIVE = "state IN ('drafted', 'sent', 'member_signed', 'executed')"


class ServiceContract(Model):
    """The contract of an accepted quote, with its figures; one live envelope at a time. Its document is frozen when sent."""

    __tablename__ = "service_contract"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    quote_id: Mapped[int] = mapped_column(ForeignKey("service_quote.id"), init=False, index=True)
    quote: Mapped[ServiceQuote] = relationship(lazy="joined", innerjoin=True)
    template: Mapped[str] = mapped_column(String(40))
    template_version: Mapped[int]
    party_name: Mapped[str] = mapped_column(String(200))
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    state: Mapped[AgreementState] = mapped_column(
        choice(AgreementState), default=AgreementState.DRAFTED, index=True
    )
    document_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    document: Mapped[StoredFile | None] = relationship(foreign_keys=[document_id], default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    sent_by: Mapped[Person | None] = relationship(foreign_keys=[sent_by_id], default=None)
    asked_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    asked: Mapped[Person | None] = relationship(foreign_keys=[asked_id], default=None)
    signed_at: Mapped[datetime | None] = mapped_column(default=None)
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    signed_by: Mapped[Person | None] = relationship(foreign_keys=[signed_by_id], default=None)
    signed_name: Mapped[str] = mapped_column(String(120), default="")
    signed_from: Mapped[str] = mapped_column(String(64), default="")
    way: Mapped[str] = mapped_column(String(8), default="")
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    scan: Mapped[StoredFile | None] = relationship(foreign_keys=[scan_id], default=None)
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    checked_by: Mapped[Person | None] = relationship(foreign_keys=[checked_by_id], default=None)
    countersigned_at: Mapped[datetime | None] = mapped_column(default=None)
    countersigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    countersigned_by: Mapped[Person | None] = relationship(foreign_keys=[countersigned_by_id], default=None)
    final_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    final: Mapped[StoredFile | None] = relationship(foreign_keys=[final_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint(
            "countersigned_by_id IS NULL OR sent_by_id IS NULL OR countersigned_by_id <> sent_by_id",
            name="two_eyes",
        ),
        Index(
            "uq_service_contract_live", "quote_id", unique=True, sqlite_where=literal_column(_ALIVE),
            postgresql_where=literal_column(_ALIVE),
        ),
    )  # fmt: skip
