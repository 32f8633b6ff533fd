"""Where the cut comes from: panels of judges, their ratings, and the cut that was adopted."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.grading import freeze
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class PanelState(StrEnum):
    """The life of a panel: each judge alone, then once more with the figures in view, then its cut."""

    ALONE = "alone"
    TOGETHER = "together"
    RATED = "rated"
    ADOPTED = "adopted"


P = PanelState
PANEL_LIFE = life(PanelState, {P.ALONE: [P.TOGETHER], P.TOGETHER: [P.RATED], P.RATED: [P.ADOPTED]})
labels.name(
    PanelState,
    {
        P.ALONE: _l("Round 1: each judge alone"),
        P.TOGETHER: _l("Round 2: with the figures in view"),
        P.RATED: _l("Rated, no cut adopted"),
        P.ADOPTED: _l("Cut adopted"),
    },
    {P.ALONE: "wait", P.TOGETHER: "wait", P.RATED: "warn", P.ADOPTED: "good"},
)


class CutPanel(Model):
    """A panel that judges the items of a part of an exam; `items` are places with points and the version judged."""

    __tablename__ = "cut_panel"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    exam: Mapped[str] = mapped_column(String(40), index=True)
    part: Mapped[str] = mapped_column(String(40))
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    lead_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    lead: Mapped[Person] = relationship()
    state: Mapped[PanelState] = mapped_column(choice(PanelState), init=False, default=P.ALONE)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}


class CutJudge(Model):
    """A judge of a panel, named with what makes him competent."""

    __tablename__ = "cut_judge"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    panel_id: Mapped[int] = mapped_column(ForeignKey("cut_panel.id"), init=False)
    panel: Mapped[CutPanel] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    competence: Mapped[str] = mapped_column(String(300))
    __table_args__ = (UniqueConstraint("panel_id", "person_id"),)


class CutRating(Model):
    """What a judge said in a round: the chance of a just competent candidate, item by item. Never changed."""

    __tablename__ = "cut_rating"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    judge_id: Mapped[int] = mapped_column(ForeignKey("cut_judge.id"), init=False)
    judge: Mapped[CutJudge] = relationship(lazy="joined", innerjoin=True)
    round: Mapped[int]
    chances: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("judge_id", "round"),)


class CutState(StrEnum):
    """The life of a cut."""

    PROPOSED = "proposed"
    ADOPTED = "adopted"
    DECLINED = "declined"


K = CutState
CUT_LIFE = life(CutState, {K.PROPOSED: [K.ADOPTED, K.DECLINED]})
labels.name(
    CutState,
    {
        K.PROPOSED: _l("Cut waits for a decider"),
        K.ADOPTED: _l("Cut in force"),
        K.DECLINED: _l("Cut declined"),
    },
    {K.PROPOSED: "wait", K.ADOPTED: "good", K.DECLINED: "mute"},
)


class ExamCut(Model):
    """The cut of a part of an exam from a day on: proposed by the panel's lead, adopted by a decider."""

    __tablename__ = "exam_cut"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    panel_id: Mapped[int] = mapped_column(ForeignKey("cut_panel.id"), init=False, index=True)
    panel: Mapped[CutPanel] = relationship(lazy="joined", innerjoin=True)
    exam: Mapped[str] = mapped_column(String(40), index=True)
    part: Mapped[str] = mapped_column(String(40))
    share: Mapped[str] = mapped_column(String(60))
    found: Mapped[str] = mapped_column(String(60))
    error: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    state: Mapped[CutState] = mapped_column(choice(CutState), init=False, default=K.PROPOSED)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id OR state = 'declined'", name="two_eyes"),
        Index(
            "uq_exam_cut_waits", "panel_id", unique=True,
            sqlite_where=literal_column("state = 'proposed'"), postgresql_where=literal_column("state = 'proposed'"),
        ),
    )  # fmt: skip


freeze(CutRating)
