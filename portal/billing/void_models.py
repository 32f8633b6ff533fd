"""Taking an invoice back: proposed by one, confirmed by another."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person
from portal.billing.models import Invoice
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class VoidingState(StrEnum):
    """The life of a proposal to void an invoice."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


V = VoidingState
VOIDING_LIFE = life(VoidingState, {V.PROPOSED: [V.CONFIRMED, V.DECLINED]})
labels.name(
    VoidingState,
    {V.PROPOSED: _l("To be confirmed"), V.CONFIRMED: _l("Confirmed"), V.DECLINED: _l("Declined")},
    {V.PROPOSED: "wait", V.CONFIRMED: "good", V.DECLINED: "bad"},
)
_OPEN = "state = 'proposed'"


class Voiding(Model):
    """A proposal to void an unpaid invoice, with its reason; one waits per invoice at most."""

    __tablename__ = "voiding"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    state: Mapped[VoidingState] = mapped_column(choice(VoidingState), default=VoidingState.PROPOSED)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("state = 'proposed' OR second_id IS NOT NULL", name="confirmed_by_somebody"),
        Index(
            "uq_voiding_open", "invoice_id", unique=True,
            sqlite_where=literal_column(_OPEN), postgresql_where=literal_column(_OPEN),
        ),
    )  # fmt: skip
