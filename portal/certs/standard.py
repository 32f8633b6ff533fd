"""The cut score: modified Angoff with its error, what a board may adopt of it, and the cuts of forms that are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import atan, cos, pi, sin, sqrt

from portal.certs.agreement import correlations
from portal.certs.psychometrics import root, variance

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Cut:
    """A panel's cut: points of all points, its standard error and 95 % interval, and how well the judges agree.

    `error` and `interval` are in points; they are None for a single judge, `icc` where it is undefined.
    """

    judges: int
    totals: tuple[Fraction, ...]
    points: Fraction
    most: Fraction
    error: Decimal | None
    interval: tuple[Decimal, Decimal] | None
    icc: Fraction | None

    @property
    def share(self) -> Fraction:
        """The cut as a share of all points."""
        return self.points / self.most

    @property
    def least(self) -> Fraction:
        """The lowest share that the board may adopt: one standard error below the panel's."""
        return (self.points - Fraction(self.error or 0)) / self.most

    def adoptable(self, share: Fraction) -> bool:
        """Whether the board may adopt a share: at most one standard error below the panel's cut, never above it."""
        return self.least <= share <= self.share


Ratings = Sequence[Sequence[Decimal | Fraction]]


def angoff(points: Sequence[Decimal | int], ratings: Ratings) -> Cut:
    """Return the cut of a panel: judge total T_j = Σ points × p, cut = mean T_j, SE = sd(T_j, n−1) ÷ √J.

    `ratings` are judges × items, each the chance that a just competent candidate answers right. The interval is that
    of Student's t with J − 1 degrees of freedom; agreement is ICC(2,J) of items × judges. Raises ValueError without
    judges or points, for a judge who did not rate every item, and for a chance outside [0, 1].
    """
    worth, count = [Fraction(one) for one in points], len(ratings)
    if not count or sum(worth, ZERO) <= 0 or any(one < 0 for one in worth):
        raise ValueError("a cut needs judges and points")
    if any(len(row) != len(worth) or any(not 0 <= p <= 1 for p in row) for row in ratings):
        raise ValueError("every judge rates every item with a chance from 0 to 1")
    totals = [sum((w * Fraction(p) for w, p in zip(worth, row, strict=True)), ZERO) for row in ratings]
    mean, spread = sum(totals, ZERO) / count, variance(totals)
    error = None if spread is None else root(spread / count)
    interval = None
    if error is not None:
        middle, reach = _decimal(mean), error * Decimal(repr(student95(count - 1)))
        interval = (middle - reach, middle + reach)
    by_item = [list(column) for column in zip(*ratings, strict=True)]
    return Cut(count, tuple(totals), mean, sum(worth, ZERO), error, interval, correlations(by_item).icc2k)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def student95(freedom: int) -> float:
    """Return the quantile of Student's t that 95 % lie within, both sides (Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    if freedom < 1:
        raise ValueError("Student's t needs a degree of freedom")
    low, high = 1.9, 13.0
    for _n in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """Return the chance that |T| ≤ t, by the finite series for whole degrees of freedom."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term = total = (cos(angle) if freedom > 1 else 0.0) if odd else 1.0
    for n in range(3 if odd else 2, freedom - 1, 2):
        term *= cos(angle) ** 2 * (n - 1) / n
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


def item_means(ratings: Ratings) -> list[Fraction]:
    """Return each item's mean rating: the figures that judges are shown after round 1, and those that equate forms."""
    return [sum((Fraction(p) for p in column), ZERO) / len(column) for column in zip(*ratings, strict=True)]


def form_cut(form: Sequence[tuple[Decimal | int, Fraction]], *, less: Fraction = ZERO) -> Fraction:
    """Return a drawn form's cut as a share: Σ points × mean final rating of its items, over Σ points.

    So the standard follows the form's own difficulty. `less` is the share by which the board went below the panel.
    Raises ValueError for a form without points.
    """
    most = sum((Fraction(points) for points, _rating in form), ZERO)
    if most <= 0:
        raise ValueError("the form has no points")
    share = sum((Fraction(points) * rating for points, rating in form), ZERO) / most
    return max(share - less, ZERO)


def exam_cut(weights: Mapping[str, Fraction], cuts: Mapping[str, Fraction]) -> Fraction:
    """Return the cut of an exam of several parts: Σ section weight × the section's cut."""
    return sum((weight * cuts[code] for code, weight in weights.items()), ZERO)
