"""The graders' pages: works under a code with their rubric, marks, answers that no key takes. No name, no other's mark."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import blind, item_pictures, levels, mark_deeds, verdicts
from portal.certs.grade_forms import Back, Worth
from portal.certs.graders import STANDS
from portal.certs.models.bank import ItemVersion
from portal.certs.models.grading import Assignment, ExamMark, Tie
from portal.certs.models.pictures import ItemPicture
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go

marking = Blueprint("marking", __name__, url_prefix="/office/marking")


@marking.get("/")
@allow(May.MARK)
def listed() -> str:
    """List the works of the grader, those that wait first."""
    rows = db.session.scalars(
        select(Assignment)
        .where(Assignment.grader_id == me().person.id, Assignment.state.in_(STANDS))
        .order_by(Assignment.ended_at.is_not(None), Assignment.due_at, Assignment.code)
        .limit(200)
    ).all()
    return render_template(
        "office/grading/works.html", rows=rows, name_of=levels.name_of, unlisted=len(verdicts.waiting())
    )


def _page(row: Assignment, *, back: Back | None = None, error: str = "", status: int = 200) -> Any:
    g.nav = "marking.listed"
    given = db.session.scalars(select(ExamMark).where(ExamMark.assignment_id == row.id)).first()
    form = back or Back(formdata=None)
    form.offer()
    return render_template(
        "office/grading/work.html", row=row, work=row.work, given=given, back=form, error=error, name=blind.name,
        level=levels.name_of(row.work.level), typed=request.form,
    ), status  # fmt: skip


@marking.get("/works/<uid>")
@allow(May.MARK)
def work(uid: str) -> Any:
    """Show a work with its rubric."""
    return _page(mark_deeds.mine(uid, me().person))


@marking.post("/works/<uid>/acceptance")
@allow(May.MARK)
def accept(uid: str) -> BaseResponse:
    """Take a work in hand."""
    row = mark_deeds.mine(uid, me().person)
    with transaction():
        mark_deeds.accept(row, by=me().person)
    return go("marking.work", _("The work is yours. Please mark it by the day shown."), uid=uid)


@marking.post("/works/<uid>/marks")
@allow(May.MARK)
def mark(uid: str) -> Any:
    """Hand in the marks; nothing that was chosen is lost when one is missing."""
    row = mark_deeds.mine(uid, me().person)
    codes = [str(one["code"]) for one in row.work.rubric["criteria"]]
    chosen = {code: text for code in codes if (text := request.form.get(f"level-{code}", "")).isdecimal()}
    try:
        with transaction():
            mark_deeds.mark(
                row, by=me().person, levels={code: int(text[:3]) for code, text in chosen.items()},
                comments={code: request.form.get(f"comment-{code}", "") for code in codes},
            )  # fmt: skip
    except Refused as refusal:
        return _page(mark_deeds.mine(uid, me().person), error=str(refusal), status=refusal.status)
    return go("marking.listed", _("Your marks are in. They are not changed any more."))


@marking.post("/works/<uid>/return")
@allow(May.MARK)
def give_back(uid: str) -> Any:
    """Give a work back, because of a tie or for another reason."""
    row, form = mark_deeds.mine(uid, me().person), Back()
    form.offer()
    if form.validate_on_submit():
        tie = Tie(form.tie.data) if form.tie.data else None
        try:
            with transaction():
                mark_deeds.give_back(row, by=me().person, reason=str(form.reason.data), tie=tie)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("marking.listed", _("Given back. Somebody else marks it."))
    return _page(mark_deeds.mine(uid, me().person), back=form, status=422)


@marking.get("/works/<uid>/files/<int:number>")
@allow(May.MARK)
def file(uid: str, number: int) -> Response:
    """Hand out a file of a work, cleaned and under a name that tells nothing."""
    row = mark_deeds.mine(uid, me().person)
    if not 1 <= number <= len(row.work.files):
        raise Missing(_("There is no such file."))
    return sent(blind.file_of(row.work, number), blind.name(row.work, number))


def sent(data: bytes, name: str) -> Response:
    """Return bytes as a download that no browser runs."""
    ending = (
        ".zip"
        if data[:2] == b"PK"
        else ".pdf"
        if data[:5] == b"%PDF-"
        else ".png"
        if data[:4] == b"\x89PNG"
        else ".txt"
    )
    response = Response(data, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f"attachment; filename={name}{ending}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


# ---- Short answers


def _answers(form: Worth | None = None, status: int = 200) -> Any:
    g.nav = "marking.listed"
    rows = verdicts.waiting()
    drawn = item_pictures.Drawn([one.version for one in rows], _picture)
    return render_template(
        "office/grading/answers.html", rows=rows, form=form or Worth(formdata=None), drawn=drawn
    ), status


def _picture(row: ItemPicture) -> str:
    return url_for("marking.answer_picture", uid=row.version.uid, picture=row.uid)


@marking.get("/answers")
@allow(May.MARK)
def answers() -> Any:
    """List the short answers that no key takes, each text once."""
    return _answers()


@marking.post("/answers/<uid>/verdict")
@allow(May.MARK)
def verdict(uid: str) -> Any:
    """Say what a text is worth, for everybody who wrote it."""
    version = db.session.scalars(select(ItemVersion).where(ItemVersion.uid == uid)).first()
    form = Worth()
    waits = {
        one.digest: one for one in verdicts.waiting() if version is not None and one.version.id == version.id
    }
    one = waits.get(str(form.digest.data))
    if version is None or one is None:
        raise Missing(_("Nobody waits for a word on this answer any more."))
    if status := form.carry_out(
        lambda: verdicts.say(version, one.text, str(form.fraction.data), by=me().person)
    ):
        return _answers(form, status)
    return go("marking.answers", _("Said, for everybody who wrote it."))
