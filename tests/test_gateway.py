"""Stripe's path against a double on loopback, every request checked against the types of the pinned version."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.billing import gateway, inbox, online, refunds, sending
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, GatewayEvent, PaymentAlert, Trouble
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt, Refund, RefundState, Way
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from tests import books, contract
from tests.stripe_double import Direct, Double, serving

SECRET = "whsec_tests"
SILVER = Money(2_000_000)


@pytest.fixture
def double(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """The application with Stripe's double behind it, and every request checked on its way out."""
    with serving() as made:
        books.set_up(
            app, stripe_secret_key="sk_test_x", stripe_webhook_secret=SECRET, stripe_api_base=made.url
        )
        real = gateway.client
        monkeypatch.setattr(gateway, "client", lambda: contract.Checked(real()))
        books.house(app)
        yield made


def begun(app: Flask) -> tuple[int, str]:
    """Issue an invoice and open its session; return the invoice's and the session's id."""
    with app.app_context():
        with transaction():
            number = books.bill().id
        online.begin(db.session.get_one(Invoice, number))
        with reading():
            return number, str(db.session.query(CheckoutAttempt).one().session_id)


def event(kind: str, about: dict[str, Any], name: str = "evt_1", **more: Any) -> bytes:
    body = {"id": name, "object": "event", "type": kind, "livemode": False, "data": {"object": about}, **more}
    return json.dumps(body, ensure_ascii=False).encode()


def sign(body: bytes, secret: str = SECRET, age: int = 0) -> str:
    stamp = int(clock.now().timestamp()) - age
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=stamp))


def state_of(app: Flask, invoice_id: int) -> InvoiceState:
    with app.app_context(), reading():
        return db.session.get_one(Invoice, invoice_id).state


def test_a_payment_is_asked_for_as_the_types_want_and_booked_once(app: Flask, double: Double) -> None:
    invoice_id, session_id = begun(app)
    with app.app_context():
        assert online.begin(db.session.get_one(Invoice, invoice_id)).endswith(session_id)
        assert len(double.sessions) == 1
        double.pay(session_id, kind="alipay")
        assert [online.settle(session_id) for _ in range(3)] == [AttemptState.PAID] * 3
        with reading():
            receipt = db.session.query(Receipt).one()
            assert (receipt.way, receipt.provider_ref) == (Way.WALLET, "pi_" + session_id[-6:])
            assert verify_books()[1] == []
    assert state_of(app, invoice_id) is InvoiceState.PAID


def test_a_crash_between_opening_and_saving_meets_the_same_session(app: Flask, double: Double) -> None:
    double.lose = 3
    with app.app_context():
        with transaction():
            invoice_id = books.bill().id
        with pytest.raises(stripe.APIError):
            online.begin(db.session.get_one(Invoice, invoice_id))
        with clock.stopped_at(clock.now() + timedelta(minutes=5)):
            online.begin(db.session.get_one(Invoice, invoice_id))
    assert len(double.sessions) == 1


@pytest.mark.parametrize(
    ("change", "trouble", "receipts"),
    [
        ({"amount_total": 1_999_999}, Trouble.MISFIT, 1),
        ({"client_reference_id": "another"}, Trouble.MISFIT, 1),
        ({"livemode": True}, Trouble.MISFIT, 1),
        ({"currency": "usd"}, Trouble.CURRENCY, 0),
    ],
)
def test_what_differs_from_the_question_is_not_put_on_the_invoice(
    app: Flask, double: Double, change: dict[str, Any], trouble: Trouble, receipts: int
) -> None:
    invoice_id, session_id = begun(app)
    double.pay(session_id).update(change)
    with app.app_context():
        online.settle(session_id)
        online.settle(session_id)
        with reading():
            assert db.session.query(PaymentAlert).one().trouble is trouble
            assert [credit_of(row) for row in db.session.query(Receipt)] == [
                Money(change.get("amount_total", 2_000_000))
            ] * receipts
            assert verify_books()[1] == []
    assert state_of(app, invoice_id) is InvoiceState.OPEN


def test_promised_money_that_fails_is_seen_from_the_fact(app: Flask, double: Double) -> None:
    invoice_id, session_id = begun(app)
    double.pay(session_id, later=True)
    with app.app_context():
        assert online.settle(session_id) is AttemptState.PROCESSING
        with pytest.raises(Refused, match="正在处理"):
            online.begin(db.session.get_one(Invoice, invoice_id))
        double.fail(session_id)
        assert online.sweep() == 1
        with reading():
            assert db.session.query(CheckoutAttempt).one().state is AttemptState.FAILED
        online.begin(db.session.get_one(Invoice, invoice_id))
    assert len(double.sessions) == 2


