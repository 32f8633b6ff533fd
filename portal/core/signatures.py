"""Signatures of webhooks by Standard Webhooks: HMAC-SHA-256 over id, time and body, by every secret in force."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping

MARK, TOLERANCE = "whsec_", 300


def fresh() -> str:
    """Return a new secret as receivers keep it."""
    return MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, name: str, timestamp: int, body: bytes) -> str:
    """Return the signature of one message by one secret."""
    key = base64.b64decode(secret.removeprefix(MARK))
    made = hmac.digest(key, f"{name}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(made).decode()


def headers(held: Iterable[str], name: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message: its id, the time of this attempt, a signature by each secret."""
    return {
        "Content-Type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(one, name, timestamp, body) for one in held),
    }


def verified(secret: str, given: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether a message is genuine and of these minutes: what a receiver does."""
    timestamp = given.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE:
        return False
    right = signature(secret, given.get("webhook-id", ""), int(timestamp), body)
    return any(hmac.compare_digest(right, one) for one in given.get("webhook-signature", "").split(" "))
