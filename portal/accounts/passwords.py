"""Passwords: long enough, not guessable, kept as Argon2id."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l
from zxcvbn import zxcvbn

from portal.core.db import let_go
from portal.core.errors import Refused

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
        for text in about
        for word in {text, *text.replace("@", " ").replace(".", " ").split()}
        if len(word) > 2
    ]
    if zxcvbn(password[:72], user_inputs=known)["score"] < 3:
        raise Refused(
            _l("This password is easy to guess. A few words that do not belong together make a good one."),
            field="password",
            status=422,
        )


def hashed(password: str) -> str:
    """Return what is stored of a password (Argon2id). Slow on purpose: ends the open transaction first."""
    let_go()
    return HASHER.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; takes the same time for an account that does not exist."""
    let_go()
    try:
        HASHER.verify(stored or NOBODY, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with other settings than today's."""
    return HASHER.check_needs_rehash(stored)
