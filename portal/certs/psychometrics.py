"""Item analysis: difficulty, discrimination, reliability, distractors and flags of a sitting, exact until they are shown.

Marks are whole numbers, `Decimal` or `Fraction`; None is an omitted answer, which counts as 0. n candidates are rows,
k items are columns. Sums stay exact, so the order of rows and columns never matters and "does not vary" is a fact
and no matter of rounding. Whatever is undefined is None: never 0, never 1, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from math import lcm

Mark = int | Decimal | Fraction
Row = Sequence[Mark | None]
Figure = Fraction | Decimal
PLACES, DIGITS = 8, 50


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a figure is worth a flag; policy of the catalogue."""

    hard: Fraction = Fraction(1, 5)
    easy: Fraction = Fraction(19, 20)
    discrimination: Fraction = Fraction(1, 10)
    alpha: Fraction = Fraction(7, 10)
    alpha_items: int = 10
    agreement: Fraction = Fraction(3, 5)
    sample: int = 30
    languages: Fraction = Fraction(3, 20)


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """What a sitting says of one item; `alpha_if_deleted` is the reliability of the others."""

    item: str
    difficulty: Fraction | None
    corrected_item_total: Decimal | None
    alpha_if_deleted: Fraction | None
    omitted: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a sitting says of its items and of itself; `totals` are the candidates' points, in order of the rows."""

    n: int
    k: int
    items: tuple[ItemFigures, ...]
    kr20: Fraction | None
    alpha: Fraction | None
    mean: Fraction | None
    sd: Decimal | None
    sem: Decimal | None
    flags: tuple[str, ...]
    totals: tuple[Fraction, ...] = field(default=(), repr=False)


def rounded(value: Figure | None, places: int = PLACES) -> Decimal | None:
    """Return a figure with so many decimals, half away from zero; None stays None."""
    if value is None:
        return None
    exact = Fraction(value) * 10**places
    size = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return Decimal(size if exact >= 0 else -size).scaleb(-places)


def plain(value: Figure | None) -> float | None:
    """Return a figure as a plain number of JSON, rounded to 8 places."""
    found = rounded(value)
    return None if found is None else float(found)