def test_a_balance_that_changes_closes_the_session(app: Flask, double: Double) -> None:
    _invoice_id, session_id = begun(app)
    with app.app_context():
        with transaction():
            books.transfer("B-1", Money(500_000), str(db.session.query(Invoice).one().reference))
        outbox.drain()
        with reading():
            assert db.session.query(CheckoutAttempt).one().state is AttemptState.EXPIRED
    assert double.sessions[session_id]["status"] == "expired"


BODY = event("checkout.session.completed", {"id": "cs_none"})
SIGNED: list[tuple[bytes, Callable[[bytes], str], int]] = [
    (BODY, sign, 200),
    (BODY, lambda body: sign(body, age=298), 200),
    (BODY, lambda body: sign(body, age=301), 400),
    (BODY, lambda body: sign(body, age=-300), 200),
    (BODY, lambda body: sign(body, age=-301), 400),
    (BODY, lambda body: sign(body, "whsec_other"), 400),
    (BODY, lambda body: sign(body, ""), 400),
    (BODY, lambda _body: "", 400),
    (BODY, lambda _body: "t=now,v1=x", 400),
    (BODY.replace(b"none", b"some"), lambda _body: sign(BODY), 400),
    (json.dumps(json.loads(BODY), indent=1).encode(), lambda _body: sign(BODY), 400),
    (BODY, lambda body: sign(body, "whsec_old") + "," + sign(body).split(",")[1], 200),
    (event("x", {}, name=""), sign, 400),
    (event("x", {}, object="v2.core.event"), sign, 400),
    (event("x", {}, livemode=True), sign, 400),
    (b"[]", sign, 400),
    ("\u00e9".encode("latin-1"), lambda _body: sign(BODY), 400),
]


@pytest.mark.parametrize(("body", "header", "status"), SIGNED)
def test_the_door_takes_only_what_is_signed_fresh_and_ours(
    app: Flask, monkeypatch: pytest.MonkeyPatch, body: bytes, header: Callable[[bytes], str], status: int
) -> None:
    books.set_up(app, stripe_secret_key="sk_test_x", stripe_webhook_secret=SECRET)
    instant, client = clock.now().replace(microsecond=0), app.test_client()
    monkeypatch.setattr("stripe._webhook.time.time", lambda: instant.timestamp())
    with clock.stopped_at(instant):
        headers = {"Stripe-Signature": header(body)} if header(body) else {}
        for _again in range(2):
            answer = client.post("/billing/stripe/webhook", data=body, headers=headers)
            assert answer.status_code == status
    with app.app_context(), reading():
        assert db.session.query(GatewayEvent).count() == (status == 200)


def test_an_empty_secret_opens_to_nobody(app: Flask) -> None:
    books.set_up(app, stripe_secret_key="sk_test_x", stripe_webhook_secret="")
    header = {"Stripe-Signature": sign(BODY, "")}
    assert app.test_client().post("/billing/stripe/webhook", data=BODY, headers=header).status_code == 400


def test_events_in_any_order_and_number_end_in_the_same_books(app: Flask, double: Double) -> None:
    told = [
        event("checkout.session.completed", {"id": "CS"}, "evt_a"),
        event("checkout.session.async_payment_succeeded", {"id": "CS"}, "evt_b"),
        event("checkout.session.expired", {"id": "CS"}, "evt_c"),
        event("charge.updated", {"id": "ch_1"}, "evt_d"),
    ]
    ends: list[tuple[InvoiceState, int]] = []
    for n, order in enumerate(itertools.permutations(told, 3)):
        if n % 4:
            continue
        with app.app_context():
            with transaction():
                invoice_id = books.bill(f"order:{n}").id
            online.begin(db.session.get_one(Invoice, invoice_id))
            with reading():
                session = str(
                    db.session.query(CheckoutAttempt).filter_by(invoice_id=invoice_id).one().session_id
                )
            double.pay(session)
            for body in (*order, order[0]):
                mine = body.replace(b'"CS"', f'"{session}"'.encode()).replace(b"evt_", f"evt_{n}_".encode())
                inbox.receive(mine, sign(mine))
            outbox.drain()
            with reading():
                invoice = db.session.get_one(Invoice, invoice_id)
                ends.append((invoice.state, db.session.query(Receipt).count() - len(ends)))
                assert verify_books()[1] == []
    assert set(ends) <= {(InvoiceState.PAID, 1), (InvoiceState.OPEN, 0)}
    assert ends.count((InvoiceState.PAID, 1)) == len(ends)


def paid_back(app: Flask, double: Double) -> str:
    """Pay an invoice that a transfer has paid meanwhile, ask for the money back, approve it; return its uid."""
    invoice_id, session_id = begun(app)
    with app.app_context():
        with transaction():
            double.pay(session_id)
            books.transfer("B-1", SILVER, str(db.session.get_one(Invoice, invoice_id).reference))
        online.settle(session_id)
        with transaction():
            receipt = db.session.query(Receipt).filter_by(way=Way.CARD).one()
            row = refunds.request_refund(receipt, SILVER, by=books.person("fang"), reason="paid twice")
            refunds.approve_refund(row, by=books.person("feng"))
            return row.uid


