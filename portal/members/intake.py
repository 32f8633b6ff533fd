"""Lists of members in and out: a file is looked at first, applied whole, and undone while untouched."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import undefer
from werkzeug.wrappers import Response as BaseResponse
from wtforms import FileField

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import audit, export, files, web
from portal.core.db import db, let_go, reading, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form, clean
from portal.core.paging import asked, page_of, place_in
from portal.core.web import go
from portal.members import importing, list_file, list_known, list_plan, list_words
from portal.members.past_models import ImportState, MemberImport

intake = Blueprint("intake", __name__, url_prefix="/office/members")
BIGGEST = 8 * 1024 * 1024
SIZES = (50, 100, 200)


class TakeList(Form):
    """A list of members as a file, read by the view."""

    file = FileField(
        _l("List of members"),
        description=_l("CSV in UTF-8 or GB18030, or XLSX; at most 8 MB and 10,000 rows."),
        render_kw={"accept": ".csv,.txt,.xlsx"},
    )


def _one(uid: str) -> MemberImport:
    statement = select(MemberImport).options(undefer(MemberImport.plan), undefer(MemberImport.done))
    row = db.session.scalars(statement.where(MemberImport.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such list."))
    return row


def _page(form: TakeList, status: int = 200) -> Any:
    g.nav = "roll.members"
    page = page_of(select(MemberImport).order_by(MemberImport.at.desc(), MemberImport.id.desc()))
    return render_template(
        "office/member_imports.html", form=form, page=page, may_import=me().staff_may(May.IMPORT_MEMBERS),
        columns=[(name, list_words.column(name)) for name in list_file.COLUMNS], clear=list_file.CLEAR,
        said=list_words.said,
    ), status  # fmt: skip


@intake.get("/imports")
@allow(May.READ_MEMBERS)
def imports() -> Any:
    """List the lists that came in, and offer to take one."""
    return _page(TakeList())


def _read() -> tuple[bytes, str]:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Refused(_("Please choose a file."), field="file", status=422)
    data = upload.stream.read(BIGGEST + 1)
    if len(data) > BIGGEST:
        raise Refused(_("The file is larger than 8 MB."), field="file", status=422)
    name = str(clean(upload.filename.replace("\\", "/").rsplit("/", 1)[-1]))[-120:]
    return data, name or "members"


@intake.post("/imports")
@allow(May.IMPORT_MEMBERS)
def take() -> Any:
    """Take a list in and work out what it would do; nothing else is written."""
    form = TakeList()
    by = me().person
    try:
        data, name = _read()
        with reading():
            steps = list_plan.plan(list_file.read(data, name))
        content = files.put(data, "application/octet-stream")
        with transaction():
            uid = importing.take_in(steps, content, name=name, by=by).uid
    except Refused as refusal:
        form.refused(refusal if refusal.field else Refused(refusal.words, field="file"))
        return _page(form, 422)
    return go("intake.listed", uid=uid)


@intake.get("/imports/<uid>")
@allow(May.READ_MEMBERS)
def listed(uid: str) -> str:
    """Show what a list would do, or did, row by row."""
    g.nav = "roll.members"
    row, kind = _one(uid), asked("kind")
    steps = [step for step in row.plan if not kind or step["kind"] == kind]
    place = place_in(len(steps), SIZES)
    place.items.extend(steps[place.start : place.start + place.size])
    ready = row.state is ImportState.PLANNED and me().staff_may(May.IMPORT_MEMBERS)
    stuck = row.counts["conflict"] + row.counts["refused"]
    return render_template(
        "office/member_import.html", row=row, page=place, chips=_chips(row, kind), words=list_words, stuck=stuck,
        ready=ready, writes=row.counts["create"] + row.counts["change"], names=_names(place.items),
        may_undo=row.state is ImportState.APPLIED and me().staff_may(May.IMPORT_MEMBERS),
    )  # fmt: skip


def _chips(row: MemberImport, kind: str) -> list[dict[str, Any]]:
    found = [
        {"label": _("All"), "count": row.rows, "active": not kind, "href": web.url_with(kind=None, page=None)}
    ]
    for code, words in list_words.KINDS.items():
        if row.counts[code]:
            href = web.url_with(kind=code, page=None)
            found.append({"label": words, "count": row.counts[code], "active": kind == code, "href": href})
    return found


def _names(steps: list[dict[str, Any]]) -> dict[str, str]:
    """Return which of these rows' organisations have a page of their own."""
    uids = [step["org"] for step in steps if step["org"]]
    found = select(Organisation).where(Organisation.uid.in_(uids))
    return {org.uid: org.name for org in db.session.scalars(found)}


@intake.post("/imports/<uid>/application")
@allow(May.IMPORT_MEMBERS)
def application(uid: str) -> BaseResponse:
    """Apply a list as it was shown, whole or not at all."""
    row, by = _one(uid), me().person
    lines = importing.lines_of(row)
    let_go()
    try:
        with transaction():
            importing.apply(importing.locked(row), lines, by=by)
    except Refused as refusal:
        with transaction():
            fresh = importing.locked(_one(uid))
            if fresh.state is ImportState.PLANNED:
                importing.plan_anew(fresh, lines)
        return go("intake.listed", str(refusal), tone="bad", uid=uid)
    return go("intake.listed", _("Applied."), uid=uid)


@intake.post("/imports/<uid>/undo")
@allow(May.IMPORT_MEMBERS)
def undo(uid: str) -> BaseResponse:
    """Take back what a list wrote."""
    row, by = _one(uid), me().person
    try:
        with transaction():
            importing.undo(importing.locked(row), by=by)
    except Refused as refusal:
        return go("intake.listed", str(refusal), tone="bad", uid=uid)
    return go("intake.listed", _("Undone: everything stands as before the list."), uid=uid)


@intake.post("/imports/<uid>/drop")
@allow(May.IMPORT_MEMBERS)
def drop(uid: str) -> BaseResponse:
    """Put a list aside that is not to be applied."""
    row, by = _one(uid), me().person
    with transaction():
        importing.drop(importing.locked(row), by=by)
    return go("intake.imports", _("Dropped: nothing of it was applied."))


@intake.get("/imports/<uid>/file")
@allow(May.READ_MEMBERS)
def list_as_it_came(uid: str) -> Response:
    """Hand out a list as it came."""
    row = _one(uid)
    audit.trace("file.downloaded", row.subject, by=me().person, file=row.name)
    return files.send(row.file)


@intake.get("/export/<form>/file")
@allow(May.READ_MEMBERS)
def members_list(form: str) -> Response:
    """Hand out all members as a list that reads back to no change."""

    def cells(found: Any) -> list[str]:
        org, membership, has_terms = found
        values = list_known.matched(org, membership, has_terms).values
        return list_file.cells(org.uid if name == "id" else values[name] for name in list_file.COLUMNS)

    statement = list_known.statement().order_by(Organisation.id)
    if form == "csv":
        return export.csv_of("member-list", list_file.COLUMNS, statement, cells, by=me().person, rows=True)
    if form == "xlsx":
        return export.xlsx_of(
            "member-list", "members", list_file.COLUMNS, statement, cells, by=me().person, rows=True
        )
    raise Missing(_("There is no such file."))
