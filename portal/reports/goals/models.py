"""A target that one person proposes and another sets: then it stands in the catalogue as a dated row."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class TargetState(StrEnum):
    """The life of a proposed target."""

    PROPOSED = "proposed"
    SET = "set"
    DECLINED = "declined"


T = TargetState
TARGET_LIFE = life(TargetState, {T.PROPOSED: [T.SET, T.DECLINED]})
labels.name(
    TargetState,
    {T.PROPOSED: _l("To be set"), T.SET: _l("Target set"), T.DECLINED: _l("Not set")},
    {T.PROPOSED: "wait", T.SET: "good"},
)


class TargetProposal(Model):
    """A new amount for a target from a day on: fen for income, a number for counts, basis points for first answers."""

    __tablename__ = "target_proposal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    measure: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(50))
    year: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    basis: Mapped[str] = mapped_column(String(20))
    profile: Mapped[list[int]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(300))
    valid_from: Mapped[date]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    state: Mapped[TargetState] = mapped_column(
        choice(TargetState), init=False, default=TargetState.PROPOSED, index=True
    )
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    words: Mapped[str] = mapped_column(String(300), init=False, default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        CheckConstraint("amount > 0", name="aims"),
        CheckConstraint("year BETWEEN 2000 AND 2199", name="in_reach"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("state = 'proposed' OR second_id IS NOT NULL", name="by_somebody"),
    )
    __mapper_args__ = {"version_id_col": edition}
