"""The member's side of agreements: list, read, sign by click or chop, decline, ask another signatory."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import contacts
from portal.accounts.access import allow, me
from portal.accounts.may import ContactRole, May
from portal.core import catalogue, files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import agreements, uploads
from portal.members.access import own_agreement
from portal.members.belonging import Agreement, AgreementState
from portal.members.forms import Reason, SignForm
from portal.members.models import Application
from portal.members.views import apply


@apply.get("/agreements")
@allow(May.SEE_ORG)
def agreement_list() -> str:
    """List the agreements of the organisations the reader acts for."""
    mine = (
        select(Agreement)
        .join(Application)
        .where(Agreement.sent_at.is_not(None), Application.org_id.in_(me().orgs(May.SEE_ORG)))
        .order_by(Agreement.id.desc())
    )
    return render_template("apply/agreements.html", page=page_of(mine), tiers=catalogue.entries("tier"))


def _page(row: Agreement, form: SignForm, status: int = 200) -> Any:
    reader, org = me(), row.application.org
    signers = contacts.holders(org, ContactRole.SIGNATORY)
    sent = row.state is AgreementState.SENT
    return render_template(
        "apply/agreement.html", agreement=row, form=form, may_sign=sent and reader.may(May.SIGN, org.id),
        online_only=agreements.beforehand(row) is not None, reason=Reason(),
        others=[one for one in signers if one.id != row.asked_id]
        if sent and reader.may(May.MANAGE_PEOPLE, org.id) else [],
    ), status  # fmt: skip


@apply.get("/agreements/<uid>")
@allow(May.SEE_ORG)
def agreement(uid: str) -> Any:
    """Show the agreement, and let the signatory sign."""
    return _page(own_agreement(uid), SignForm())


@apply.get("/agreements/<uid>/pdf")
@allow(May.SEE_ORG)
def agreement_pdf(uid: str) -> Response:
    """Hand out the agreement: the sealed one if there is one, else what is to be signed."""
    row = own_agreement(uid)
    found = row.final or row.document
    if found is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(found, inline=True)


@apply.post("/agreements/<uid>/signature")
@allow(May.SIGN, fresh=True)
def sign(uid: str) -> Any:
    """Sign by typing one's name under the document that was shown."""
    row = own_agreement(uid, May.SIGN)
    given = SignForm()
    try:
        if not given.validate_on_submit():
            raise Refused(_("Please type your name and tick the box."), status=422)
        with transaction():
            agreements.sign_by_click(
                row, by=me().person, typed_name=given.name.data, sha256=given.sha256.data or ""
            )
    except Refused as refusal:
        given.refused(refusal)
        return _page(row, given, refusal.status)
    if agreements.beforehand(row) is not None:
        return go("apply.agreement", _("Signed by both sides. The sealed document follows by mail."), uid=uid)
    return go("apply.agreement", _("Signed. We counter-sign and write to you."), uid=uid)


@apply.post("/agreements/<uid>/scan")
@allow(May.SIGN, fresh=True)
def chop(uid: str) -> BaseResponse:
    """Hand in the scan of the chopped agreement."""
    row = own_agreement(uid, May.SIGN)
    given = request.files.get("scan")
    if given is None or not given.filename:
        raise Refused(_("Please choose the scan."), status=422)
    checked = uploads.check(given)
    content = files.put(checked.data, checked.media_type)
    with transaction():
        agreements.sign_by_chop(row, content, checked.name, by=me().person)
    return go(
        "apply.agreement", _("Thank you. A colleague compares the scan, then we counter-sign."), uid=uid
    )


@apply.post("/agreements/<uid>/refusal")
@allow(May.SIGN)
def decline(uid: str) -> BaseResponse:
    """Decline to sign; the agreement is void, the approval stands."""
    row, given = own_agreement(uid, May.SIGN), Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        agreements.decline(row, by=me().person, reason=given.reason.data)
    return go("apply.agreement", _("Declined. We look at your reason and write to you."), uid=uid)


@apply.post("/agreements/<uid>/address")
@allow(May.MANAGE_PEOPLE)
def readdress(uid: str) -> BaseResponse:
    """Ask another signatory of the organisation to sign."""
    row = own_agreement(uid, May.MANAGE_PEOPLE)
    signers = contacts.holders(row.application.org, ContactRole.SIGNATORY)
    to = next((person for person in signers if person.uid == request.form.get("signatory")), None)
    if to is None:
        raise Refused(_("Please choose a signatory who has accepted that role."), status=422)
    with transaction():
        agreements.readdress(row, to=to, by=me().person)
    return go("apply.agreement", _("%(name)s is asked to sign.", name=to.name), uid=uid)
