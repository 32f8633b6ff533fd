"""Automatic marking: what fraction of an item's points an answer earns, exact and without a float.

Every function is pure: an item as it was frozen into the form, and the answer as it was stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

ZERO, ONE = Fraction(0), Fraction(1)
LONGEST_NUMBER = 80
_STAR, _ANY = "\ue000", "\ue001"  # of private use: no folding touches them

# Named one by one instead of NFKC, which would quietly read "10²" as 102 and "①" as 1.
_NARROW = str.maketrans("０１２３４５６７８９＋－−．，ｅＥ\u00a0\u2009\u202f\u3000", "0123456789+--.,eE    ")
_NUMBER = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?")


class ItemKind(StrEnum):
    """What an item asks for."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMERIC = "numeric"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class NumberKey:
    """A range of numbers, both ends included, that earns `weight`."""

    low: Decimal
    high: Decimal
    weight: Fraction = ONE

    @classmethod
    def around(cls, value: Decimal, tolerance: Decimal = Decimal(0), weight: Fraction = ONE) -> NumberKey:
        """Return the key of a value that may be missed by a tolerance."""
        low, high = Fraction(value) - Fraction(tolerance), Fraction(value) + Fraction(tolerance)
        return cls(_decimal(low), _decimal(high), weight)

    def takes(self, number: Decimal) -> bool:
        """Whether a number lies within, compared exactly."""
        return Fraction(self.low) <= Fraction(number) <= Fraction(self.high)


def _decimal(value: Fraction) -> Decimal:
    """Return a sum of decimals as the decimal it is: the denominator divides a power of ten."""
    places = 0
    while value.denominator != 1:
        value, places = value * 10, places + 1
    return Decimal(f"{value.numerator}e-{places}")


@dataclass(frozen=True, slots=True)
class TextKey:
    """A text that earns `weight`; `*` stands for any characters, `\\*` for itself."""

    text: str
    weight: Fraction = ONE


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is marked. `options` hold each option's weight (the key's is 1); `whole` asks for all right ones and no other.

    `unlisted` says that a text which no key takes goes to a person instead of earning nothing.
    """

    code: str
    kind: ItemKind
    points: Decimal = Decimal(1)
    options: Mapping[str, Fraction] = field(default_factory=dict)
    whole: bool = True
    numbers: tuple[NumberKey, ...] = ()
    texts: tuple[TextKey, ...] = ()
    unlisted: bool = True
    scored: bool = True


Answer = str | Collection[str] | None


@dataclass(frozen=True, slots=True)
class Marked:
    """What an answer earned of an item's points, in [0, 1]; None while a person has yet to say. `omitted`: nothing was answered."""

    fraction: Fraction | None
    omitted: bool = False


OMITTED = Marked(ZERO, omitted=True)


def mark(item: Item, answer: Answer) -> Marked:
    """Return what an answer earns: the same for the same item and answer, always."""
    said = _said(answer)
    if not said:
        return OMITTED
    if item.kind is ItemKind.SINGLE:
        return Marked(_clipped(item.options.get(said[0], ZERO) if len(said) == 1 else ZERO))
    if item.kind is ItemKind.MULTIPLE:
        return Marked(_multiple(item, frozenset(said)))
    if item.kind is ItemKind.NUMERIC:
        number = read_number(said[0])
        return Marked(ZERO if number is None else _best(k.weight for k in item.numbers if k.takes(number)))
    found = [key.weight for key in item.texts if matches(key.text, said[0])]
    return Marked(_best(found) if found or not item.unlisted else None)


def _said(answer: Answer) -> list[str]:
    if answer is None:
        return []
    return [one for one in ([answer] if isinstance(answer, str) else sorted(answer)) if one.strip()]


def _clipped(value: Fraction) -> Fraction:
    return min(max(Fraction(value), ZERO), ONE)


def _best(weights: Iterable[Fraction]) -> Fraction:
    return _clipped(max(weights, default=ZERO))


def _multiple(item: Item, chosen: frozenset[str]) -> Fraction:
    if item.whole:
        return Fraction(chosen == {option for option, weight in item.options.items() if weight > 0})
    return _clipped(sum((item.options.get(option, ZERO) for option in chosen), ZERO))


def read_number(text: str) -> Decimal | None:
    """Return the number that a text says: full-width digits, `,` between groups of three, `1e3`; None if it says none."""
    bare = text.translate(_NARROW).strip()
    found = _NUMBER.fullmatch(bare) if len(bare) <= LONGEST_NUMBER else None
    if found is None:
        return None
    sign, digits, places, power = found.groups()
    if not digits and not places:
        return None
    return Decimal(f"{sign}{digits.replace(',', '') or '0'}.{places or '0'}e{power or '0'}")


def folded(text: str) -> str:
    """Return a text as answers are compared: NFKC, one case, spaces collapsed."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def matches(pattern: str, answer: str) -> bool:
    """Whether an answer is a key's text, where `*` stands for any characters, also none; without backtracking."""
    marked = pattern.replace("\\*", _STAR).replace("*", _ANY)
    first, *others = (part.replace(_STAR, "*") for part in folded(marked).split(_ANY))
    text = folded(answer)
    if not others:
        return text == first
    last = others.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in others:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
