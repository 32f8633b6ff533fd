"""How well graders agree: kappa, intraclass correlations, exact agreement, severity; exact, and None where undefined.

Calibration scripts marked by everyone: ICC(2,1), ICC(2,k) and pairwise weighted kappa. Live double marking, where the
pairs vary: ICC(1,1), exact agreement, and weighted kappa of each pair with enough in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations

from portal.certs.psychometrics import Limits, Mark


class Weights(StrEnum):
    """How much a disagreement of two marks counts."""

    NOMINAL = "nominal"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


_COUNTS: dict[Weights, Callable[[Fraction], Fraction]] = {
    Weights.NOMINAL: lambda apart: Fraction(apart != 0),
    Weights.LINEAR: abs,
    Weights.QUADRATIC: lambda apart: apart * apart,
}
Ratings = Sequence[Sequence[Mark | None]]


def kappa(
    first: Sequence[Mark], second: Sequence[Mark], weights: Weights = Weights.QUADRATIC
) -> Fraction | None:
    """Return 1 − Σ w O ÷ Σ w E over two graders' points, E from the margins (Cohen 1960, 1968).

    None without pairs, and where chance alone would agree in everything: both gave one and the same mark throughout.
    """
    n, count = len(first), _COUNTS[weights]
    if n != len(second):
        raise ValueError("both graders have one mark per candidate")
    these, those = [Fraction(one) for one in first], [Fraction(one) for one in second]
    pairs, ones, twos = Counter(zip(these, those, strict=True)), Counter(these), Counter(those)
    seen = sum((count(a - b) * times for (a, b), times in pairs.items()), Fraction(0))
    expected = sum((count(a - b) * ones[a] * twos[b] for a in ones for b in twos), Fraction(0))
    return 1 - n * seen / expected if expected else None


@dataclass(frozen=True, slots=True)
class Correlations:
    """The intraclass correlations of complete rows: absolute agreement of one grader, of k on average, and one-way."""

    n: int
    k: int
    icc21: Fraction | None = None
    icc2k: Fraction | None = None
    icc11: Fraction | None = None


def correlations(ratings: Ratings) -> Correlations:
    """Return ICC(2,1), ICC(2,k) and ICC(1,1) of candidates × graders (Shrout & Fleiss 1979, McGraw & Wong 1996).

    Rows with a missing mark are left out. Negative values stay; None with fewer than two rows or columns, and where
    the denominator, an estimate of a variance, is not above nothing.
    """
    k = len(ratings[0]) if ratings else 0
    if any(len(row) != k for row in ratings):
        raise ValueError("every candidate has one place per grader")
    rows = [[Fraction(m) for m in row if m is not None] for row in ratings]
    rows = [row for row in rows if len(row) == k]
    n = len(rows)
    if n < 2 or k < 2:
        return Correlations(n, k)
    msr, msc, mse, msw = _mean_squares(rows, n, k)
    single = msr + (k - 1) * mse + k * (msc - mse) / n
    mean, one_way = msr + (msc - mse) / n, msr + (k - 1) * msw
    return Correlations(n, k, _over(msr - mse, single), _over(msr - mse, mean), _over(msr - msw, one_way))


def _over(part: Fraction, whole: Fraction) -> Fraction | None:
    return part / whole if whole > 0 else None


def _mean_squares(
    rows: list[list[Fraction]], n: int, k: int
) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Return the mean squares of rows, columns, error, and within rows; df n−1, k−1, (n−1)(k−1), n(k−1)."""
    columns = [sum(column, Fraction(0)) for column in zip(*rows, strict=True)]
    sums = [sum(row, Fraction(0)) for row in rows]
    level = sum(sums, Fraction(0)) ** 2 / (n * k)
    whole = sum((x * x for row in rows for x in row), Fraction(0)) - level
    between = sum((s * s for s in sums), Fraction(0)) / k - level
    across = sum((c * c for c in columns), Fraction(0)) / n - level
    error = whole - between - across
    return between / (n - 1), across / (k - 1), error / ((n - 1) * (k - 1)), (whole - between) / (n * (k - 1))


def exact_agreement(first: Sequence[Mark], second: Sequence[Mark]) -> Fraction | None:
    """Return the share of candidates to whom both gave the same mark; None without any."""
    same = sum(Fraction(a) == Fraction(b) for a, b in zip(first, second, strict=True))
    return Fraction(same, len(first)) if first else None


def severity(given: Sequence[Mark], final: Sequence[Mark]) -> Fraction | None:
    """Return a grader's mean difference from the final marks: below nothing is severe, above it lenient."""
    apart = [Fraction(g) - Fraction(f) for g, f in zip(given, final, strict=True)]
    return sum(apart, Fraction(0)) / len(apart) if apart else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two graders: what they both marked, and how well they agree; `kappa` is None with too little in common."""

    first: str
    second: str
    common: int
    exact: Fraction | None
    kappa: Fraction | None
    flags: tuple[str, ...] = ()


def pairs(
    marks: Mapping[str, Mapping[str, Mark]], *, least: int = 30, weights: Weights = Weights.QUADRATIC,
    limits: Limits | None = None,
) -> list[Pair]:  # fmt: skip
    """Return every pair of graders with something in common; `marks` is grader → work → mark."""
    bound, made = (limits or Limits()).agreement, []
    for one, other in combinations(sorted(marks), 2):
        common = sorted(marks[one].keys() & marks[other].keys())
        if not common:
            continue
        first, second = ([marks[who][work] for work in common] for who in (one, other))
        found = kappa(first, second, weights) if len(common) >= least else None
        flags = ("low_agreement",) if found is not None and found < bound else ()
        made.append(Pair(one, other, len(common), exact_agreement(first, second), found, flags))
    return made
