"""Fapiao at the finance desk: what waits, what the tax system issued, red letters, and the file for the tax system."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import fapiao as verbs
from portal.billing import fapiao_access as access
from portal.billing import fapiao_files, forms
from portal.billing import fapiao_forms as f
from portal.billing.fapiao_export import PROVIDER
from portal.billing.fapiao_models import Fapiao, FapiaoPart, FapiaoState
from portal.billing.models import Invoice
from portal.core import audit, clock, export, files, labels, web
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import go

fapiao_desk = Blueprint("fapiao_desk", __name__, url_prefix="/office/money/fapiao")
S = FapiaoState


def _asked() -> Select[Fapiao]:
    """Select the fapiaos the address asks for: what waits first of all."""
    state, statement = request.args.get("state", "waiting"), select(Fapiao)
    if state == "waiting":
        statement = statement.where(Fapiao.state.in_(access.WAITING))
    elif state in {one.value for one in S}:
        statement = statement.where(Fapiao.state == S(state))
    if q := asked("q"):
        named = (
            select(FapiaoPart.fapiao_id)
            .join(Invoice, Invoice.id == FapiaoPart.invoice_id)
            .where(Invoice.number.ilike(f"%{q}%"))
        )
        like = [one.ilike(f"%{q}%") for one in (Fapiao.title, Fapiao.tax_number, Fapiao.number)]
        statement = statement.where(or_(*like, Fapiao.id.in_(named)))
    order = Fapiao.id if state == "waiting" else Fapiao.id.desc()
    return statement.order_by(order).options(selectinload(Fapiao.parts))


@fapiao_desk.get("/")
@allow(May.READ_MONEY)
def queue() -> str:
    """List what waits, or what was."""
    state = request.args.get("state", "waiting")
    names = [("waiting", _("Waiting")), *((one.value, labels.label(one)) for one in S), ("all", _("All"))]
    chips = [
        {"label": words, "href": web.url_with(state=key, page=None), "active": state == key}
        for key, words in names
    ]
    fresh = access.waiting().where(Fapiao.state == S.REQUESTED, Fapiao.exported_at.is_(None))
    handed = access.waiting().where(Fapiao.state == S.REQUESTED, Fapiao.exported_at.is_not(None))
    return render_template(
        "office/fapiaos.html", page=page_of(_asked()), chips=chips,
        fresh=len(db.session.scalars(fresh).all()), handed=len(db.session.scalars(handed).all()),
        may_record=me().staff_may(May.RECORD_FAPIAO),
    )  # fmt: skip


@fapiao_desk.get("/file")
@allow(May.READ_MONEY)
def listing() -> Response:
    """Hand out the fapiaos asked for as CSV."""
    heads = (
        _("Asked for on"), _("State"), _("Kind of fapiao"), _("Title of the fapiao"), _("Tax number"), _("Sum"),
        _("Invoices"), _("Fapiao number"), _("Day of issue"), _("Red letter"), _("Day of the red letter"),
    )  # fmt: skip

    def row(one: Fapiao) -> tuple[Any, ...]:
        numbers = " ".join(str(part.invoice.number) for part in one.parts)
        return (
            one.created_at, labels.label(one.state), labels.label(one.kind), one.title, one.tax_number, one.amount,
            numbers, one.number, one.issued_on, one.red_number, one.red_on,
        )  # fmt: skip

    return export.csv_of("fapiao", heads, _asked(), row, by=me().person)


def _page(
    row: Fapiao, *, record: f.RecordFapiao | None = None, why: forms.Why | None = None, status: int = 200
) -> Any:
    g.nav = "fapiao_desk.queue"
    if record is None:
        record = f.RecordFapiao(formdata=None, data={"day": clock.today()})
    return render_template(
        "office/fapiao.html", fapiao=row, record=record, why=why or forms.Why(formdata=None),
        may_record=me().staff_may(May.RECORD_FAPIAO),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    ), status  # fmt: skip


@fapiao_desk.get("/<uid>")
@allow(May.READ_MONEY)
def one(uid: str) -> Any:
    """Show one request with all the tax system asks for."""
    return _page(access.visible_fapiao(uid))


@fapiao_desk.post("/<uid>/record")
@allow(May.RECORD_FAPIAO)
def record(uid: str) -> Any:
    """Record what the tax system issued: the fapiao, or the red letter that takes it back."""
    row, form = access.visible_fapiao(uid), f.RecordFapiao()
    if not form.validate_on_submit():
        return _page(row, record=form, status=422)
    try:
        taken = fapiao_files.check(form.file.data)
        let_go()
        content = files.put(taken[0], taken[1]) if taken else None
        name = f"fapiao-{''.join(form.number.data.split())}.{taken[2]}" if taken else ""
        given = verbs.Issued(form.number.data, form.day.data, content, name)
        with transaction():
            act = verbs.record_red if row.state is S.RED_REQUESTED else verbs.record_issue
            act(row, given, by=me().person)
    except Refused as refusal:
        form.refused(
            refusal if refusal.field != "received_on" else Refused(refusal.words, field="day", status=422)
        )
        return _page(access.visible_fapiao(uid), record=form, status=refusal.status)
    return go("fapiao_desk.one", _("Recorded. The payer gets a mail."), uid=uid)


@fapiao_desk.post("/<uid>/refusal")
@allow(May.RECORD_FAPIAO)
def reject(uid: str) -> Any:
    """Decline the request, with the reason."""
    row, why = access.visible_fapiao(uid), forms.Why()
    if not why.validate_on_submit():
        return _page(row, why=why, status=422)
    with transaction():
        verbs.reject(row, by=me().person, reason=why.reason.data)
    return go("fapiao_desk.one", _("Declined. The payer reads the reason."), uid=uid)


@fapiao_desk.post("/<uid>/red-letter")
@allow(May.RECORD_FAPIAO)
def ask_red(uid: str) -> Any:
    """Open a red-letter task by hand, with the reason: a wrong title, say."""
    row, why = access.visible_fapiao(uid), forms.Why()
    if not why.validate_on_submit():
        return _page(row, why=why, status=422)
    with transaction():
        verbs.ask_red(row, by=me().person, reason=why.reason.data)
    return go("fapiao_desk.one", _("The red letter is on the list of what waits."), uid=uid)


def _answer(rows: list[Fapiao]) -> Response:
    response = Response(PROVIDER.hand_over(rows), mimetype=PROVIDER.media_type)
    response.headers["Content-Disposition"] = f"attachment; filename={PROVIDER.name}"
    return response


@fapiao_desk.post("/export")
@allow(May.RECORD_FAPIAO)
def hand_over() -> BaseResponse:
    """Mark the requests that are new as handed to the tax system; their file is one click away."""
    fresh = access.waiting().where(Fapiao.state == S.REQUESTED, Fapiao.exported_at.is_(None))
    with transaction():
        rows = db.session.scalars(fresh.with_for_update(of=Fapiao)).all()
        if not rows:
            raise Refused(_("No new request waits."))
        verbs.mark_exported(rows, by=me().person)
    return go("fapiao_desk.queue", _("Marked as handed over. Download the file for the tax system now."))


@fapiao_desk.get("/requests/file")
@allow(May.RECORD_FAPIAO)
def handed() -> Response:
    """Hand out the file of the requests that were handed over and are not issued yet."""
    statement = access.waiting().where(Fapiao.state == S.REQUESTED, Fapiao.exported_at.is_not(None))
    rows = list(db.session.scalars(statement))
    audit.trace("list.exported", "list:fapiao-requests", by=me().person, list="fapiao-requests", filters={})
    return _answer(rows)
