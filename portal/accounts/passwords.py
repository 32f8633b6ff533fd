"""Passwords: long enough, not guessable, kept as Argon2id."""

from __future__ import annotations

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l
from zxcvbn import zxcvbn

from portal.core.catalogue import brand
from portal.core.db import let_go
from portal.core.errors import Refused
from portal.core.settings import settings

HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
SHORTEST, LONGEST = 12, 256
# The hash of a random text nobody knows: tried for unknown accounts, so that both answers cost the same.
NOBODY = HASHER.hash("b8e1e0d2-no-such-account-9d1f")


def check_strength(password: str, *about: str) -> None:
    """Refuse a password that is too short or easily guessed; `about` are names it must not be built on."""
    if len(password) < SHORTEST:
        raise Refused(_l("Please choose a password of at least 12 characters."), field="password", status=422)
    if len(password) > LONGEST:
        raise Refused(_l("Please choose a password of at most 256 characters."), field="password", status=422)
    known = [
        word
        for text in (*about, brand().name, brand().short, "foundation", "portal", "基金会")
        for word in {text, *text.replace("@", " ").replace(".", " ").split()}
        if len(word) > 2
    ]
    if zxcvbn(password[:72], user_inputs=known)["score"] < 3 or _rest(password, known) < 8:
        raise Refused(
            _l("This password is easy to guess. A few words that do not belong together make a good one."),
            field="password",
            status=422,
        )
    if _leaked(password):
        raise Refused(
            _l("This password is known from a leak elsewhere. Please choose another one."),
            field="password",
            status=422,
        )


def _rest(password: str, known: list[str]) -> int:
    """Return how many letters and figures are left once the names that others know are taken out."""
    rest = password.casefold()
    for word in sorted({word.casefold() for word in known if len(word) > 3}, key=len, reverse=True):
        rest = rest.replace(word, "")
    return sum(char.isalnum() for char in rest)


def _leaked(password: str) -> bool:
    """Whether the password is in the file of leaked ones, if this installation has one: sorted SHA-1 in hex, one a line.

    The file is searched by halves and never read whole; nothing is sent out. SHA-1 is the format such lists
    come in, and protects nothing here.
    """
    file = settings().leaked_passwords
    if file is None:
        return False
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with file.open("rb") as lines:
        low, high = 0, file.stat().st_size
        while low < high:
            middle = (low + high) // 2
            lines.seek(middle)
            if middle:
                lines.readline()
            found = lines.readline(200)[:40].upper()
            if found == wanted:
                return True
            if not found or found > wanted:
                high = middle
            else:
                low = middle + 1
        lines.seek(0)
        return lines.readline(200)[:40].upper() == wanted


def hashed(password: str) -> str:
    """Return what is stored of a password (Argon2id). Slow on purpose: ends the open transaction first."""
    let_go()
    return HASHER.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; takes the same time for an account that does not exist."""
    let_go()
    try:
        HASHER.verify(stored or NOBODY, password[:LONGEST])  # the work is the same for whatever is typed
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None and len(password) <= LONGEST


def outdated(stored: str) -> bool:
    """Whether the hash was made with other settings than today's."""
    return HASHER.check_needs_rehash(stored)
