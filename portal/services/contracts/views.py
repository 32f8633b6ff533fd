"""The buyer's side of a service contract: read, sign by click or chop, decline."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing.models import Party
from portal.core import files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import uploads
from portal.members.belonging import AgreementState
from portal.services.contracts import verbs
from portal.services.contracts.models import ServiceContract
from portal.services.quotes import forms as f
from portal.services.quotes import seen
from portal.services.quotes.doors import quotes
from portal.services.quotes.models import ServiceQuote

PAGE = "quotes.contract"


def own_contract(uid: str, what: May = May.ORDER_SERVICES) -> ServiceContract:
    """Return one contract of the reader's organisations; foreign ones look missing."""
    own = select(Party.id).where(seen.of_reader(me(), what))
    row = db.session.scalars(
        select(ServiceContract)
        .join(ServiceQuote, ServiceContract.quote_id == ServiceQuote.id)
        .where(ServiceContract.uid == uid, ServiceQuote.party_id.in_(own), ServiceContract.sent_at.is_not(None))
    ).first()  # fmt: skip
    if row is None:
        raise Missing(_("There is no such contract."))
    return row


def _page(row: ServiceContract, status: int = 200, form: f.Sign | None = None) -> Any:
    g.nav, reader = "quotes.services", me()
    sent = row.state is AgreementState.SENT
    return render_template(
        "services/contract.html", row=row, form=form or f.Sign(formdata=None), why=f.Why(formdata=None),
        may_sign=sent and reader.may(May.SIGN, row.quote.party.org_id),
    ), status  # fmt: skip


@quotes.get("/contracts/<uid>")
@allow(May.ORDER_SERVICES)
def contract(uid: str) -> Any:
    """Show a contract, and let the signatory sign it."""
    return _page(own_contract(uid))


@quotes.get("/contracts/<uid>/pdf")
@allow(May.ORDER_SERVICES)
def contract_pdf(uid: str) -> Response:
    """Hand out a contract: the sealed one if there is one, else what is to be signed."""
    row = own_contract(uid)
    found = row.final or row.document
    if found is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(found, inline=True)


@quotes.post("/contracts/<uid>/signature")
@allow(May.SIGN, fresh=True)
def sign_contract(uid: str) -> Any:
    """Sign by typing one's name under the document that was shown."""
    row, form = own_contract(uid, May.SIGN), f.Sign()
    refused = form.carry_out(
        lambda: verbs.sign_by_click(
            row, by=me().person, typed_name=form.name.data or "", sha256=form.sha256.data or ""
        )
    )
    if refused:
        return _page(own_contract(uid, May.SIGN), refused, form)
    return go(PAGE, _("Signed. We counter-sign and write to you."), uid=uid)


@quotes.post("/contracts/<uid>/scan")
@allow(May.SIGN, fresh=True)
def chop_contract(uid: str) -> BaseResponse:
    """Hand in the scan of the chopped contract."""
    row, given = own_contract(uid, May.SIGN), request.files.get("scan")
    if given is None or not given.filename:
        raise Refused(_("Please choose the scan."), status=422)
    checked = uploads.check(given)
    content = files.put(checked.data, checked.media_type)
    with transaction():
        verbs.sign_by_chop(row, content, checked.name, by=me().person)
    return go(PAGE, _("Thank you. A colleague compares the scan, then we counter-sign."), uid=uid)


@quotes.post("/contracts/<uid>/refusal")
@allow(May.SIGN)
def decline_contract(uid: str) -> BaseResponse:
    """Decline to sign; the contract is void, what was ordered stands."""
    row, why = own_contract(uid, May.SIGN), f.Why()
    if not why.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        verbs.decline(row, by=me().person, reason=str(why.reason.data))
    return go("quotes.quote", _("Declined. We look at your reason and write to you."), uid=row.quote.uid)
