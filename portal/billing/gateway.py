"""The payment provider: Stripe where a key is set, else the labelled test gateway inside the portal.

The only module that imports `stripe`; it returns our own dataclasses, and never runs inside a transaction.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from flask_babel import lazy_gettext as _l

from portal.billing import practice
from portal.billing.checkout_models import PracticeSession
from portal.billing.sessions import SentBack, Session
from portal.core import clock, vault
from portal.core.db import in_transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.settings import settings

if TYPE_CHECKING:
    import stripe

    from config import Settings

log = structlog.get_logger(__name__)
STRIPE, TEST, NONE = "stripe", "test", ""
AHEAD = 300
PINNED = "2026-10-28.endive"
WALLETS = frozenset({"alipay", "wechat_pay"})
OPENED_UP: list[Any] = ["payment_intent.latest_charge"]


def kind_of(found: Settings) -> str:
    """Return which gateway serves with these settings: stripe, test, or none (production without a key)."""
    if found.stripe_secret_key and found.gateway != TEST:
        return STRIPE
    return NONE if found.production else TEST


def which() -> str:
    """Return which gateway serves here."""
    return kind_of(settings())


def live_mode() -> bool:
    """Whether real money moves."""
    return settings().stripe_secret_key.startswith(("sk_live_", "rk_live_"))


def webhook_secret() -> str:
    """Return the secret that signs the provider's events; the test gateway has a local one."""
    return (
        settings().stripe_webhook_secret
        if which() == STRIPE
        else "whsec_" + vault.derived("test-gateway").hex()
    )


def outside() -> None:
    """Raise if a transaction is open: the provider is never called from within one."""
    if in_transaction():
        raise RuntimeError("the payment provider is never called inside a transaction")


def library() -> Any:
    """Return the provider's library."""
    import stripe  # noqa: PLC0415 - heavy, and only where cards are

    return stripe


@contextmanager
def answering() -> Iterator[None]:
    """Turn a provider that does not answer into a refusal in the reader's language."""
    try:
        yield
    except library().StripeError as error:
        log.warning("gateway.silent", error=str(error))
        raise Refused(
            _l(
                "The payment provider does not answer now. Nothing was lost: please try again in a few minutes."
            ),
            status=503,
        ) from error


def client() -> stripe.StripeClient:
    """Return a client of the provider; every retry of a call carries the same key."""
    base = settings().stripe_api_base
    more: dict[str, Any] = {"base_addresses": {"api": base}} if base else {}
    made: stripe.StripeClient = library().StripeClient(
        settings().stripe_secret_key, max_network_retries=2, stripe_version=PINNED, **more
    )
    return made


def open_checkout(
    *, key: str, invoice_uid: str, attempt_uid: str, number: str, amount: Money, success_url: str,
    expires_at: datetime, keep_card: bool = False, customer: str = "",
) -> Session:  # fmt: skip
    """Open a session for one invoice; asked again with the same key and words it is the same session."""
    outside()
    if which() == TEST:
        return practice.open_session(
            key=key, invoice_uid=invoice_uid, number=number, amount=amount, success_url=success_url
        )
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
        "metadata": {"invoice": invoice_uid, "attempt": attempt_uid},
        "payment_intent_data": {"metadata": {"invoice": invoice_uid, "attempt": attempt_uid}},
        "success_url": success_url,
        "cancel_url": success_url,
        "expires_at": int(expires_at.timestamp()),
        "payment_method_options": {"wechat_pay": {"client": "web"}},
    }  # fmt: skip
    if keep_card:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
        params.update({"customer": customer} if customer else {"customer_creation": "always"})
    return session_of(client().v1.checkout.sessions.create(params, {"idempotency_key": key}))


def session_of(made: Any) -> Session:
    """Read a session; its payment is an id, or the opened-up object when it was fetched."""
    payment = getattr(made, "payment_intent", None)
    opened = None if payment is None or isinstance(payment, str) else payment
    used = getattr(getattr(opened, "latest_charge", None), "payment_method_details", None)
    kind, status = getattr(used, "type", ""), getattr(made, "status", None) or "open"
    paid_as = getattr(made, "payment_status", "unpaid")
    return Session(
        id=made.id, url=getattr(made, "url", None) or "", status=status,
        paid=paid_as in {"paid", "no_payment_required"},
        failed=status == "complete" and paid_as == "unpaid"
        and getattr(opened, "status", "") in {"requires_payment_method", "canceled"},
        amount=Money(int(made.amount_total or 0), str(made.currency or "cny").upper()),
        reference=getattr(made, "client_reference_id", None) or "",
        payment=str(opened.id if opened is not None else payment or made.id),
        wallet=kind in WALLETS, live=bool(getattr(made, "livemode", False)),
        customer=str(getattr(made, "customer", None) or ""),
        method=str(getattr(opened, "payment_method", None) or "") if kind == "card" else "",
        card=card_words(getattr(used, "card", None)),
    )  # fmt: skip


