"""Money moves once: one refund row sent again and again (I12), one event delivered by sixteen at a time."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal.billing import gateway, ledger, online, refunds, sending, settling
from portal.billing.checkout_models import GatewayEvent
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt, Refund, RefundState, Way
from portal.billing.settling import credit_of
from portal.billing.verify import verify_books
from portal.core import audit, clock, outbox
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from tests import books, contract
from tests.stripe_double import Double, serving
from tests.stripe_scene import SECRET, begun, behind, sign
from tests.test_any_order import Crash, crashing
from tests.undone import examples

FEN = 123_456
FATES = ("fine", "cut before", "cut after", "dies", "a day passes", "fails at the bank", "waits")


def approved(double: Double, n: int) -> str:
    """Take money in that no invoice wants, and approve that it goes back; return the refund's uid."""
    payment = f"pi_case{n}"
    intent = double.intents[payment] = double._intent(payment, FEN, "cny", "succeeded", {})
    double._charge(intent)
    with transaction():
        receipt, _new = settling.record_receipt(
            Way.CARD, "stripe", payment, Money(FEN), clock.today(), payer="x", party=books.party(), by="test"
        )
        row = refunds.request_refund(receipt, Money(FEN), by=books.person("fang"), reason="x")
        return refunds.approve_refund(row, by=books.person("feng")).uid


def send(direct: Any, double: Double, uid: str, fate: str, dice: random.Random) -> None:
    """Send the refund once, with what befalls it."""
    direct.before, direct.after = int(fate == "cut before"), int(fate == "cut after")
    double.refund_status = "pending" if fate == "waits" else "succeeded"
    try:
        with crashing(dice, 0.6 if fate == "dies" else 0):
            sending.settle_refund(uid)
    except (Crash, stripe.APIConnectionError):
        db.session.rollback()
    direct.before = direct.after = 0
    made = next((one for one in double.refunds.values() if one["metadata"].get("refund") == uid), None)
    if fate == "fails at the bank" and made is not None and made["status"] == "pending":
        double.finish_refund(made["id"], "failed", "closed_account")


def check(double: Double, uid: str, payment: str) -> None:
    """One refund at the provider, one in the books, and both say the same."""
    mine = [one for one in double.refunds.values() if one["payment_intent"] == payment]
    assert [one["metadata"] for one in mine] == [{"refund": uid}]
    with reading():
        row = db.session.query(Refund).filter_by(uid=uid).one()
        gone = mine[0]["status"] == "succeeded"
        assert row.state is (RefundState.SUCCEEDED if gone else RefundState.FAILED)
        assert row.outcome_ref == mine[0]["id"]
        assert credit_of(row.receipt) == Money(0 if gone else FEN)


def test_one_refund_row_moves_money_once(app: Flask) -> None:
    books.house(app)
    double, count = Double(), itertools.count()
    with behind(app, double) as direct, app.app_context():

        @settings(
            max_examples=examples(app), deadline=None, phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.lists(st.sampled_from(FATES), max_size=6), st.integers(0, 2**32))
        def run(fates: list[str], seed: int) -> None:
            n, dice, now = next(count), random.Random(seed), clock.now()
            uid = approved(double, n)
            for fate in fates:
                if fate == "a day passes":
                    now += timedelta(hours=25)
                    double.wait(timedelta(hours=25))
                with clock.stopped_at(now):
                    send(direct, double, uid, fate, dice)
            for made in list(double.refunds.values()):
                if made["status"] == "pending":
                    double.finish_refund(made["id"], "succeeded")
            with clock.stopped_at(now):
                send(direct, double, uid, "fine", dice)
                send(direct, double, uid, "fine", dice)
            check(double, uid, f"pi_case{n}")

        run()
        with reading():
            assert verify_books()[1] == []


def together(work: Callable[[int], None], how_many: int = 16) -> None:
    """Let threads begin at the same instant; what one of them raises is raised here."""
    gate, troubles = threading.Barrier(how_many), list[BaseException]()

    def run(n: int) -> None:
        gate.wait()
        try:
            work(n)
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(how_many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise troubles[0]


@pytest.mark.race
def test_sixteen_deliveries_of_one_event_settle_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as double:
        books.set_up(
            app, stripe_secret_key="sk_test_x", stripe_webhook_secret=SECRET, stripe_api_base=double.url
        )
        real = gateway.client
        monkeypatch.setattr(gateway, "client", lambda: contract.Checked(real()))
        books.house(app)
        with app.app_context():
            number, session = begun()
            double.pay(session)
            body = json.dumps(double.told[-1]).encode()
        header, said = sign(body), []

        def deliver(_n: int) -> None:
            answer = app.test_client().post(
                "/billing/stripe/webhook", data=body, headers={"Stripe-Signature": header}
            )
            said.append(answer.status_code)

        together(deliver)
        assert said == [200] * 16

        def settle(n: int) -> None:
            with app.app_context():
                if n % 2:
                    outbox.drain(f"worker {n}")
                else:
                    online.settle(session)

        together(settle)
        with app.app_context():
            outbox.drain()
            with reading():
                assert db.session.query(GatewayEvent).one().worked_at is not None
                assert db.session.query(Receipt).count() == 1
                assert db.session.get_one(Invoice, number).state is InvoiceState.PAID
                assert ledger.balance(ledger.STRIPE) == Money(2_000_000)
                assert verify_books()[1] == []
            assert audit.verify()[1] == []
