"""Money as whole minor units of a currency, the one rounding of the house, and division into exact parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

# ISO 4217: only the currencies whose minor unit is not a hundredth.
_PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS = {code: places for places, codes in _PLACES.items() for code in codes.split()}
_CODE = re.compile(r"[A-Z]{3}")

# Named one by one instead of NFKC, which would quietly read "10²" as 102 and "①" as 1.
_FULL_WIDTH = str.maketrans(
    "０１２３４５６７８９＋－−．，＇’\u00a0\u2009\u202f\u3000",
    "0123456789+--.,''    ",
)
# Either plain digits, or groups of three with one and the same mark throughout: "1,23" is no number here.
_AMOUNT = re.compile(r"([+-]?)([0-9]+|[0-9]{1,3}([ ,'])[0-9]{3}(?:\3[0-9]{3})*)(?:\.([0-9]+))?")


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum or comparison; converting is a stated act, never implied."""


def whole(value: object, what: str = "amount") -> int:
    """Return `value` if it is a true integer; TypeError for float, bool, Decimal and all else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be a whole number, not {type(value).__name__}")
    return value


def half_up(n: int, d: int) -> int:
    """Return n / d rounded to the nearest integer, halves away from zero (−2.5 → −3).

    sign(n) · ((2·|n| + d) // 2d), billing.md §1. Raises ValueError unless d > 0, TypeError for floats.
    """
    whole(n, "numerator")
    if whole(d, "denominator") <= 0:
        raise ValueError("the denominator must be positive")
    size = (2 * abs(n) + d) // (2 * d)
    return size if n >= 0 else -size


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` minor units in proportion to `weights`; the parts sum to the total exactly.

    Floors, then one unit each to the largest remainders, ties to the earlier (billing.md §1). A negative
    total is the mirror of the positive one, so that a credit undoes its invoice part by part.
    A weight of 0 gets 0. Raises ValueError for a negative weight, or if there is nothing to spread over.
    """
    if any(whole(weight, "weight") < 0 for weight in weights):
        raise ValueError("weights may not be negative")
    if whole(total, "total") < 0:
        return [-part for part in spread(-total, weights)]
    base = sum(weights)
    if base == 0:
        if total:
            raise ValueError("no weight to spread over")
        return [0] * len(weights)
    parts = [total * weight // base for weight in weights]
    # sorted() is stable: equal remainders keep their order, the earlier one first.
    ranked = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % base))
    for i in ranked[: total - sum(parts)]:
        parts[i] += 1
    return parts


def exponent(currency: str) -> int:
    """Number of decimal places of a currency (ISO 4217: CNY 2, JPY 0); ValueError if it is no ISO code."""
    if not isinstance(currency, str):
        raise TypeError("a currency is a three-letter text")
    if not _CODE.fullmatch(currency):
        raise ValueError(f"not a currency code: {currency!r}")
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact sum: `minor` whole minor units (fen) of an ISO currency.

    Sums and comparisons across currencies raise CurrencyMismatch (only == and != answer); anything but
    whole numbers raises TypeError.
    """

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        whole(self.minor)
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str = "CNY") -> Money:
        """Read decimal text in major units ("1 234.50", "１，２３４．５０", "-7"); spaces around are allowed.

        The point is the decimal mark; space, comma or apostrophe may mark thousands. Raises ValueError for
        anything else, also for more decimals than the currency has: an unreadable amount is never 0.00.
        """
        places = exponent(currency)
        found = _AMOUNT.fullmatch(text.translate(_FULL_WIDTH).strip())
        if found is None:
            raise ValueError(f"not an amount: {text!r}")
        sign, units, mark, fraction = found.groups(default="")
        if len(fraction) > places:
            raise ValueError(f"{currency} has {places} decimal places: {text!r}")
        minor = int((units.replace(mark, "") if mark else units) + fraction.ljust(places, "0"))
        return cls(-minor if sign == "-" else minor, currency)

    @property
    def exponent(self) -> int:
        """Decimal places of this currency."""
        return exponent(self.currency)

    @property
    def decimal(self) -> Decimal:
        """The sum in major units, exact whatever the decimal context."""
        digits = tuple(int(digit) for digit in str(abs(self.minor)))
        return Decimal((int(self.minor < 0), digits, -self.exponent))

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"

    def __bool__(self) -> bool:
        return self.minor != 0

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * whole(times, "factor"), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: object) -> int:
        """Minor units of another sum in the same currency."""
        if not isinstance(other, Money):
            raise TypeError(f"money goes with money only, not with {type(other).__name__}")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.minor
