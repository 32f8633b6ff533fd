"""Numbers of certificates: ten random characters that say nothing, and one that catches every slip."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
EVERY = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BITS = 50
LENGTH = 10
DASHES = dict.fromkeys(map(ord, " \t\r\n-‐‑‒–—―−－﹣_·　"), None)
SHAPE = re.compile(r"([A-Z]{2,6})(\d{4})([0-9A-HJKMNP-TV-Z]{10})([0-9A-HJKMNP-TV-Z])")
READ_AS = str.maketrans("OIL", "011")


class Unlucky(ValueError):
    """A number whose check character people would misread: another one is drawn."""


def check_character(text: str) -> str:
    """Return the check character of digits and capital letters: ISO/IEC 7064, MOD 37,36 (hybrid system)."""
    rest = 36
    for char in text:
        rest = (rest + EVERY.index(char)) % 36 or 36
        rest = rest * 2 % 37
    return EVERY[(1 - rest) % 36]


def _body(n: int) -> str:
    return "".join(CROCKFORD[n >> shift & 31] for shift in range(BITS - 5, -1, -5))


def format_number(prefix: str, year: int, n: int) -> str:
    """Return the number for 50 bits, such as `FOS-2026-7K3M9-Q4D2X-3`.

    Raises `Unlucky` if its check character is I, L, O or U, and `ValueError` for a prefix other than two to six
    capital letters, a year not of four digits, or `n` outside 0 … 2^50 − 1.
    """
    if not re.fullmatch(r"[A-Z]{2,6}", prefix) or not 1000 <= year <= 9999 or not 0 <= n < 1 << BITS:
        raise ValueError("a prefix of two to six capitals, a year of four digits and fifty bits are needed")
    body = _body(n)
    check = check_character(f"{prefix}{year}{body}")
    if check not in CROCKFORD:
        raise Unlucky(check)
    return f"{prefix}-{year}-{body[:5]}-{body[5:]}-{check}"


def drawn(prefix: str, year: int, *, below: Callable[[int], int] = secrets.randbelow) -> str:
    """Return a number nobody can guess: drawn again while its check character could be misread."""
    while True:
        try:
            return format_number(prefix, year, below(1 << BITS))
        except Unlucky:
            continue


def normalise(text: str) -> str | None:
    """Return a number as it was issued from what somebody typed; None if it is mistyped or no number.

    Case, full-width forms, spaces and hyphens do not matter; in the last eleven characters O reads as 0, I and L
    as 1. Arithmetic alone: whether the number was ever issued is another question.
    """
    if len(text) > 100:
        return None
    plain = unicodedata.normalize("NFKC", text).translate(DASHES).upper()
    plain = plain[: -LENGTH - 1] + plain[-LENGTH - 1 :].translate(READ_AS)
    found = SHAPE.fullmatch(plain)
    if found is None or not plain.isascii():
        return None
    prefix, year, body, check = found.groups()
    if check_character(prefix + year + body) != check:
        return None
    return f"{prefix}-{year}-{body[:5]}-{body[5:]}-{check}"
