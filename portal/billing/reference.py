"""Payment references with check digits: made from a serial, and found again in whatever a bank prints."""

from __future__ import annotations

import re
import unicodedata

from portal.core.money import whole

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I L O U
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_FACTOR = 0x2545F491  # odd, hence one to one modulo 2**30: neighbouring serials look unlike each other
_SIZE = 1 << 30
_CODE, _CHECK = 6, 2
_DROP = re.compile(r"[^A-Z0-9]+")
_PREFIX = re.compile(r"[A-Z0-9]+")
_ALIKE = str.maketrans("OIL", "011")


def _clean(text: str) -> str:
    """Text as it is searched: NFKC, upper case, only A–Z and 0–9, letters like digits read as digits."""
    return _DROP.sub("", unicodedata.normalize("NFKC", text).upper()).translate(_ALIKE)


def _brand(prefix: str) -> str:
    """The prefix as it stands in cleaned text."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"a prefix is made of A–Z and 0–9: {prefix!r}")
    return prefix.translate(_ALIKE)


def _holds(body: str) -> bool:
    """Whether six characters and two digits of cleaned text satisfy (100·v + check) mod 97 = 1."""
    code, check = body[:_CODE], body[_CODE:]
    if len(check) != _CHECK or not check.isdecimal() or any(c not in _VALUE for c in code):
        return False
    value = 0
    for character in code:
        value = value * len(_ALPHABET) + _VALUE[character]
    return (100 * value + int(check)) % 97 == 1


def reference(serial: int, prefix: str = "FO") -> str:
    """Reference of the invoice with this serial: prefix + 6 Crockford characters + 2 check digits.

    v = serial · 0x2545F491 mod 2³⁰, check = 98 − (100·v mod 97), billing.md §6. No two serials share one.
    Raises ValueError unless 1 ≤ serial < 2³⁰ (beyond that they would repeat) or for an unfit prefix.
    """
    if not 1 <= whole(serial, "serial") < _SIZE:
        raise ValueError("the serial is outside 1 … 2^30 - 1")
    _brand(prefix)
    value = serial * _FACTOR % _SIZE
    code = "".join(_ALPHABET[value >> shift & 31] for shift in range(25, -1, -5))
    return f"{prefix}{code}{98 - 100 * value % 97:02d}"


def is_valid(ref: str, prefix: str = "FO") -> bool:
    """Whether the text is one whole reference, read as leniently as `find` reads (case, marks, O for 0).

    True ⇔ (100·v + check) mod 97 = 1, billing.md §6: every single wrong character and every swap of
    neighbours is caught. Raises ValueError for an unfit prefix.
    """
    brand, text = _brand(prefix), _clean(ref)
    return text.startswith(brand) and _holds(text[len(brand) :])


def find(text: str, prefix: str = "FO") -> list[str]:
    """All valid references in a text, in canonical spelling, each once, in order of appearance.

    Every offset is tried (billing.md §6), so words glued to a reference do no harm. Raises ValueError for
    an unfit prefix.
    """
    brand, clean = _brand(prefix), _clean(text)
    found: dict[str, None] = {}
    at = clean.find(brand)
    while at >= 0:
        body = clean[at + len(brand) : at + len(brand) + _CODE + _CHECK]
        if _holds(body):
            found[prefix + body] = None
        at = clean.find(brand, at + 1)
    return list(found)
