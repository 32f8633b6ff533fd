"""The same scenarios against Stripe's sandbox: run by hand with `pytest -m stripe_live`, never by `make test`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import stripe
from flask import Flask

from portal.billing import gateway, gateway_books
from portal.core import clock
from portal.core.money import Money
from tests import books, contract

pytestmark = pytest.mark.stripe_live


@pytest.fixture
def sandbox(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The application with the sandbox's key; without one the run fails and says what to set."""
    key = os.environ.get("STRIPE_SANDBOX_KEY", "")
    assert key.startswith(("sk_test_", "rk_test_")), "set STRIPE_SANDBOX_KEY to a key of a sandbox"
    books.set_up(sqlite_app, stripe_secret_key=key, stripe_webhook_secret="whsec_none")
    real = gateway.client
    monkeypatch.setattr(gateway, "client", lambda: contract.Checked(real()))
    with sqlite_app.app_context():
        yield uuid4().hex


def charge(mark: str, method: str = "pm_card_visa") -> str:
    """Take 20.00 with one of Stripe's test cards; return the payment."""
    client = stripe.StripeClient(os.environ["STRIPE_SANDBOX_KEY"])
    customer = client.v1.customers.create({"email": f"{mark}@example.com"})
    kept = client.v1.payment_methods.attach(method, {"customer": customer.id})
    found = gateway_books.charge_saved(
        key=f"inv:{mark}:auto:1", invoice_uid=mark, attempt_uid=mark, amount=Money(2000), customer=customer.id,
        method=kept.id,
    )  # fmt: skip
    assert found.paid, found
    return found.payment


def test_a_session_is_the_same_for_the_same_key_and_expires(sandbox: str) -> None:
    words: dict[str, Any] = {
        "key": f"inv:{sandbox}:attempt:1", "invoice_uid": sandbox, "attempt_uid": sandbox, "number": "INV-1",
        "success_url": "https://portal.example/x",
    }  # fmt: skip
    until = clock.now() + timedelta(hours=2)
    made = [gateway.open_checkout(amount=Money(2000), expires_at=until, **words) for _twice in range(2)]
    assert made[0].id == made[1].id
    assert gateway.fetch_checkout(made[0].id).status == "open"
    gateway.expire_checkout(made[0].id)
    gateway.expire_checkout(made[0].id)
    assert gateway.fetch_checkout(made[0].id).status == "expired"
    assert made[0].id in {one.id for one in gateway_books.recent(clock.now() - timedelta(hours=1)).sessions}


def test_a_refund_in_part_happens_once_and_never_beyond_the_payment(sandbox: str) -> None:
    payment = charge(sandbox)
    words = {"key": f"refund:{sandbox}", "uid": sandbox, "payment": payment}
    sent = [gateway.send_refund("stripe", amount=Money(500), **words) for _twice in range(2)]
    assert sent[0].id == sent[1].id
    assert gateway.find_refund("stripe", payment=payment, uid=sandbox) is not None
    over = gateway.send_refund("stripe", key=f"over:{sandbox}", uid="x", payment=payment, amount=Money(1600))
    assert over.status == "failed"


def test_a_declined_card_is_an_answer(sandbox: str) -> None:
    with pytest.raises(AssertionError, match="decline"):
        charge(sandbox, "pm_card_chargeCustomerFail")
