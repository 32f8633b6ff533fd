"""The cut that an attempt is measured by: adopted for a part from a day on, fitted to the form that was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select

from portal.certs.models.bank import Form, FormItem
from portal.certs.models.cutting import CutState, ExamCut
from portal.certs.standard import form_cut
from portal.core import catalogue
from portal.core.db import db


@dataclass(frozen=True, slots=True)
class Found:
    """The cut of a part as a share, and whether a panel has set it."""

    share: Fraction
    provisional: bool


def adopted(exam: str, part: str, on: date) -> ExamCut | None:
    """Return the cut of a part that is in force on a day; None until a panel sat."""
    return db.session.scalars(
        select(ExamCut)
        .where(
            ExamCut.exam == exam, ExamCut.part == part, ExamCut.state == CutState.ADOPTED, ExamCut.valid_from <= on
        )
        .order_by(ExamCut.valid_from.desc(), ExamCut.id.desc())
        .limit(1)
    ).first()  # fmt: skip


def cut_of(exam: str, part: str, form: Form | None, on: date) -> Found:
    """Return the cut of a part: by the ratings of the form's own items where all have one, else as it was adopted.

    A drawn form's standard follows its difficulty; the board's step below the panel is kept.
    """
    row = adopted(exam, part, on)
    if row is None:
        return Found(Fraction(int(catalogue.policy("cut.provisional", on=on)), 100), provisional=True)
    rated = _ratings(form) if form is not None else []
    if not rated:
        return Found(Fraction(row.share), provisional=False)
    return Found(form_cut(rated, less=Fraction(row.found) - Fraction(row.share)), provisional=False)


def _ratings(form: Form) -> Sequence[tuple[Decimal | int, Fraction]]:
    """Return points and panel rating of each scored item of a form; nothing where one is unrated."""
    rows = list(
        db.session.scalars(select(FormItem).where(FormItem.form_id == form.id, FormItem.scored.is_(True)))
    )
    if any(not row.version.rating for row in rows):
        return []
    return [(row.version.points, Fraction(row.version.rating)) for row in rows]
