"""Names of rows outside the house: a prefix and a ULID, which sorts by the moment it was made."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from portal.core import clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I L O U
SIZE = 26


def ulid() -> str:
    """Return 48 bits of milliseconds and 80 random ones as 26 characters."""
    value = int(clock.now().timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[value >> shift & 31] for shift in range(5 * (SIZE - 1), -1, -5))


def naming(prefix: str) -> Callable[[], str]:
    """Return what names new rows of a kind: `lic_01KB…`."""
    return lambda: f"{prefix}_{ulid()}"
