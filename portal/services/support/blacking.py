"""Names out of text: what tells of a customer becomes a mark, and what is left of it is found. No database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "[…]"
SHORTEST = 2
# Addresses, numbers and secrets that no name list knows: mail, IPv4, IPv6, MAC, telephone, long tokens, keys in fives.
PATTERNS = tuple(
    re.compile(one)
    for one in (
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
        r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
        r"\b(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{0,4}",
        r"(?<![\w.])\+?\d[\d -]{8,}\d(?![\w.])",
        r"\b[A-Z0-9]{4,5}(?:-[A-Z0-9]{5}){3,}\b",
        r"\b(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{24,}\b",
    )
)


def _names(names: Iterable[str]) -> list[str]:
    """Return names worth looking for, the longest first, so that a part never hides the whole."""
    return sorted(
        {one.strip() for one in names if len(one.strip()) >= SHORTEST}, key=lambda one: (-len(one), one)
    )


def _as_word(name: str) -> re.Pattern[str]:
    """Return how a name is found: a Latin one as a whole word, any other wherever it stands."""
    start, end = (
        r"(?<![A-Za-z0-9])" if name[0].isascii() else "",
        r"(?![A-Za-z0-9])" if name[-1].isascii() else "",
    )
    return re.compile(start + re.escape(name) + end, re.IGNORECASE)


def masked(text: str, names: Iterable[str]) -> str:
    """Return text with every name, address, number and token in it replaced by a mark."""
    for one in _names(names):
        text = _as_word(one).sub(MARK, text)
    for pattern in PATTERNS:
        text = pattern.sub(MARK, text)
    return text


def traces(text: str, names: Iterable[str]) -> list[str]:
    """Return what in a text still tells of somebody, each once, in the order of the names and patterns."""
    found = [one for one in _names(names) if _as_word(one).search(text)]
    found += [hit.group() for pattern in PATTERNS for hit in pattern.finditer(text)]
    return list(dict.fromkeys(found))