def root(square: Fraction) -> Decimal:
    """Return the square root of what is not negative, to 50 digits; exact where a short decimal is the root."""
    with localcontext() as context:
        context.prec = DIGITS
        return (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()


def difficulty(marks: Iterable[Mark | None], most: Mark) -> Fraction | None:
    """Return mean mark ÷ highest mark (Crocker & Algina 1986); None without candidates or points."""
    found = [Fraction(mark or 0) for mark in marks]
    return sum(found, Fraction(0)) / len(found) / Fraction(most) if found and most else None


@dataclass(slots=True)
class _Sums:
    """The sums over n candidates, in whole `unit`-ths of a point: of each item, of its squares, of it times the total."""

    n: int
    unit: int
    totals: list[int]
    of: list[int]
    squares: list[int]
    crossed: list[int]

    # n² times a variance or covariance with divisor n: whole numbers, and the divisors cancel in every ratio.
    def total(self) -> int:
        return self.n * sum(t * t for t in self.totals) - sum(self.totals) ** 2

    def item(self, i: int) -> int:
        return self.n * self.squares[i] - self.of[i] ** 2

    def both(self, i: int) -> int:
        return self.n * self.crossed[i] - self.of[i] * sum(self.totals)


def _sums(rows: Sequence[Row]) -> _Sums:
    k = len(rows[0]) if rows else 0
    if any(len(row) != k for row in rows):
        raise ValueError("every candidate has one mark per item")
    if any(isinstance(mark, float) for row in rows for mark in row):
        raise TypeError("marks are exact: whole numbers, Decimal or Fraction, never floats")
    unit = lcm(
        *{Fraction(m).denominator for row in rows for m in row if m is not None and type(m) is not int}
    )
    exact = [
        [int(Fraction(mark) * unit) if type(mark) is not int else mark * unit for mark in _filled(row)]
        for row in rows
    ]
    totals = [sum(row) for row in exact]
    columns = list(zip(*exact, strict=True)) if rows else []
    return _Sums(
        n=len(rows), unit=unit, totals=totals, of=[sum(column) for column in columns],
        squares=[sum(x * x for x in column) for column in columns],
        crossed=[sum(x * t for x, t in zip(column, totals, strict=True)) for column in columns],
    )  # fmt: skip


def _filled(row: Row) -> list[Mark]:
    return [0 if mark is None else mark for mark in row]


def _alpha(k: int, parts: int, whole: int) -> Fraction | None:
    return Fraction(k, k - 1) * (1 - Fraction(parts, whole)) if k > 1 and whole > 0 else None


def cronbach_alpha(rows: Sequence[Row]) -> Fraction | None:
    """Return k/(k−1) × (1 − Σ s²_i ÷ s²_T), the same divisor above and below (Cronbach 1951)."""
    sums = _sums(rows)
    k = len(sums.of)
    return _alpha(k, sum(sums.item(i) for i in range(k)), sums.total())


def kr20(rows: Sequence[Row]) -> Fraction | None:
    """Return k/(k−1) × (1 − Σ p_i q_i ÷ s²_T), s²_T with divisor n as p q has it (Kuder & Richardson 1937).

    None unless every mark is 0 or 1.
    """
    if any(mark not in (None, 0, 1) for row in rows for mark in row):
        return None
    n, k = len(rows), len(rows[0]) if rows else 0
    if n == 0:
        return None
    p = [Fraction(sum(1 for row in rows if row[i]), n) for i in range(k)]
    totals = [sum(1 for mark in row if mark) for row in rows]
    spread = Fraction(sum(t * t for t in totals), n) - Fraction(sum(totals), n) ** 2
    return Fraction(k, k - 1) * (1 - sum(x * (1 - x) for x in p) / spread) if k > 1 and spread else None


def alpha_if_deleted(rows: Sequence[Row], i: int) -> Fraction | None:
    """Return the reliability of all items but the i-th; None with fewer than three."""
    return _without(_sums(rows), i)


def _without(sums: _Sums, i: int) -> Fraction | None:
    k = len(sums.of)
    rest = sums.total() + sums.item(i) - 2 * sums.both(i)
    return _alpha(k - 1, sum(sums.item(j) for j in range(k) if j != i), rest)


def corrected_item_total(rows: Sequence[Row], i: int) -> Decimal | None:
    """Return Pearson's r of an item with the total of the others, r(x_i, T − x_i) (Henrysson 1963)."""
    return _corrected(_sums(rows), i)


def _corrected(sums: _Sums, i: int) -> Decimal | None:
    own, rest = sums.item(i), sums.total() + sums.item(i) - 2 * sums.both(i)
    if own <= 0 or rest <= 0:
        return None
    shared = sums.both(i) - own
    found = root(Fraction(shared * shared, own * rest))
    return found if shared >= 0 else -found


def standard_deviation(values: Sequence[Mark]) -> Decimal | None:
    """Return the standard deviation with divisor n−1; None for fewer than two values."""
    found = variance(values)
    return None if found is None else root(found)


def variance(values: Sequence[Mark]) -> Fraction | None:
    """Return the variance with divisor n−1; None for fewer than two values."""
    n, exact = len(values), [Fraction(value) for value in values]
    if n < 2:
        return None
    return (sum((x * x for x in exact), Fraction(0)) - sum(exact, Fraction(0)) ** 2 / n) / (n - 1)


def analyse(
    items: Sequence[str],
    rows: Sequence[Row],
    *,
    maxima: Sequence[Mark] | None = None,
    limits: Limits | None = None,
) -> Analysis:
    """Return every figure of a sitting; `maxima` are the items' highest marks, 1 each by default.

    `sd` has divisor n−1 and SEM = sd × √(1 − α) (AERA, APA & NCME 2014). Raises ValueError if a row has not one mark
    per item, TypeError for floats.
    """
    most, limits = list(maxima) if maxima is not None else [1] * len(items), limits or Limits()
    if len(most) != len(items) or any(len(row) != len(items) for row in rows):
        raise ValueError("every candidate has one mark per item")
    sums = _sums(rows)
    n, k = len(rows), len(items)
    alpha = _alpha(k, sum(sums.item(i) for i in range(k)), sums.total()) if n else None
    spread = Fraction(sums.total(), n * (n - 1) * sums.unit**2) if n > 1 else None
    made = [_of_item(name, i, rows, sums, most[i], limits) for i, name in enumerate(items)]
    return Analysis(
        n=n, k=k, items=tuple(made), kr20=kr20(rows) if all(m == 1 for m in most) else None, alpha=alpha,
        mean=Fraction(sum(sums.totals), n * sums.unit) if n else None,
        sd=None if spread is None else root(spread),
        sem=None if spread is None or alpha is None else root(spread * (1 - alpha)),
        flags=_flags(n, k, alpha, limits), totals=tuple(Fraction(t, sums.unit) for t in sums.totals),
    )  # fmt: skip


def _of_item(name: str, i: int, rows: Sequence[Row], sums: _Sums, most: Mark, limits: Limits) -> ItemFigures:
    p = Fraction(sums.of[i], sums.n * sums.unit) / Fraction(most) if rows and most else None
    r, without = (_corrected(sums, i), _without(sums, i)) if rows else (None, None)
    flags = []
    if p is not None and p < limits.hard:
        flags.append("too_hard")
    if p is not None and p > limits.easy:
        flags.append("too_easy")
    if r is not None and Fraction(r) < limits.discrimination:
        flags.append("low_discrimination")
    return ItemFigures(name, p, r, without, sum(row[i] is None for row in rows), tuple(flags))


def _flags(n: int, k: int, alpha: Fraction | None, limits: Limits) -> tuple[str, ...]:
    found = []
    if alpha is not None and alpha < limits.alpha and k >= limits.alpha_items:
        found.append("low_alpha")
    if n < limits.sample:
        found.append("small_sample")
    return tuple(found)


def language_gap(zh: Fraction | None, en: Fraction | None, limits: Limits | None = None) -> bool:
    """Whether an item's difficulties in the two languages lie further apart than the limit."""
    return zh is not None and en is not None and abs(zh - en) > (limits or Limits()).languages
