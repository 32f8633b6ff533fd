"""Paying online: one session per invoice, settled once whoever tells, and a signed door."""

from __future__ import annotations

import json

import pytest
import stripe
from flask import Flask
from flask.testing import FlaskClient

from portal.billing import gateway, online
from portal.billing.checkout_models import CheckoutAttempt, GatewayEvent, PracticeSession
from portal.billing.models import InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.verify import verify_books
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from portal.members.models import ApplicationState
from tests import road
from tests.people import post

SILVER = {"tier": "silver"}


def approved(app: Flask) -> tuple[dict[str, FlaskClient], FlaskClient, str]:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client, **SILVER)
    road.review(house, uid, voices=("lena",))
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    return house, client, uid


def session_of(app: Flask) -> str:
    with app.app_context(), reading():
        return db.session.query(PracticeSession).order_by(PracticeSession.id.desc()).first().session_id  # type: ignore[union-attr]


def test_a_company_pays_by_the_test_gateway_and_becomes_a_member(app: Flask) -> None:
    house, client, uid = approved(app)
    invoice = road.invoice_of(app, uid)
    to = post(client, f"/invoices/{invoice.uid}/payment").location
    again = post(client, f"/invoices/{invoice.uid}/payment").location
    assert to == again
    path = to.removeprefix("http://127.0.0.1:8000")
    assert "no money moves" in client.get(path).text
    back = post(client, f"{path}/pay").location.removeprefix("http://127.0.0.1:8000")
    assert client.get(back).status_code == 200
    assert post(client, f"{back}/settlement").location == f"/invoices/{invoice.uid}"
    road.work(app)
    post(client, f"{back}/settlement")
    road.sign(app, house, client, uid)
    with app.app_context(), reading():
        assert road.application(uid).state is ApplicationState.COMPLETED
        assert db.session.query(Receipt).count() == 1
        assert db.session.query(GatewayEvent).one().worked_at is not None
        assert verify_books() == (3, [])


def test_decline_leave_and_pay_later(app: Flask) -> None:
    _house, client, uid = approved(app)
    invoice = road.invoice_of(app, uid)
    path = post(client, f"/invoices/{invoice.uid}/payment").location.removeprefix("http://127.0.0.1:8000")
    assert post(client, f"{path}/decline").location == path
    back = post(client, f"{path}/leave").location.removeprefix("http://127.0.0.1:8000")
    post(client, f"{back}/settlement")
    assert road.invoice_of(app, uid).state is InvoiceState.OPEN
    post(client, f"{path}/later")
    post(client, f"{back}/settlement")
    assert road.invoice_of(app, uid).state is InvoiceState.OPEN
    assert post(client, f"/invoices/{invoice.uid}/payment").status_code == 409
    post(client, f"{path}/arrive")
    road.work(app)
    assert road.invoice_of(app, uid).state is InvoiceState.PAID


def test_money_for_an_invoice_paid_meanwhile_stays_as_credit(app: Flask) -> None:
    house, client, uid = approved(app)
    invoice = road.invoice_of(app, uid)
    path = post(client, f"/invoices/{invoice.uid}/payment").location.removeprefix("http://127.0.0.1:8000")
    road.pay(app, house, "20,000", f"{invoice.reference}")
    post(client, f"{path}/pay")
    road.work(app)
    with app.app_context(), reading():
        from portal.billing.settling import credit_of

        second = db.session.query(Receipt).order_by(Receipt.id.desc()).first()
        assert second is not None
        assert credit_of(second) == Money(2_000_000)
        assert verify_books()[1] == []


def test_a_changed_balance_gets_a_new_session(app: Flask) -> None:
    house, client, uid = approved(app)
    invoice = road.invoice_of(app, uid)
    first = post(client, f"/invoices/{invoice.uid}/payment").location
    road.pay(app, house, "5,000", f"{invoice.reference}")
    second = post(client, f"/invoices/{invoice.uid}/payment").location
    assert first != second
    road.work(app)
    with app.app_context(), reading():
        assert [
            row.amount.minor for row in db.session.query(CheckoutAttempt).order_by(CheckoutAttempt.n)
        ] == [2_000_000, 1_500_000]
        assert [row.status for row in db.session.query(PracticeSession).order_by(PracticeSession.id)] == [
            "expired",
            "open",
        ]


def test_large_sums_are_paid_by_transfer(app: Flask) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    road.review(house, uid)
    post(house["dai"], road.case(uid, "approval"))
    invoice = road.invoice_of(app, uid)
    assert post(client, f"/invoices/{invoice.uid}/payment").status_code == 409
    assert "/payment" not in client.get(f"/invoices/{invoice.uid}").text


def signed(app: Flask, body: bytes, *, secret: str | None = None, age: int = 0) -> str:
    with app.app_context():
        key = gateway.webhook_secret() if secret is None else secret
    stamp = int(clock.now().timestamp()) - age
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), key, timestamp=stamp))


EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "checkout.session.completed",
    "livemode": False,
    "data": {"object": {"id": "cs_none"}},
}


@pytest.mark.parametrize(
    ("change", "secret", "age", "status"),
    [
        ({}, None, 0, 200),
        ({}, None, 290, 200),
        ({}, None, 320, 400),
        ({}, None, -320, 400),
        ({}, "whsec_other", 0, 400),
        ({"livemode": True}, None, 0, 400),
        ({"object": "charge"}, None, 0, 400),
        ({"id": ""}, None, 0, 400),
    ],
)
def test_the_door_takes_only_what_is_signed_and_fresh(
    app: Flask, change: dict[str, object], secret: str | None, age: int, status: int
) -> None:
    body = json.dumps({**EVENT, **change}).encode()
    client = app.test_client()
    header = {"Stripe-Signature": signed(app, body, secret=secret, age=age)}
    assert client.post("/billing/stripe/webhook", data=body, headers=header).status_code == status
    assert client.post("/billing/stripe/webhook", data=body + b" ", headers=header).status_code == 400
    assert client.post("/billing/stripe/webhook", data=body).status_code == 400
    if status == 200:
        assert client.post("/billing/stripe/webhook", data=body, headers=header).status_code == 200
        with app.app_context(), reading():
            assert db.session.query(GatewayEvent).count() == 1


def test_a_sweep_finds_what_no_event_told(app: Flask) -> None:
    _house, client, uid = approved(app)
    invoice = road.invoice_of(app, uid)
    post(client, f"/invoices/{invoice.uid}/payment")
    with app.app_context(), transaction():
        row = db.session.query(PracticeSession).one()
        row.status, row.payment_status, row.payment_intent = "complete", "paid", "pi_lost"
    with app.app_context():
        assert online.sweep() == 1
        assert online.sweep() == 0
    assert road.invoice_of(app, uid).state is InvoiceState.PAID
    with app.app_context():
        assert outbox.drain() >= 0
