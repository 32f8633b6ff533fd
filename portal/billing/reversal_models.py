"""Money taken back from us: by the payer's bank or by a lost dispute; rows of its own, never changed."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import new_uid
from portal.billing.money_models import Receipt
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money


class ReversalKind(StrEnum):
    """Who took the money back."""

    BANK_RETURN = "bank_return"
    CHARGEBACK = "chargeback"


labels.name(
    ReversalKind,
    {ReversalKind.BANK_RETURN: _l("Returned by the bank"), ReversalKind.CHARGEBACK: _l("Dispute lost")},
)


class Reversal(Model):
    """Part of a receipt that was taken back; `key` makes a second report of the same recognisable."""

    __tablename__ = "reversal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[ReversalKind] = mapped_column(choice(ReversalKind))
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"), init=False, index=True)
    receipt: Mapped[Receipt] = relationship(lazy="joined", innerjoin=True)
    amount: Mapped[Money]
    reason: Mapped[str] = mapped_column(String(300))
    day: Mapped[date]
    recorded_by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint("amount > 0", name="positive"),)
