"""The desk's pages about refunds: ask, approve, send, and what became of them."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import forms as f
from portal.billing import queries, refunds, sending
from portal.billing.money_models import Receipt, Refund, RefundState, Way
from portal.billing.office import money
from portal.billing.receipts import receipt_of, receipt_page
from portal.core import audit, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go

R = RefundState


@money.post("/receipts/<uid>/refunds")
@allow(May.REFUND)
def ask_refund(uid: str) -> Any:
    """Ask for credit of a receipt to be sent back."""
    row, form = receipt_of(uid), f.AskRefund()
    if not form.validate_on_submit():
        return receipt_page(row, ask=form, status=422)
    payee = refunds.Payee(form.payee.data or "", form.payee_bank.data or "", form.payee_account.data or "")
    try:
        with transaction():
            made = refunds.request_refund(
                row, form.money(row.currency), by=me().person, reason=form.reason.data,
                payee=payee if row.way is Way.BANK else None,
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return receipt_page(row, ask=form, status=refusal.status)
    return go("money.refund", _("Asked for. A second person of finance approves it."), uid=made.uid)


@money.get("/refunds", endpoint="refunds")
@allow(May.READ_MONEY)
def listing() -> str:
    """List the refunds."""
    state = request.args.get("state", "")
    statement = select(Refund)
    if state == "open":
        statement = statement.where(Refund.state.in_([R.REQUESTED, R.APPROVED, R.SENDING]))
    elif state in {one.value for one in R}:
        statement = statement.where(Refund.state == R(state))
    names = [("", _("All")), ("open", _("Under way")), *((one.value, labels.label(one)) for one in R)]
    chips = [
        {"label": words, "href": web.url_with(state=key or None, page=None), "active": state == key}
        for key, words in names
    ]
    return render_template(
        "office/refunds.html", page=page_of(statement.order_by(Refund.id.desc())), chips=chips
    )


@money.get("/transfers")
@allow(May.READ_MONEY)
def transfers() -> str:
    """Show the transfers to be sent: what a second person signs off at the bank."""
    g.nav = "money.refunds"
    waiting = queries.refunds(R.APPROVED).join(Receipt).where(Receipt.way == Way.BANK)
    return render_template("office/transfers.html", rows=db.session.scalars(waiting).all())


def _refund(uid: str) -> Refund:
    row = db.session.scalars(select(Refund).where(Refund.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such refund."))
    return row


@money.get("/refunds/<uid>")
@allow(May.READ_MONEY)
def refund(uid: str) -> str:
    """Show one refund: what is asked, by whom, what comes next, and its story."""
    row, reader, g.nav = _refund(uid), me(), "money.refunds"
    return render_template(
        "office/refund.html", refund=row, bank=row.receipt.way is Way.BANK, own=row.by_id == reader.person.id,
        may_refund=reader.staff_may(May.REFUND), why=f.Why(), hand=f.HandOver(),
        history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


def _reason() -> str:
    given = f.Why()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    return str(given.reason.data)


@money.post("/refunds/<uid>/approval")
@allow(May.REFUND)
def approve_refund(uid: str) -> BaseResponse:
    """Approve another's request."""
    row = _refund(uid)
    with transaction():
        refunds.approve_refund(row, by=me().person)
    return go("money.refund", _("Approved."), uid=uid)


@money.post("/refunds/<uid>/refusal")
@allow(May.REFUND)
def decline_refund(uid: str) -> BaseResponse:
    """Decline another's request, with the reason."""
    row, reason = _refund(uid), _reason()
    with transaction():
        refunds.decline_refund(row, by=me().person, reason=reason)
    return go("money.refund", _("Declined: the sum is credit again."), uid=uid)


@money.post("/refunds/<uid>/sending")
@allow(May.REFUND)
def hand_over(uid: str) -> BaseResponse:
    """Note that the transfer was handed to the bank; of a gateway's refund, ask the gateway again."""
    row, given = _refund(uid), f.HandOver()
    if row.receipt.way is not Way.BANK:
        sending.settle_refund(uid)
        return go("money.refund", _("The payment provider was asked."), uid=uid)
    if not given.validate_on_submit():
        raise Refused(_("Please write the bank's number of the transfer."), status=422)
    with transaction():
        refunds.hand_over(row, by=me().person, bank_ref=given.bank_ref.data)
    return go("money.refund", _("Handed to the bank."), uid=uid)


@money.post("/refunds/<uid>/outcome")
@allow(May.REFUND)
def outcome(uid: str) -> BaseResponse:
    """Say what became of a transfer: it left the account, or the bank sent it back with a reason."""
    row, good = _refund(uid), request.form.get("good") == "yes"
    reason = "" if good else _reason()
    with transaction():
        refunds.finish_transfer(row, good=good, by=me().person, why=reason)
    words = _("Booked: the money has left.") if good else _("Booked: the sum is credit again.")
    return go("money.refund", words, uid=uid)
