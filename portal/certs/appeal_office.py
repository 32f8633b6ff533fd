"""The pages of the appeal panel: what waits, one appeal with its case, the answer of two members."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import appealing, case_facts, cases, deciding, invalidating, levels
from portal.certs.case_office import share
from portal.certs.grade_forms import Judge
from portal.certs.models.deciding import AppealState, ExamAppeal, Remedy
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go

exam_appeals = Blueprint("exam_appeals", __name__, url_prefix="/office/exam-appeals")
PAGE = "exam_appeals.appeal"


def _may(row: ExamAppeal) -> bool:
    return appealing.new_to(row, me().person)


def _appeal(uid: str) -> ExamAppeal:
    row = appealing.found(uid)
    if not _may(row):
        raise Missing(_("There is no such appeal."))
    return row


@exam_appeals.get("/")
@allow(May.DECIDE_EXAM_APPEALS)
def listed() -> str:
    """List the appeals that the reader may judge, and those that are judged."""
    rows = db.session.scalars(select(ExamAppeal).order_by(ExamAppeal.due_at, ExamAppeal.id))
    mine = [one for one in rows if _may(one)]
    return render_template(
        "office/grading/appeals.html", name_of=levels.name_of,
        rows=[one for one in mine if one.state is AppealState.ADMITTED],
        past=[one for one in mine if one.state is not AppealState.ADMITTED][-50:],
    )  # fmt: skip


def _page(row: ExamAppeal, form: Judge | None = None, status: int = 200) -> Any:
    g.nav = "exam_appeals.listed"
    shown = form or Judge(formdata=None)
    shown.offer(appealing.fitting(row))
    works = case_facts.works_of(row.case, case_facts.last_round(row.case))
    return render_template(
        "office/grading/appeal.html", row=row, form=shown, score=cases.current(row.case), share=share, me=me().person.id,
        level=levels.name_of(row.case.level), marks=[(work, case_facts.marks_of(work)) for work in works],
        decisions=deciding.of_case(row.case), undone=invalidating.confirmed(row.case.attempt_id),
    ), status  # fmt: skip


@exam_appeals.get("/<uid>")
@allow(May.DECIDE_EXAM_APPEALS)
def appeal(uid: str) -> Any:
    """Show an appeal with the score and the marks it is about."""
    return _page(_appeal(uid))


@exam_appeals.post("/<uid>/judgement")
@allow(May.DECIDE_EXAM_APPEALS)
def judge(uid: str) -> Any:
    """Propose an answer."""
    row, form = _appeal(uid), Judge()
    form.offer(appealing.fitting(row))
    if status := form.carry_out(
        lambda: appealing.judge(row, Remedy(form.remedy.data), by=me().person, answer=str(form.answer.data))
    ):
        return _page(_appeal(uid), form, status)
    return go(PAGE, _("Proposed. Another member of the panel confirms it."), uid=uid)


@exam_appeals.post("/<uid>/<any(confirmation, return):deed>")
@allow(May.DECIDE_EXAM_APPEALS)
def second(uid: str, deed: str) -> BaseResponse:
    """Confirm another's answer, or send it back."""
    row = _appeal(uid)
    with transaction():
        if deed == "confirmation":
            appealing.confirm(row, by=me().person)
        else:
            appealing.send_back(row, by=me().person)
    words = (
        _("Judged. The candidate has mail.") if deed == "confirmation" else _("Sent back to be written anew.")
    )
    return go("exam_appeals.listed", words)
