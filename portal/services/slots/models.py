"""Quarters with their slots, and the requests for them."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.periods import nth
from portal.services.slots.kinds import SlotState, WorkKind


class SlotQuarter(Model):
    """What the team can do in a quarter: slots, and the person-days behind them; `turn` is counted up under its lock."""

    __tablename__ = "slot_quarter"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    start: Mapped[date] = mapped_column(unique=True)
    slots: Mapped[int]
    person_days: Mapped[int]
    turn: Mapped[int] = mapped_column(init=False, default=0)
    __table_args__ = (CheckConstraint("slots >= 0 AND person_days >= 0", name="some"),)

    @property
    def end(self) -> date:
        """Return the first day after the quarter."""
        return nth(self.start, 3, 1)

    @property
    def code(self) -> str:
        """Return what people call it: `2026Q3`."""
        return f"{self.start.year}Q{(self.start.month + 2) // 3}"


class SlotRequest(Model):
    """A request of an organisation for a slot, with the quarter it has one in."""

    __tablename__ = "slot_request"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[WorkKind] = mapped_column(choice(WorkKind))
    wish: Mapped[str] = mapped_column(String(500))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    asked_on: Mapped[date]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    state: Mapped[SlotState] = mapped_column(
        choice(SlotState), init=False, default=SlotState.WAITING, index=True
    )
    quarter_id: Mapped[int | None] = mapped_column(ForeignKey("slot_quarter.id"), init=False, index=True)
    quarter: Mapped[SlotQuarter | None] = relationship(
        foreign_keys=[quarter_id], lazy="joined", init=False, default=None
    )
    passed_id: Mapped[int | None] = mapped_column(ForeignKey("slot_quarter.id"), init=False)
    passed: Mapped[SlotQuarter | None] = relationship(foreign_keys=[passed_id], init=False, default=None)
    passes: Mapped[int] = mapped_column(init=False, default=0)
    offered_on: Mapped[date | None] = mapped_column(init=False, default=None)
    answer_by: Mapped[date | None] = mapped_column(init=False, default=None)
    starts_on: Mapped[date | None] = mapped_column(init=False, default=None)
    why: Mapped[str] = mapped_column(String(20), init=False, default="")
    reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        CheckConstraint(
            "state NOT IN ('offered', 'booked', 'used') OR (quarter_id IS NOT NULL AND offered_on IS NOT NULL)",
            name="given",
        ),
    )


NO_REQUEST = _l("There is no such request.")
