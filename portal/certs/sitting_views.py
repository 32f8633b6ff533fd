"""The candidate's exam: waiting, the rules, the written part with its clock, going on in another browser, what comes next."""

from __future__ import annotations

from typing import Any

from flask import g, jsonify, render_template, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.certs import (
    answering,
    exam_forms,
    invalidating,
    item_pictures,
    levels,
    proctoring,
    sitting,
    tasks,
)
from portal.certs import handing as work
from portal.certs import learning as path_of
from portal.certs import sitting_forms as f
from portal.certs.answering import Elsewhere, Kept, Over, Said
from portal.certs.case_rules import part_name
from portal.certs.doors import exams
from portal.certs.models.bank import ItemVersion
from portal.certs.models.delivery import Answer, Attempt, AttemptPart, AttemptState
from portal.certs.sitting_access import own_attempt
from portal.core import catalogue, clock, i18n, vault
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.web import go

A = AttemptState
KEY = "sitting"


def device() -> str:
    """Return the digest of this browser's key; empty if it has none."""
    key = session.get(KEY)
    return vault.digest(key) if isinstance(key, str) else ""


def _show(template: str, row: Attempt, status: int = 200, words: f.Words | None = None, **more: Any) -> Any:
    g.exam_title = levels.name_of(row.level)
    return render_template(
        f"exams/sitting/{template}.html", row=row, level=g.exam_title, part_name=part_name, now=clock.now(),
        notices=answering.notices(row), doubts=invalidating.of(row.id), words=words or f.Words(formdata=None), chinese=i18n.language().startswith("zh"), **more,
    ), status  # fmt: skip


def page(row: Attempt, *, status: int = 200, **forms: Any) -> Any:
    """Show an attempt as it stands: what the candidate can do now and nothing else."""
    part, now = sitting.running(row), clock.now()
    if row.state is A.READY:
        opened = sitting.opening_of(row.booking.session_id)
        return _show("wait", row, status, opened=opened, form=forms.get("start") or f.Start(formdata=None), rules=catalogue.policy("exam.rules"))  # fmt: skip
    if row.state is A.RUNNING and part is not None:
        if part.due_at is None or now >= part.due_at:  # what is on its way is still taken in the grace
            return _show("time_up", row, status)
        return _written(row, part, status) if part.written else _practical(row, part, status, forms)
    if row.state is A.RUNNING:
        ready = path_of.path(row.level, row.person).ready
        return _show("between", row, status, forms.get("words"), part=sitting.coming(row), ready=ready)
    return _show(
        "over", row, status, forms.get("words"), hold=proctoring.standing_hold(row.id),
        days=levels.number("release.days"),
    )  # fmt: skip


def _written(row: Attempt, part: AttemptPart, status: int) -> Any:
    if row.device_hash != device():
        freed = row.device_free or answering.silent(row, clock.now())
        return _show("elsewhere", row, status, freed=freed, minutes=levels.number("device.silence_minutes"))
    assert part.form is not None
    answers = {one.position: one for one in _answers(part)}
    tongue = "zh" if row.language.startswith("zh") else "en"
    places = [(one, answers[one.position]) for one in exam_forms.places(part.form)]
    drawn = _drawn(row, [one.version for one, _answer in places])
    return _show(
        "written", row, status, part=part, places=places, tongue=tongue, drawn=drawn, left=_left(part)
    )  # fmt: skip


def _drawn(row: Attempt, versions: list[ItemVersion]) -> item_pictures.Drawn:
    """Return the texts of what is asked, with pictures at the addresses that they have in this attempt."""
    return item_pictures.Drawn(
        versions,
        lambda one: url_for("exams.sitting_picture", uid=row.uid, picture=item_pictures.address_in(row.uid, one)),
    )  # fmt: skip


def _answers(part: AttemptPart) -> list[Answer]:
    """Return the answers of a part in the order of its form, each with its item."""
    mine = select(Answer).where(Answer.part_id == part.id).order_by(Answer.position)
    return list(db.session.scalars(mine.options(joinedload(Answer.item_version))))


def _practical(row: Attempt, part: AttemptPart, status: int, forms: dict[str, Any]) -> Any:
    task, handed = tasks.of(part.form), work.submissions(part)
    last = handed[0] if handed else None
    data = {"text": last.text, "repository": last.repository, "commit": last.commit} if last else {}
    return _show(
        "practical", row, status, forms.get("words"), part=part, task=task, drawn=_drawn(row, [task] if task else []), uploads=work.uploads(part), handed=handed,
        tongue="zh" if row.language.startswith("zh") else "en", material=tasks.files_of(task) if task else [],
        work=forms.get("work") or f.Work(formdata=None, data=data), file=forms.get("file") or f.WorkFile(formdata=None),
        left=_left(part), most=levels.number("practical.files"), room=levels.number("practical.megabytes"),
    )  # fmt: skip


def _left(part: AttemptPart) -> int:
    """Return the seconds that are left, by the server's clock."""
    assert part.due_at is not None
    return max(0, int((part.due_at - clock.now()).total_seconds()))


@exams.get("/sittings/<uid>", endpoint="sitting")
@signed_in
def sitting_(uid: str) -> Any:
    """Show one of the reader's own attempts."""
    return page(own_attempt(uid))


@exams.post("/sittings/<uid>/start")
@signed_in
def start_sitting(uid: str) -> Any:
    """Start the exam in this browser."""
    row, form = own_attempt(uid), f.Start()
    if not form.validate_on_submit():
        return page(row, status=422, start=form)
    key, digest = answering.new_device()
    with transaction():
        sitting.start(
            row, device_hash=digest, rules=str(catalogue.policy("exam.rules")), language=i18n.language(), by=me().person
        )  # fmt: skip
    session[KEY] = key
    return go("exams.sitting", uid=uid)


