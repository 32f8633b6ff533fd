"""Fapiao as the payer sees them: ask for one, follow it, download its file."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.accounts.may import May
from portal.accounts.people_views import acting_for, required_org
from portal.billing import fapiao as verbs
from portal.billing import fapiao_access as access
from portal.billing import fapiao_forms as f
from portal.billing.access import payable_invoice
from portal.billing.fapiao_models import Fapiao, FapiaoKind, FapiaoState
from portal.billing.models import Party
from portal.billing.profile_checks import missing_for
from portal.core import audit, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go

fapiao = Blueprint("fapiao", __name__)


def _party(what: May) -> Party | None:
    reader = me()
    return access.party_for(required_org(reader, what) if acting_for(reader) is not None else reader.person)


@fapiao.get("/fapiao")
@signed_in
def mine() -> str:
    """List the reader's fapiaos, and what the payer acted for can ask another for."""
    party = _party(May.SEE_MONEY)
    g.nav = "billing.invoices"
    page = page_of(access.own_fapiaos(me()).order_by(Fapiao.id.desc()).options(selectinload(Fapiao.parts)))
    pays = party is not None and access.pays_for(me(), party)
    left = access.ready(party) if party is not None else []
    return render_template("billing/fapiaos.html", page=page, left=left, pays=pays)


def _form_page(party: Party, form: f.AskFapiao, status: int = 200) -> Any:
    rows = access.ready(party)
    chosen = request.args.get("invoice", "")
    typed = {row.uid: request.form.get(f.SUM + row.uid) for row, _limit in rows}
    missing = {kind.value: missing_for(party, special=kind is FapiaoKind.SPECIAL) for kind in FapiaoKind}
    g.nav = "billing.invoices"
    return render_template(
        "billing/fapiao_new.html", party=party, form=form, rows=rows, chosen=chosen, typed=typed, missing=missing
    ), status  # fmt: skip


def _payer() -> Party:
    """Return who asks: the payer of the invoice named in the address, else the one acted for."""
    if uid := request.args.get("invoice", ""):
        return payable_invoice(uid).party
    party = _party(May.PAY)
    if party is None:
        raise Missing(_("There is no invoice yet for which a fapiao could be asked."))
    return party


@fapiao.get("/fapiao/new")
@signed_in
def new() -> Any:
    """Show the form of a request."""
    return _form_page(_payer(), f.AskFapiao().offer())


@fapiao.post("/fapiao/new")
@signed_in
def ask() -> Any:
    """Ask for a fapiao."""
    party, form = _payer(), f.AskFapiao().offer()
    if not form.validate_on_submit():
        return _form_page(party, form, 422)
    uids = {row.uid: row.id for row, _limit in access.ready(party)}
    try:
        with transaction():
            row = verbs.request_fapiao(
                party, f.sums(request.form, uids), kind=FapiaoKind(form.kind.data), by=me().person,
                note=form.note.data or "",
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return _form_page(party, form, refusal.status)
    return go("fapiao.one", _("Asked for. You get a mail when the fapiao is issued."), uid=row.uid)


@fapiao.get("/fapiao/<uid>")
@signed_in
def one(uid: str) -> str:
    """Show one fapiao: what was asked, what became of it."""
    row = access.visible_fapiao(uid)
    g.nav = "billing.invoices"
    return render_template(
        "billing/fapiao.html", fapiao=row, pays=access.pays_for(me(), row.party),
        waits=row.state is FapiaoState.REQUESTED,
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


@fapiao.post("/fapiao/<uid>/withdrawal")
@signed_in
def withdraw(uid: str) -> BaseResponse:
    """Take the request back."""
    row = access.visible_fapiao(uid)
    if not access.pays_for(me(), row.party):
        raise Missing(_("There is no such fapiao, or it is not yours."))
    with transaction():
        verbs.withdraw(row, by=me().person)
    return go("fapiao.one", _("The request is withdrawn."), uid=uid)


@fapiao.get("/fapiao/<uid>/file")
@signed_in
def file(uid: str) -> Response:
    """Hand out the file of the fapiao."""
    row = access.visible_fapiao(uid)
    if row.file is None:
        raise Missing(_("This fapiao has no file here."))
    return files.send(row.file)


@fapiao.get("/fapiao/<uid>/red-letter")
@signed_in
def red_file(uid: str) -> Response:
    """Hand out the file of the red letter."""
    row = access.visible_fapiao(uid)
    if row.red_file is None:
        raise Missing(_("This fapiao has no file here."))
    return files.send(row.red_file)
