"""The staff's side of service contracts: send, compare scans, counter-sign, void, draft anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.web import go
from portal.members.agreements import SCAN_FAULTS
from portal.services.contracts import verbs
from portal.services.contracts.models import ServiceContract
from portal.services.quotes import forms as f
from portal.services.quotes import seen
from portal.services.quotes.doors import quote_office

PAGE = "quote_office.contract"


def _one(uid: str) -> ServiceContract:
    row = db.session.scalars(select(ServiceContract).where(ServiceContract.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such contract."))
    return row


@quote_office.get("/contracts/<uid>")
@allow(May.READ_SERVICES)
def contract(uid: str) -> Any:
    """Show one contract with what is to be done and its history."""
    row, reader = _one(uid), me()
    g.nav = "quote_office.pipeline"
    returning = f.ReturnScan(formdata=None)
    returning.reason.choices = options(SCAN_FAULTS.items())
    return render_template(
        "office/services/contract.html", row=row, returning=returning, why=f.Why(formdata=None),
        may_prepare=reader.staff_may(May.PREPARE_AGREEMENTS), may_countersign=reader.staff_may(May.COUNTERSIGN),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


@quote_office.get("/contracts/<uid>/<kind>")
@allow(May.READ_SERVICES)
def contract_file(uid: str, kind: str) -> Response:
    """Hand out the document, the scan or the sealed contract."""
    row = _one(uid)
    found = {"document": row.document, "scan": row.scan, "sealed": row.final}.get(kind)
    if found is None:
        raise Missing(_("There is no such file."))
    return files.send(found, inline=True)


def _done(uid: str, deed: Callable[[ServiceContract], object], words: str) -> BaseResponse:
    row = _one(uid)
    with transaction():
        deed(row)
    return go(PAGE, words, uid=uid)


@quote_office.post("/contracts/<uid>/sending")
@allow(May.PREPARE_AGREEMENTS)
def send_contract(uid: str) -> BaseResponse:
    """Send a contract to the signatory."""
    return _done(uid, lambda row: verbs.send(row, by=me().person), _("The contract is on its way."))


@quote_office.post("/contracts/<uid>/scan-check")
@allow(May.COUNTERSIGN, May.PREPARE_AGREEMENTS)
def check_scan(uid: str) -> BaseResponse:
    """Say that the scan is the document that was sent."""
    return _done(uid, lambda row: verbs.check_scan(row, by=me().person), _("The scan is compared."))


@quote_office.post("/contracts/<uid>/scan-return")
@allow(May.COUNTERSIGN, May.PREPARE_AGREEMENTS)
def return_scan(uid: str) -> BaseResponse:
    """Send a scan back."""
    reason, text = request.form.get("reason", ""), request.form.get("text", "")[:300]
    return _done(
        uid, lambda row: verbs.return_scan(row, by=me().person, reason=reason, text=text), _("The scan goes back.")
    )  # fmt: skip


@quote_office.post("/contracts/<uid>/countersignature")
@allow(May.COUNTERSIGN, fresh=True)
def countersign(uid: str) -> BaseResponse:
    """Sign for the foundation."""
    return _done(uid, lambda row: verbs.countersign(row, by=me().person), _("Signed by both sides."))


@quote_office.post("/contracts/<uid>/void")
@allow(May.PREPARE_AGREEMENTS)
def void(uid: str) -> BaseResponse:
    """Void a contract that was not executed."""
    why = f.Why()
    if not why.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    return _done(
        uid, lambda row: verbs.void(row, by=me().person, reason=str(why.reason.data)), _("The contract is void.")
    )  # fmt: skip


@quote_office.post("/quotes/<uid>/contract")
@allow(May.PREPARE_AGREEMENTS)
def draft_contract(uid: str) -> BaseResponse:
    """Draft the contract of an accepted quote anew."""
    row = seen.any_quote(uid)
    with transaction():
        made = verbs.draft_again(row, by=me().person)
    return go(PAGE, _("A new contract is drafted."), uid=made.uid)
