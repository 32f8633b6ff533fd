"""The end of a published price without a follower: proposed by one, done by another."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person
from portal.billing.price_models import PriceVersion
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class EndingState(StrEnum):
    """The life of a proposal to stop selling at a price."""

    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"


E = EndingState
ENDING_LIFE = life(EndingState, {E.PROPOSED: [E.DONE, E.DECLINED]})
labels.name(
    EndingState,
    {E.PROPOSED: _l("To be confirmed"), E.DONE: _l("Price ended"), E.DECLINED: _l("Declined")},
    {E.PROPOSED: "wait"},
)


class PriceEnding(Model):
    """What somebody proposed: from which day on a price is not sold, and why."""

    __tablename__ = "price_ending"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False, index=True)
    price: Mapped[PriceVersion] = relationship(lazy="joined", innerjoin=True)
    ends_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    state: Mapped[EndingState] = mapped_column(choice(EndingState), default=EndingState.PROPOSED)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("state = 'proposed' OR second_id IS NOT NULL", name="confirmed_by_somebody"),
        Index(
            "uq_price_ending_live", "price_id", unique=True, sqlite_where=literal_column("state = 'proposed'"),
            postgresql_where=literal_column("state = 'proposed'"),
        ),
    )  # fmt: skip
