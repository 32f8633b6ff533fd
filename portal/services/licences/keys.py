"""Keys of licences: 120 random bits in Crockford's letters with a check, stored as a keyed hash and shown once."""

from __future__ import annotations

import hmac
import secrets
from functools import lru_cache

from portal.core.settings import settings
from portal.core.vault import derived
from portal.services.licences.models.ids import ALPHABET

LENGTH, GROUP = 25, 5
MOST_TYPED = 60
_ALIKE = str.maketrans("OIL", "011", "- ")
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}
_DOUBLED = {letter: 2 * value // 32 + 2 * value % 32 for letter, value in _VALUE.items()}


def check_letter(body: str) -> str:
    """Return the letter of Luhn's check modulo 32 that completes a body."""
    total = sum(map(_DOUBLED.__getitem__, body[::-2])) + sum(map(_VALUE.__getitem__, body[-2::-2]))
    return ALPHABET[-total % 32]


def fresh(prefix: str) -> str:
    """Return a new key as people see it: `FLAG-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX`."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return spelt(body + check_letter(body), prefix)


def spelt(body: str, prefix: str) -> str:
    """Return the canonical spelling of a key's 25 letters."""
    return "-".join([prefix, *(body[at : at + GROUP] for at in range(0, LENGTH, GROUP))])


def read(typed: str) -> str | None:
    """Return the 25 letters of a typed key; None if it is none: a wrong check never reaches the database.

    Letters that look alike are read alike, hyphens and spaces are dropped, and whatever brand stands before them.
    """
    if len(typed) > MOST_TYPED or not typed.isascii():
        return None
    body = typed.upper().translate(_ALIKE)[-LENGTH:]
    if len(body) < LENGTH or not _VALUE.keys() >= set(body):
        return None
    return body if hmac.compare_digest(check_letter(body[:-1]), body[-1]) else None


def digest(body: str, *, secret: str | None = None) -> str:
    """Return what is stored of a key: its HMAC-SHA-256 under a pepper, since 120 random bits need no slow hash."""
    return hmac.digest(_pepper(secret or settings().secret_key), body.encode(), "sha256").hex()


@lru_cache(maxsize=8)
def _pepper(secret: str) -> bytes:
    return derived("licence keys", secret=secret)


def digests(body: str) -> tuple[str, ...]:
    """Return what may be stored of a key: by the present secret, and by each former one."""
    return tuple(
        digest(body, secret=one) for one in (settings().secret_key, *settings().secret_key_fallbacks)
    )
