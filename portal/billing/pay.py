"""Paying online as the payer sees it, the provider's door, and the pages of the test gateway."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.accounts.may import May
from portal.billing import gateway, online
from portal.billing.access import visible_invoice, visible_invoices
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, PracticeSession
from portal.billing.models import Invoice
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go, public

pay = Blueprint("pay", __name__)


@pay.post("/invoices/<uid>/payment")
@signed_in
def begin(uid: str) -> BaseResponse:
    """Open the payment page of an invoice."""
    invoice = visible_invoice(uid)
    reader = me()
    if invoice.party.person_id != reader.person.id and invoice.party.org_id not in reader.orgs(May.PAY):
        raise Missing(_("There is no such invoice, or it is not yours."))
    return redirect(online.begin(invoice), code=303)


def _attempt(uid: str) -> CheckoutAttempt:
    statement = select(CheckoutAttempt).join(Invoice).where(CheckoutAttempt.uid == uid)
    seen = visible_invoices(me()).with_only_columns(Invoice.id)
    row = db.session.scalars(statement.where(Invoice.id.in_(seen))).first()
    if row is None:
        raise Missing(_("There is no such payment."))
    return row


@pay.get("/payments/<uid>")
@signed_in
def back(uid: str) -> str:
    """Show how a payment ended; the page asks for the settlement by itself."""
    row = _attempt(uid)
    waits = row.state in {AttemptState.OPEN, AttemptState.PROCESSING}
    return render_template("billing/back.html", attempt=row, waits=waits)


@pay.post("/payments/<uid>/settlement")
@signed_in
def settlement(uid: str) -> BaseResponse:
    """Ask the provider how the payment ended, and book it."""
    row = _attempt(uid)
    invoice_uid, session_id = row.invoice.uid, row.session_id
    state = online.settle(session_id) if session_id else None
    if state is AttemptState.PAID:
        return go("billing.invoice", _("Thank you: the payment is booked."), uid=invoice_uid)
    if state is AttemptState.PROCESSING:
        return go(
            "billing.invoice",
            _("The payment is being processed. We book it when it is through."),
            uid=invoice_uid,
            tone="info",
        )
    return go("billing.invoice", _("No payment has arrived."), uid=invoice_uid, tone="info")


@pay.post("/billing/stripe/webhook")
@public
def webhook() -> Response:
    """Take an event in from the provider: signed, stored, answered; worked after."""
    online.receive(request.get_data(), request.headers.get("Stripe-Signature", ""))
    return Response("ok", mimetype="text/plain")


def _test(session_id: str) -> PracticeSession:
    if gateway.which() != gateway.TEST:
        abort(404)
    row = db.session.scalars(select(PracticeSession).where(PracticeSession.session_id == session_id)).first()
    if row is None:
        abort(404)
    return row


@pay.get("/test-gateway/<session_id>")
@public
def test_page(session_id: str) -> str:
    """Show the test gateway's payment page."""
    return render_template("billing/test_gateway.html", session=_test(session_id))


@pay.post("/test-gateway/<session_id>/<what>")
@public
def test_act(session_id: str, what: str) -> Any:
    """Play a payer: pay, decline, pay later (and then arrive or fail), or leave."""
    row = _test(session_id)
    kinds = {
        "pay": "checkout.session.completed",
        "later": "checkout.session.completed",
        "arrive": "checkout.session.async_payment_succeeded",
        "fail": "checkout.session.async_payment_failed",
    }
    if what == "decline":
        return go(
            "pay.test_page",
            _("Declined: the bank says no. You may try again."),
            tone="bad",
            session_id=session_id,
        )
    if what != "leave" and what not in kinds:
        abort(404)
    target = row.success_url
    if what != "leave":
        with transaction():
            fresh = _test(session_id)
            if what in {"pay", "later"} and fresh.status == "open":
                fresh.status = "complete"
                fresh.payment_intent = "pi_test_" + secrets.token_hex(12)
            if what in {"pay", "arrive"} and fresh.status == "complete":
                fresh.payment_status = "paid"
            raw, header = gateway.signed(kinds[what], fresh)
        online.receive(raw, header)
    return redirect(target, code=303)
