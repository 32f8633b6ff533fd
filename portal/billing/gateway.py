"""The payment provider: Stripe where a key is set, else the labelled test gateway inside the portal.

The only module that imports `stripe`; it returns our own dataclasses, and never runs inside a transaction.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from portal.billing.checkout_models import PracticeSession
from portal.core import clock, vault, web
from portal.core.db import db, in_transaction, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.settings import settings

if TYPE_CHECKING:
    import stripe

STRIPE, TEST, NONE = "stripe", "test", ""
AHEAD = 300


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the provider has it now. `status`: open, complete, expired; `paid`: the money is certain."""

    id: str
    url: str
    status: str
    paid: bool
    amount: Money
    reference: str
    payment: str
    wallet: bool


def which() -> str:
    """Return which gateway serves: stripe, test, or none (production without a key)."""
    if settings().stripe_secret_key:
        return STRIPE
    return NONE if settings().production else TEST


def live_mode() -> bool:
    """Whether real money moves."""
    return settings().stripe_secret_key.startswith("sk_live_")


def webhook_secret() -> str:
    """Return the secret that signs the provider's events; the test gateway has a local one."""
    return (
        settings().stripe_webhook_secret
        if which() == STRIPE
        else "whsec_" + vault.derived("test-gateway").hex()
    )


def _outside() -> None:
    if in_transaction():
        raise RuntimeError("the payment provider is never called inside a transaction")


def _library() -> Any:
    import stripe  # noqa: PLC0415 - heavy, and only where cards are

    return stripe


def _client() -> stripe.StripeClient:
    base = settings().stripe_api_base
    more: dict[str, Any] = {"base_addresses": {"api": base}} if base else {}
    made: stripe.StripeClient = _library().StripeClient(
        settings().stripe_secret_key, max_network_retries=2, **more
    )
    return made


def open_checkout(*, key: str, invoice_uid: str, number: str, amount: Money, success_url: str) -> Session:
    """Open a session for one invoice; asked again with the same key the provider answers with the same one."""
    _outside()
    if which() == TEST:
        return _open_test(key, invoice_uid, number, amount, success_url)
    params: Any = {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": amount.currency.lower(), "unit_amount": amount.minor,
                    "product_data": {"name": number},
                },
            }
        ],
        "client_reference_id": invoice_uid,
        "metadata": {"invoice": invoice_uid},
        "payment_intent_data": {"metadata": {"invoice": invoice_uid}},
        "success_url": success_url,
        "cancel_url": success_url,
        "expires_at": int((clock.now() + timedelta(hours=2)).timestamp()),
        "payment_method_options": {"wechat_pay": {"client": "web"}},
    }  # fmt: skip
    made = _client().v1.checkout.sessions.create(params, {"idempotency_key": key})
    return _of_stripe(made)


def _of_stripe(made: Any) -> Session:
    kinds = getattr(made, "payment_method_types", None) or []
    return Session(
        id=made.id, url=getattr(made, "url", None) or "", status=made.status or "open",
        paid=made.payment_status in {"paid", "no_payment_required"},
        amount=Money(int(made.amount_total or 0), str(made.currency or "cny").upper()),
        reference=getattr(made, "client_reference_id", None) or "",
        payment=str(getattr(made, "payment_intent", None) or made.id),
        wallet=bool(kinds) and set(kinds) <= {"alipay", "wechat_pay"},
    )  # fmt: skip


def fetch_checkout(session_id: str) -> Session:
    """Return a session as it stands now: events are hints, this is the fact."""
    _outside()
    if which() == STRIPE:
        return _of_stripe(_client().v1.checkout.sessions.retrieve(session_id))
    row = db.session.scalars(select(PracticeSession).where(PracticeSession.session_id == session_id)).first()
    if row is None:
        raise Refused("There is no such session.", status=404)
    found = _of_test(row)
    db.session.rollback()
    return found


def expire_checkout(session_id: str) -> None:
    """Close a session that is no longer wanted; one that is over already stays as it is."""
    _outside()
    if which() == STRIPE:
        try:
            _client().v1.checkout.sessions.expire(session_id)
        except _library().InvalidRequestError:
            return
        return
    with transaction():
        row = db.session.scalars(
            select(PracticeSession).where(PracticeSession.session_id == session_id)
        ).first()
        if row is not None and row.status == "open":
            row.status = "expired"


def _open_test(key: str, invoice_uid: str, number: str, amount: Money, success_url: str) -> Session:
    with transaction():
        row = db.session.scalars(select(PracticeSession).where(PracticeSession.key == key)).first()
        if row is None:
            row = PracticeSession(
                session_id="cs_test_" + secrets.token_hex(16), key=key, invoice_uid=invoice_uid, words=number,
                amount=amount, success_url=success_url,
            )  # fmt: skip
            db.session.add(row)
        return _of_test(row)


def _of_test(row: PracticeSession) -> Session:
    return Session(
        id=row.session_id, url=web.absolute("pay.test_page", session_id=row.session_id), status=row.status,
        paid=row.payment_status == "paid", amount=row.amount, reference=row.invoice_uid,
        payment=row.payment_intent or row.session_id, wallet=False,
    )  # fmt: skip


def signed(kind: str, row: PracticeSession) -> tuple[bytes, str]:
    """Return an event of the test gateway in the provider's shape, with its signature."""
    body = json.dumps(
        {
            "id": "evt_" + secrets.token_hex(12), "object": "event", "type": kind, "livemode": False,
            "created": int(clock.now().timestamp()),
            "data": {"object": {"id": row.session_id, "object": "checkout.session", "client_reference_id": row.invoice_uid}},
        },
        ensure_ascii=False,
    )  # fmt: skip
    header = _library().WebhookSignature.generate_signature_header(
        body, webhook_secret(), timestamp=int(clock.now().timestamp())
    )
    return body.encode(), str(header)


def opened_event(raw: bytes, header: str) -> dict[str, Any]:
    """Return an event whose signature is right, not older than 300 s nor ahead by more; else `Refused` (400)."""
    stripe = _library()
    refusal = Refused("This event is not signed as it should be.", status=400)
    try:
        stripe.WebhookSignature.verify_header(raw.decode("utf-8"), header, webhook_secret(), tolerance=AHEAD)
        stamp = int(dict(part.split("=", 1) for part in header.split(","))["t"])
        event = json.loads(raw)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, KeyError):
        raise refusal from None
    fit = isinstance(event, dict) and event.get("object") == "event" and event.get("id") and event.get("type")
    if not fit or stamp - clock.now().timestamp() > AHEAD or bool(event.get("livemode")) != live_mode():
        raise refusal
    found: dict[str, Any] = event
    return found