def card_words(card: Any) -> str:
    """Return a card as people know it: brand, last four digits, and the month in which it expires."""
    brand, last = str(getattr(card, "brand", None) or ""), str(getattr(card, "last4", None) or "")
    month, year = getattr(card, "exp_month", None), getattr(card, "exp_year", None)
    until = f", {int(month):02d}/{int(year) % 100:02d}" if month and year else ""
    return f"{brand.title()} •••• {last}{until}" if last else ""


def fetch_checkout(session_id: str) -> Session:
    """Return a session as it stands now: events are hints, this is the fact."""
    outside()
    if which() == STRIPE:
        params: Any = {"expand": OPENED_UP}
        return session_of(client().v1.checkout.sessions.retrieve(session_id, params))
    return practice.fetch_session(session_id)


def expire_checkout(session_id: str) -> None:
    """Close a session that is no longer wanted; one that is over already stays as it is."""
    outside()
    if which() != STRIPE:
        practice.expire_session(session_id)
        return
    try:
        if session_id.startswith("pi_"):
            client().v1.payment_intents.cancel(session_id)
        else:
            client().v1.checkout.sessions.expire(session_id)
    except library().InvalidRequestError:
        return


def paid_by(payment: str) -> Any:
    """Return how the provider is told of a payment: by its intent, or by its charge where there is no intent."""
    return {"charge" if payment.startswith("ch_") else "payment_intent": payment}


def send_refund(provider: str, *, key: str, uid: str, payment: str, amount: Money) -> SentBack:
    """Ask the provider that took a payment to pay part of it back; with the same key it happens once.

    A refusal by the provider is a failed refund; a call that may not have arrived raises, to be asked again.
    """
    outside()
    if provider == TEST:
        return practice.send_refund(key=key, uid=uid, payment=payment, amount=amount)
    params: Any = {**paid_by(payment), "amount": amount.minor, "metadata": {"refund": uid}}
    try:
        return _sent_back(client().v1.refunds.create(params, {"idempotency_key": key}))
    except library().InvalidRequestError as error:
        return SentBack("", "failed", str(error.user_message or error)[:300])


def _sent_back(made: Any) -> SentBack:
    status = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}.get(
        made.status or "", "pending"
    )
    marks = getattr(made, "metadata", None)
    return SentBack(
        made.id, status, str(getattr(made, "failure_reason", None) or ""),
        uid=str(getattr(marks, "refund", None) or ""), amount=Money(int(made.amount or 0)),
        payment=str(getattr(made, "payment_intent", None) or getattr(made, "charge", None) or ""),
    )  # fmt: skip


def fetch_refund(provider: str, refund_id: str) -> SentBack:
    """Return a refund as it stands now."""
    outside()
    if provider == TEST:
        return practice.fetch_refund(refund_id)
    return _sent_back(client().v1.refunds.retrieve(refund_id))


def refunds_of(payment: str) -> list[SentBack]:
    """Return every refund of a payment that Stripe knows, ours and others."""
    outside()
    params: Any = {**paid_by(payment), "limit": 100}
    return [_sent_back(made) for made in client().v1.refunds.list(params).auto_paging_iter()]


def find_refund(provider: str, *, payment: str, uid: str) -> SentBack | None:
    """Return the refund of a payment that carries our mark: the provider forgets keys after a day."""
    outside()
    if provider == TEST:
        return practice.find_refund(payment, uid)
    return next((made for made in refunds_of(payment) if made.uid == uid), None)


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
    header = library().WebhookSignature.generate_signature_header(
        body, webhook_secret(), timestamp=int(clock.now().timestamp())
    )
    return body.encode(), str(header)


def opened_event(raw: bytes, header: str) -> dict[str, Any]:
    """Return an event whose signature is right, not older than 300 s nor ahead by more; else `Refused` (400)."""
    if which() == NONE:
        raise Missing("No payment provider is connected.")
    stripe = library()
    refusal, secret = Refused("This event is not signed as it should be.", status=400), webhook_secret()
    if not secret:  # anybody can sign with an empty one
        raise refusal
    try:
        stripe.WebhookSignature.verify_header(raw.decode("utf-8"), header, secret, tolerance=AHEAD)
        stamp = int(next(part[2:] for part in header.split(",") if part.startswith("t=")))
        event = json.loads(raw)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, StopIteration):
        raise refusal from None
    if not is_event(event) or stamp - clock.now().timestamp() > AHEAD:
        raise refusal
    found: dict[str, Any] = event
    return found


def is_event(body: Any) -> bool:
    """Whether a body has what every event has."""
    named = isinstance(body, dict) and body.get("object") == "event"
    return bool(named and all(isinstance(body.get(key), str) and body[key] for key in ("id", "type")))
