"""What cut panels ask: judges to rate, the chief examiner to go on, deciders to adopt a cut."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import and_, exists, func, or_, select

from portal.certs import levels, schemes
from portal.certs.models.cutting import CutJudge, CutPanel, CutRating, CutState, ExamCut, PanelState
from portal.core.db import db
from portal.core.waiting import Task, task

MOST = 50


def _part(exam: str, part: str) -> str:
    return f"{levels.name_of(exam)} · {schemes.part_name(part)}"


def cuts(me: int) -> list[Task]:
    """Return the cuts to be adopted that the reader neither proposed nor judged for."""
    judged = select(CutJudge.panel_id).where(CutJudge.person_id == me)
    waits = select(ExamCut).where(
        ExamCut.state == CutState.PROPOSED, ExamCut.by_id != me, ExamCut.panel_id.not_in(judged)
    )
    return [
        task(
            _("Cut to be adopted: %(part)s", part=_part(row.exam, row.part)), _("Decide"),
            url_for("cut_panels.panel", uid=row.panel.uid), since=row.at,
        )
        for row in db.session.scalars(waits.order_by(ExamCut.id).limit(MOST))
    ]  # fmt: skip


ROUND_NOW = or_(
    and_(CutPanel.state == PanelState.ALONE, CutRating.round == 1),
    and_(CutPanel.state == PanelState.TOGETHER, CutRating.round == 2),
)
RATING = (PanelState.ALONE, PanelState.TOGETHER)


def ratings(me: int) -> list[Task]:
    """Return the panels in which the reader judges and has not rated in this round."""
    said = exists().where(CutRating.judge_id == CutJudge.id, ROUND_NOW).correlate(CutJudge, CutPanel)
    mine = (
        select(CutPanel)
        .join(CutJudge, CutJudge.panel_id == CutPanel.id)
        .where(CutJudge.person_id == me, CutPanel.state.in_(RATING), ~said)
    )
    return [
        task(
            _("Items to rate for the cut: %(part)s", part=_part(row.exam, row.part)), _("Rate the items"),
            url_for("cut_panels.panel", uid=row.uid), since=row.at,
        )
        for row in db.session.scalars(mine.order_by(CutPanel.id).limit(MOST))
    ]  # fmt: skip


def panels(me: int) -> list[Task]:
    """Return the panels that go on by a word of the chief examiner: a round that is over, a cut to propose."""
    judges = select(func.count(CutJudge.id)).where(CutJudge.panel_id == CutPanel.id)
    rated = select(func.count(CutRating.id)).join(CutJudge).where(CutJudge.panel_id == CutPanel.id, ROUND_NOW)
    over = CutPanel.state.in_(RATING) & (
        judges.correlate(CutPanel).scalar_subquery() == rated.correlate(CutPanel).scalar_subquery()
    )
    proposed = exists().where(ExamCut.panel_id == CutPanel.id, ExamCut.state == CutState.PROPOSED)
    mine = (CutPanel.state == PanelState.RATED) & (CutPanel.lead_id == me) & ~proposed
    rows = db.session.scalars(select(CutPanel).where(over | mine).order_by(CutPanel.id).limit(MOST))
    return [
        task(
            _("Cut panel: %(part)s", part=_part(row.exam, row.part)),
            _("Propose the cut") if row.state is PanelState.RATED else _("End the round"),
            url_for("cut_panels.panel", uid=row.uid), since=row.at,
        )
        for row in rows
    ]  # fmt: skip
