"""Paying online as the payer sees it, the provider's door, and the pages of the test gateway."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.billing import gateway, inbox, online, practice
from portal.billing.access import payable_invoice, visible_invoices
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, PracticeSession
from portal.billing.models import Invoice
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go, public

pay = Blueprint("pay", __name__)
A = AttemptState


@pay.post("/invoices/<uid>/payment")
@signed_in
def begin(uid: str) -> BaseResponse:
    """Open the payment page of an invoice."""
    invoice, keep = payable_invoice(uid), bool(request.form.get("keep_card"))
    with gateway.answering():
        return redirect(online.begin(invoice, keep_card=keep), code=303)


def _attempt(uid: str) -> CheckoutAttempt:
    """Return an attempt on an invoice the reader may see; a foreign one looks missing."""
    seen = visible_invoices(me()).with_only_columns(Invoice.id)
    row = db.session.scalars(
        select(CheckoutAttempt).where(CheckoutAttempt.uid == uid, CheckoutAttempt.invoice_id.in_(seen))
    ).first()
    if row is None:
        raise Missing(_("There is no such payment."))
    return row


@pay.get("/payments/<uid>")
@signed_in
def back(uid: str) -> str:
    """Show how a payment ended; the page asks for the settlement by itself."""
    row = _attempt(uid)
    return render_template(
        "billing/back.html", attempt=row, waits=row.state is A.OPEN, offer=online.offer(row.invoice)
    )


@pay.post("/payments/<uid>/settlement")
@signed_in
def settlement(uid: str) -> BaseResponse:
    """Ask the provider how the payment ended, and book it."""
    row = _attempt(uid)
    invoice_uid, session_id = row.invoice.uid, row.session_id
    with gateway.answering():
        state = online.settle(session_id) if session_id else row.state
    if state is A.PAID:
        return go("billing.invoice", _("Thank you: the payment is booked."), uid=invoice_uid)
    words = {
        A.PROCESSING: _("The payment is being processed. We book it when it is through."),
        A.FAILED: _("The payment failed; nothing was taken. You can try again or pay by transfer."),
        A.EXPIRED: _("The payment page has expired; nothing was taken. You can begin again."),
    }
    said = words.get(state or A.OPEN, _("No payment has arrived."))
    return go("billing.invoice", said, uid=invoice_uid, tone="info")


@pay.post("/billing/stripe/webhook")
@public
def webhook() -> Response:
    """Take an event in from the provider: signed, stored, answered; worked after."""
    inbox.receive(request.get_data(), request.headers.get("Stripe-Signature", ""))
    return Response("ok", mimetype="text/plain")


def _test(session_id: str) -> PracticeSession:
    row = db.session.scalars(select(PracticeSession).where(PracticeSession.session_id == session_id)).first()
    if row is None:
        abort(404)
    return row


@public
def test_page(session_id: str) -> str:
    """Show the test gateway's payment page."""
    return render_template("billing/test_gateway.html", session=_test(session_id))


@public
def test_act(session_id: str, what: str) -> Any:
    """Play a payer: pay, decline, pay later (and then arrive or fail), or leave."""
    row = _test(session_id)
    if what == "decline":
        said = _("Declined: the bank says no. You may try again.")
        return go("pay.test_page", said, tone="bad", session_id=session_id)
    if what != "leave" and what not in practice.STEPS:
        abort(404)
    target = row.success_url
    if what != "leave":
        with transaction():
            fresh = _test(session_id)
            practice.play(fresh, what)
            raw, header = gateway.signed(practice.STEPS[what], fresh)
        inbox.receive(raw, header)
    return redirect(target, code=303)


@pay.record
def _practice_pages(state: BlueprintSetupState) -> None:
    """Give the test gateway its pages where it serves; elsewhere they do not exist."""
    if gateway.kind_of(state.app.extensions["settings"]) == gateway.TEST:
        state.add_url_rule("/test-gateway/<session_id>", "test_page", test_page, methods=["GET"])
        state.add_url_rule("/test-gateway/<session_id>/<what>", "test_act", test_act, methods=["POST"])