@exams.post("/sittings/<uid>/takeover")
@signed_in
def take_over(uid: str) -> BaseResponse:
    """Go on in this browser."""
    row, reader = own_attempt(uid), me()
    key, digest = answering.new_device()
    with transaction():
        answering.take_over(row, device_hash=digest, signed_in_at=reader.session.factor_at, by=reader.person)
    session[KEY] = key
    return go("exams.sitting", _("The exam goes on here. The clock has not stopped."), uid=uid)


def _said(body: Any) -> tuple[list[Said], list[str]]:
    """Return what a browser sent, as far as it has the right shape; `Refused` otherwise."""
    rows = body.get("answers", []) if isinstance(body, dict) else None
    hints = body.get("hints", []) if isinstance(body, dict) else []
    if not isinstance(rows, list) or not isinstance(hints, list) or len(rows) > 500:
        raise Refused(_("This cannot be read."), status=422)
    found = []
    for one in rows:
        if (
            not isinstance(one, dict)
            or type(one.get("position")) is not int
            or type(one.get("seq")) is not int
        ):
            raise Refused(_("This cannot be read."), status=422)
        value = one.get("value")
        plain = value is None or isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))  # fmt: skip
        if not plain:
            raise Refused(_("This cannot be read."), status=422)
        found.append(Said(one["position"], value, one["seq"], one.get("flagged") is True))
    return found, [one for one in hints if isinstance(one, str)][:20]


def _told(kept: Kept) -> dict[str, Any]:
    at = kept.saved_at.isoformat() if kept.saved_at else None
    return {
        "position": kept.position, "seq": kept.seq, "value": kept.value, "flagged": kept.flagged, "at": at, "taken": kept.taken,
    }  # fmt: skip


@exams.post("/sittings/<uid>/answers")
@signed_in
def save_answers(uid: str) -> Any:
    """Save answers that the page sends by itself, and tell it the time that is left; without answers, that it is there."""
    row = own_attempt(uid)
    try:
        said, hints = _said(request.get_json(silent=True))
        with transaction():
            kept = answering.save(row.id, said, device_hash=device(), by=me().person, hints=hints)
    except (Over, Elsewhere) as refusal:
        return jsonify(over=isinstance(refusal, Over), words=str(refusal)), refusal.status
    except Refused as refusal:
        return jsonify(over=False, words=str(refusal)), refusal.status
    row = own_attempt(uid)
    part, chinese = sitting.running(row), i18n.language().startswith("zh")
    news = [{"id": one.id, "words": one.zh if chinese else one.en} for one in answering.notices(row)]
    return jsonify(saved=[_told(one) for one in kept], left=_left(part) if part else 0, notices=news)


def _typed(part: AttemptPart) -> list[Said]:
    """Return what a plain form says: each place whose answer or flag differs from what the page showed."""
    found = []
    for row in _answers(part):
        name = f"answer-{row.position}"
        shown = request.form.get(f"seq-{row.position}", "")
        if not (shown.isascii() and shown.isdigit()) or len(shown) > 9:
            continue
        rows = request.form.getlist(name)
        value: str | list[str] | None = rows if row.item_version.kind == "multiple" else (rows or [""])[0]
        flagged = f"flag-{row.position}" in request.form
        if (answering.fitting(row.item_version, value), flagged) != (row.value, row.flagged):
            found.append(Said(row.position, value, int(shown) + 1, flagged))
    return found


@exams.post("/sittings/<uid>/page")
@signed_in
def save_page(uid: str) -> BaseResponse:
    """Save the whole page, as a browser without scripts sends it."""
    row = own_attempt(uid)
    part = sitting.running(row)
    if part is None or not part.written:
        return go(
            "exams.sitting", _("This part is over: what was saved before is handed in."), tone="bad", uid=uid
        )
    try:
        with transaction():
            kept = answering.save(
                row.id, _typed(part), device_hash=device(), by=me().person, place=part.place
            )
    except (Over, Elsewhere) as refusal:
        return go("exams.sitting", str(refusal), tone="bad", uid=uid)
    lost = [str(one.position) for one in kept if not one.taken]
    if lost:
        words = _("Changed meanwhile in another window, whose answers stand: %(questions)s. Please look again.", questions=", ".join(lost))  # fmt: skip
        return go("exams.sitting", words, tone="bad", uid=uid)
    if "hand-in" in request.form:
        return go("exams.confirm_part", uid=uid)
    return go("exams.sitting", _("Saved."), uid=uid)


@exams.get("/sittings/<uid>/end")
@signed_in
def confirm_part(uid: str) -> Any:
    """Show what would be handed in, before it is."""
    row = own_attempt(uid)
    part = sitting.running(row)
    if part is None or not sitting.in_time(part, clock.now()):
        return page(row)
    return _show("confirm", row, part=part, answers=_answers(part), left=_left(part))


@exams.post("/sittings/<uid>/end")
@signed_in
def end_part(uid: str) -> BaseResponse:
    """Hand the running part in for good."""
    row = own_attempt(uid)
    part = sitting.running(row)
    if part is None:
        return go("exams.sitting", uid=uid)
    here = device() if part.written else None
    with transaction():
        done = sitting.hand_in(row, place=part.place, device_hash=here, by=me().person)
    return go("exams.sitting", _("Handed in.") if done else None, uid=uid)
