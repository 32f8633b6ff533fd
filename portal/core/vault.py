"""Secrets: random tokens, their hashes, and encryption of what must be read again."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.core.settings import settings


def token() -> str:
    """Return 256 random bits as text for a URL, a cookie or an API key."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is stored of a random token: its SHA-256, since 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derived(purpose: str, *, secret: str | None = None) -> bytes:
    """Return a 32-byte key for one purpose, made from the installation's secret (HMAC-SHA-256)."""
    base = secret if secret is not None else settings().secret_key
    return hmac.digest(base.encode(), f"portal/{purpose}".encode(), "sha256")


def seal(plain: str, *, bound_to: str) -> str:
    """Return the text encrypted (AES-256-GCM); it opens only beside the row it is bound to."""
    nonce = secrets.token_bytes(12)
    body = AESGCM(derived("seal")).encrypt(nonce, plain.encode(), bound_to.encode())
    return "v1:" + (nonce + body).hex()


def unseal(sealed: str, *, bound_to: str) -> str:
    """Return the text sealed by `seal`; raises `InvalidTag` if it was altered or moved."""
    raw = bytes.fromhex(sealed.removeprefix("v1:"))
    for secret in (settings().secret_key, *settings().secret_key_fallbacks):
        try:
            key = derived("seal", secret=secret)
            return AESGCM(key).decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
        except InvalidTag:
            continue
    raise InvalidTag
