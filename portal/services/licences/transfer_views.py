"""A licence goes to another organisation, as its pages: an owner asks, an owner there agrees, two of staff let it go."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go
from portal.services import finding
from portal.services.licences import access, giving_forms, locking, showing, transferring
from portal.services.licences.models.deal import LicenceTransfer, TransferState
from portal.services.licences.models.licence import Licence
from portal.services.licences.pages import licence_office, licences, page
from portal.services.licences.transferring import STAYS

OWNER = (May.PAY, May.MANAGE_LICENCES)
CASE = "licence_office.case"


def goes_along(row: Licence) -> list[Any]:
    """Return the terms of a licence that go over with their remaining days."""
    now = clock.now()
    return [
        one for one in locking.spans(row.id) if one.closed is None and one.end > now and one.kind not in STAYS
    ]


def _page(row: Licence, status: int = 200, form: giving_forms.HandOver | None = None) -> Any:
    open_one = transferring.open_for(row)
    return page(
        "licences/transfer.html", row, "transfer", status, form=form or giving_forms.HandOver(formdata=None), open=open_one,
        terms=goes_along(row), may_give=access.owns(me(), row.org_id), State=TransferState,
    )  # fmt: skip


@licences.get("/<uid>/transfer")
@allow(May.SEE_ORG, May.READ_LICENCES)
def transfer_page(uid: str) -> Any:
    """Show what handing a licence over means, and where it stands."""
    return _page(access.seen(uid))


@licences.post("/<uid>/transfer")
@allow(*OWNER)
def ask_transfer(uid: str) -> Any:
    """Ask, as an owner, that another organisation takes the licence."""
    row, form = access.given_away(uid), giving_forms.HandOver()

    def ask() -> None:
        there = finding.org_registered(str(form.to.data), field="to")
        transferring.ask(row, there, reason=str(form.reason.data), by=me().person)

    status = form.carry_out(ask)
    if status:
        return _page(access.given_away(uid), status, form)
    return go(
        "licences.transfer_page", _("Asked. The owners there have mail; nothing has changed yet."), uid=uid
    )


@licences.post("/<uid>/transfer/withdrawal")
@allow(*OWNER)
def withdraw_transfer(uid: str) -> BaseResponse:
    """Take the wish back before staff let the licence go."""
    row = access.given_away(uid)
    one = transferring.open_for(row)
    if one is not None:
        with transaction():
            transferring.decline(one, by=me().person, reason="withdrawn")
    return go("licences.transfer_page", _("Taken back: the licence stays with you."), uid=uid)


@licences.get("/transfers/<transfer>")
@allow(*OWNER)
def coming(transfer: str) -> str:
    """Show an owner what another organisation wants to hand over."""
    g.nav = "licences.listed"
    one = access.coming(transfer)
    return render_template(
        "licences/coming.html", one=one, terms=goes_along(one.licence), State=TransferState, plan=showing.plan_name(one.licence),
        org=required_org(me(), May.MANAGE_LICENCES),
    )  # fmt: skip


@licences.post("/transfers/<transfer>/agreement")
@allow(*OWNER)
def agree_transfer(transfer: str) -> BaseResponse:
    """Take the licence over, as an owner."""
    one = access.coming(transfer)
    with transaction():
        transferring.agree(one, by=me().person)
    return go(
        "licences.coming",
        _("Agreed. Two of our staff look at it next; you have mail when it is yours."),
        transfer=transfer,
    )


@licences.post("/transfers/<transfer>/refusal")
@allow(*OWNER)
def refuse_transfer(transfer: str) -> BaseResponse:
    """Leave the licence where it is."""
    one = access.coming(transfer)
    with transaction():
        transferring.decline(one, by=me().person, reason="refused")
    return go("licences.listed", _("Declined: the licence stays where it is."))


# ---- Staff


def _of(uid: str) -> LicenceTransfer:
    one = transferring.open_for(access.run(uid))
    if one is None:
        raise Missing(_("There is no such transfer."))
    return one


@licence_office.post("/<uid>/transfer/check")
@allow(May.RUN_LICENCES)
def check_transfer(uid: str) -> BaseResponse:
    """Look at a transfer as the first of staff."""
    one = _of(uid)
    with transaction():
        transferring.check(one, by=me().person)
    return go(CASE, _("Checked. A second of staff lets it go over."), uid=uid)


@licence_office.post("/<uid>/transfer/completion")
@allow(May.RUN_LICENCES, fresh=True)
def do_transfer(uid: str) -> BaseResponse:
    """Let the licence go over, as the second of staff."""
    one = _of(uid)
    with transaction():
        new = transferring.do(one, by=me().person)
        db.session.flush()
        there = new.uid
    return go(CASE, _("The licence has gone over; this is the new one."), uid=there)


@licence_office.post("/<uid>/transfer/refusal")
@allow(May.RUN_LICENCES)
def stop_transfer(uid: str) -> BaseResponse:
    """Leave the licence where it is, as staff."""
    one = _of(uid)
    with transaction():
        transferring.decline(one, by=me().person, reason="staff")
    return go(CASE, _("Declined: the licence stays where it is."), uid=uid)