@pytest.mark.parametrize(("lose", "refuse"), [(0, 0), (3, 0), (0, 3), (1, 1)])
def test_a_refund_moves_money_once_whatever_is_lost(
    app: Flask, double: Double, lose: int, refuse: int
) -> None:
    uid = paid_back(app, double)
    double.lose, double.refuse = lose, refuse
    with app.app_context():
        for _ in range(3):
            sending.sweep()
        outbox.drain()
        with reading():
            row = db.session.query(Refund).filter_by(uid=uid).one()
            assert row.state is RefundState.SUCCEEDED
            assert row.outcome_ref == "re_000000"
            assert verify_books()[1] == []
    assert len(double.refunds) == 1


def test_after_a_day_a_refund_is_looked_for_before_it_is_sent_again(app: Flask, double: Double) -> None:
    uid = paid_back(app, double)
    double.lose = 3
    with app.app_context():
        sending.sweep()
        double.answers.clear()  # the provider forgets its keys
        with clock.stopped_at(clock.now() + timedelta(hours=25)):
            sending.sweep()
        with reading():
            assert db.session.query(Refund).filter_by(uid=uid).one().state is RefundState.SUCCEEDED
    assert len(double.refunds) == 1


def test_a_refund_that_waits_and_then_fails_is_credit_again(app: Flask, double: Double) -> None:
    uid = paid_back(app, double)
    double.refund_status = "pending"
    with app.app_context():
        assert sending.settle_refund(uid) is RefundState.SENDING
        double.finish_refund("re_000000", "failed", "expired_or_canceled_card")
        hint = event("refund.failed", {"id": "re_000000", "metadata": {"refund": uid}}, "evt_r")
        inbox.receive(hint, sign(hint))
        outbox.drain()
        with reading():
            row = db.session.query(Refund).filter_by(uid=uid).one()
            assert (row.state, row.failure) == (RefundState.FAILED, "expired_or_canceled_card")
            assert credit_of(row.receipt) == SILVER
            assert verify_books()[1] == []


def test_disputes_and_refunds_made_elsewhere_come_before_a_person(app: Flask, double: Double) -> None:
    _invoice_id, session_id = begun(app)
    double.pay(session_id)
    with app.app_context():
        online.settle(session_id)
        payment = "pi_" + session_id[-6:]
        double.dispute(payment, 1_000_000)
        double.send_back(payment, 1_000_000)
        for n in range(2):
            for kind, about in (
                ("charge.dispute.created", {"id": "dp_000000"}),
                ("refund.created", {"id": "re_000000", "payment_intent": payment, "metadata": {}}),
            ):
                body = event(kind, about, f"evt_{kind}_{n}")
                inbox.receive(body, sign(body))
        outbox.drain()
        with reading():
            assert {row.trouble for row in db.session.query(PaymentAlert)} == {
                Trouble.DISPUTE, Trouble.REFUNDED_OUTSIDE,
            }  # fmt: skip
            assert db.session.query(PaymentAlert).count() == 2


def test_no_call_goes_out_from_within_a_transaction(app: Flask, double: Double) -> None:
    with app.app_context(), transaction():
        for call in (
            lambda: gateway.fetch_checkout("cs_x"), lambda: gateway.expire_checkout("cs_x"),
            lambda: gateway.find_refund("stripe", payment="pi_x", uid="u"), lambda: gateway.fetch_refund("stripe", "re_x"),
        ):  # fmt: skip
            with pytest.raises(RuntimeError, match="never called inside"):
                call()
    assert double.calls == []


