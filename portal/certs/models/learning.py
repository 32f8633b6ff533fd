"""How far a candidate came on the learning path: one row per step of the catalogue."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import labels
from portal.core.db import Model, choice
from portal.core.states import life


class StepState(StrEnum):
    """The life of a candidate's step."""

    OPEN = "open"
    DECLARED = "declared"
    CONFIRMED = "confirmed"


S = StepState
STEP_LIFE = life(StepState, {S.OPEN: [S.DECLARED, S.CONFIRMED], S.DECLARED: [S.OPEN, S.CONFIRMED]})
labels.name(
    StepState,
    {S.OPEN: _l("Still open"), S.DECLARED: _l("Declared, being checked"), S.CONFIRMED: _l("Step confirmed")},
    {S.DECLARED: "wait", S.CONFIRMED: "good"},
)


class StepSource(StrEnum):
    """Who confirmed a step."""

    STAFF = "staff"
    FILE = "file"


labels.name(StepSource, {StepSource.STAFF: _l("By staff"), StepSource.FILE: _l("By a list of completions")})


class StepRecord(Model):
    """A candidate's step: what was declared with which evidence, and who confirmed it."""

    __tablename__ = "step_record"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    level: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(60))
    state: Mapped[StepState] = mapped_column(choice(StepState), init=False, default=S.OPEN)
    evidence: Mapped[str] = mapped_column(String(1000), default="")
    link: Mapped[str] = mapped_column(String(300), default="")
    done_on: Mapped[date | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(String(500), init=False, default="")
    declared_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    source: Mapped[StepSource | None] = mapped_column(choice(StepSource), init=False, default=None)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    confirmed_by: Mapped[Person | None] = relationship(
        foreign_keys=[confirmed_by_id], init=False, default=None
    )
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (UniqueConstraint("person_id", "step"), Index("ix_step_record_state", "state"))
    __mapper_args__ = {"version_id_col": edition}
