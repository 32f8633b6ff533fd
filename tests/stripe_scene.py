"""What tests of Stripe's path share: the application with the double behind it, invoices begun, events signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import stripe
from flask import Flask
from sqlalchemy import select

from portal.billing import gateway, inbox, online
from portal.billing.checkout_models import CheckoutAttempt
from portal.billing.models import Invoice
from portal.core import clock, outbox
from portal.core.db import db, reading, transaction
from tests import books, contract
from tests.stripe_double import Direct, Double

SECRET = "whsec_tests"


@contextmanager
def behind(app: Flask, double: Double) -> Iterator[Direct]:
    """Put the double behind the application without a network, every request checked against the types."""
    books.set_up(app, stripe_secret_key="sk_test_x", stripe_webhook_secret=SECRET)
    direct = Direct(double)
    made = contract.Checked(
        stripe.StripeClient("sk_test_x", http_client=direct, stripe_version=gateway.PINNED)
    )
    with mock.patch.object(gateway, "client", return_value=made):
        yield direct


def begun(subject: str = "test:1", *, keep_card: bool = False) -> tuple[int, str]:
    """Issue an invoice and open its session; return the invoice's and the session's id."""
    with transaction():
        number = books.bill(subject).id
    return number, again(number, keep_card=keep_card)


def again(number: int, *, keep_card: bool = False) -> str:
    """Open the session of an invoice; return its id."""
    online.begin(db.session.get_one(Invoice, number), keep_card=keep_card)
    with reading():
        newest = select(CheckoutAttempt).where(CheckoutAttempt.invoice_id == number)
        return str(db.session.scalars(newest.order_by(CheckoutAttempt.n.desc())).first().session_id)  # type: ignore[union-attr]


def sign(body: bytes, secret: str = SECRET) -> str:
    """Return the header of a body, signed now."""
    stamp = int(clock.now().timestamp())
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret, timestamp=stamp))


def deliver(event: dict[str, Any]) -> bool:
    """Hand an event to the door as the provider does."""
    body = json.dumps(event, ensure_ascii=False).encode()
    return inbox.receive(body, sign(body))


def news(double: Double) -> int:
    """Deliver everything that was told once, in order, and work it."""
    for event in double.told:
        deliver(event)
    return outbox.drain()
