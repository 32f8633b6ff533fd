"""How exact a score is: the standard error of measurement of each part and of the whole; pure, and exact to the last root.

Forms are drawn per candidate, so there is no common form whose reliability could be stated for one of them. A written
part therefore has the error of a score on items drawn from a bank (Lord 1955; for right-or-wrong items the binomial
error), and a marked part that of the mean of its graders, by how far the graders of the session lay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from portal.certs.psychometrics import root
from portal.certs.scoring import Answered, earned

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class Band:
    """A share with its standard error, and the band of one error to both sides, within 0 and 1."""

    error: Fraction
    low: Fraction
    high: Fraction


def of_answers(rows: Iterable[Answered]) -> Fraction | None:
    """Return the squared error of a share earned on items drawn from a bank; None for fewer than two that count.

    k ÷ (k − 1) × Σ w² (f − F)², with w an item's share of the points: for equal points s² ÷ k.
    """
    got = [(Fraction(one.item.points), earned(one) or ZERO) for one in rows if one.item.scored]
    whole = sum((points for points, _share in got), ZERO)
    if len(got) < 2 or not whole:
        return None
    mean = sum((points * share for points, share in got), ZERO) / whole
    spread = sum(((points / whole) ** 2 * (share - mean) ** 2 for points, share in got), ZERO)
    return Fraction(len(got), len(got) - 1) * spread


def of_graders(works: Iterable[Sequence[Fraction]], graders: int) -> Fraction | None:
    """Return the squared error of the mean of so many graders: the mean square within works ÷ graders; None without double marks."""
    free, squares = 0, ZERO
    for given in works:
        mean = sum(given, ZERO) / len(given) if given else ZERO
        squares += sum(((one - mean) ** 2 for one in given), ZERO)
        free += max(len(given) - 1, 0)
    return squares / free / graders if free else None


def of_whole(weights: Mapping[str, Fraction], parts: Mapping[str, Fraction | None]) -> Fraction | None:
    """Return the squared error of Σ weight × part; None as long as that of one part is unknown."""
    total = ZERO
    for code, weight in weights.items():
        square = parts.get(code)
        if square is None:
            return None
        total += weight**2 * square
    return total


def band(share: Fraction, square: Fraction | None) -> Band | None:
    """Return the band around a share, by its squared error."""
    if square is None:
        return None
    error = Fraction(Decimal(root(square)))
    return Band(error, max(share - error, ZERO), min(share + error, ONE))