def test_production_without_a_key_has_no_gateway(tmp_path: Path, app: Flask) -> None:
    from portal.app import create_app

    url = app.extensions["settings"].database_url
    env = {
        "PORTAL_HOME": str(tmp_path), "PORTAL_DATABASE_URL": url, "PORTAL_MODE": "production",
        "PORTAL_SECRET_KEY": "".join(map(chr, range(65, 91))) + "0123456789", "PORTAL_PUBLIC_URL": "https://portal.example", "PORTAL_MAIL_URL": "smtp://localhost",
    }  # fmt: skip
    module: Any = __import__("sys").modules["portal_config"]
    made = create_app(module.read_settings(env))
    client = made.test_client()
    at = "https://portal.example"
    assert client.get("/test-gateway/cs_test_x", base_url=at).status_code == 404
    assert client.post("/test-gateway/cs_test_x/pay", base_url=at).status_code == 404
    assert (
        client.post(
            "/billing/stripe/webhook", data=BODY, headers={"Stripe-Signature": sign(BODY)}, base_url=at
        ).status_code
        == 404
    )
    with made.app_context():
        assert (gateway.which(), online.sweep()) == (gateway.NONE, 0)
        with pytest.raises(Missing):
            gateway.opened_event(BODY, sign(BODY))
        db.engine.dispose()
    assert "/test-gateway/" not in str(made.url_map)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_x", "PORTAL_GATEWAY": "test"}, "PORTAL_GATEWAY"),
        ({"PORTAL_MODE": "production", "PORTAL_GATEWAY": "test"}, "PORTAL_GATEWAY"),
        ({"STRIPE_SECRET_KEY": "pk_live_x"}, "STRIPE_SECRET_KEY"),
        ({"PORTAL_GATEWAY": "paypal"}, "PORTAL_GATEWAY"),
    ],
)
def test_the_test_gateway_cannot_be_asked_for_where_money_is_real(
    tmp_path: Path, app: Flask, changes: dict[str, str], said: str
) -> None:
    module: Any = __import__("sys").modules["portal_config"]
    with pytest.raises(module.Misconfigured, match=said):
        module.read_settings({"PORTAL_HOME": str(tmp_path), **changes})


PRICE = {"currency": "cny", "unit_amount": 100, "product_data": {"name": "INV"}}
GOOD: dict[str, Any] = {
    "mode": "payment",
    "line_items": [{"quantity": 1, "price_data": PRICE}],
    "success_url": "https://x",
}


@pytest.mark.parametrize(
    "change",
    [
        {"payment_method_types": ["card"]},
        {"mode": "paymnt"},
        {"idempotency_key": "k"},
        {"coupon": "X"},
        {"payment_method_options": {"wechat": {"client": "web"}}},
        {"line_items": [{"quantity": 1, "price_data": {**PRICE, "unit_amount": 1.5}}]},
        {"line_items": [{"quantity": True, "price_data": PRICE}]},
        {"line_items": [{"quantity": 1, "price_data": {"unit_amount": 1, "product_data": {"name": "x"}}}]},
    ],
)
def test_the_contract_refuses_what_the_api_would(change: dict[str, Any]) -> None:
    create = stripe.StripeClient("sk_test_x").v1.checkout.sessions.create
    kind = contract.params_type(create)
    contract.check(GOOD, kind, "session")
    with pytest.raises(contract.BrokenContract):
        contract.check({**GOOD, **change}, kind, "session")


def test_the_contract_refuses_the_old_name_of_a_credit_notes_refund() -> None:
    kind = contract.params_type(stripe.StripeClient("sk_test_x").v1.credit_notes.create)
    contract.check({"invoice": "in_1"}, kind, "note")
    with pytest.raises(contract.BrokenContract):
        contract.check({"invoice": "in_1", "refund": "re_1"}, kind, "note")


ANSWERS: list[dict[str, Any]] = [
    {"object": "payment_intent", "id": "pi_1", "charges": {"object": "list", "data": []}},
    {"object": "payment_intent", "id": "pi_1", "invoice": "in_1"},
    {"object": "charge", "id": "ch_1", "invoice": "in_1"},
    {"object": "charge", "payment_method_details": {"type": "card", "card": {"last_four": "4242"}}},
    {"object": "invoice", "id": "in_1", "paid": True},
    {"object": "list", "data": [{"object": "refund", "id": "re_1", "reversed": True}]},
    {"object": "checkout.session", "payment_intent": {"object": "payment_intent", "total": 1}},
    {"object": "chekout.session", "id": "cs_1"},
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_contract_refuses_an_answer_the_api_does_not_give(answer: dict[str, Any]) -> None:
    with pytest.raises(contract.BrokenContract):
        contract.check_answer(answer)


def test_the_contract_takes_answers_with_fields_that_are_there() -> None:
    contract.check_answer(
        {
            "object": "list", "url": "/v1/charges", "has_more": False,
            "data": [{"object": "charge", "id": "ch_1", "metadata": {"any": "thing"}}],
        }
    )  # fmt: skip


def test_a_double_that_answers_what_is_not_there_is_found_out() -> None:
    double = Double()
    double.disputes["dp_1"] = {"object": "dispute", "id": "dp_1", "verdict": "lost"}
    client = stripe.StripeClient("sk_test_x", http_client=Direct(double))
    with pytest.raises(contract.BrokenContract, match="verdict"):
        client.v1.disputes.retrieve("dp_1")


@given(st.binary(max_size=200), st.text(max_size=60))
@settings(deadline=None, max_examples=60)
def test_no_bytes_break_the_door(raw: bytes, header: str) -> None:
    with pytest.raises((stripe.SignatureVerificationError, ValueError)):
        stripe.WebhookSignature.verify_header(raw.decode("utf-8"), header, SECRET, tolerance=300)
