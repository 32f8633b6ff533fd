"""Item analysis and grader agreement: the worked example, published tables, and numpy and scipy as an independent opinion."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from portal.certs.agreement import Weights, correlations, exact_agreement, kappa, pairs, severity
from portal.certs.distractors import curve, distractors, rests
from portal.certs.psychometrics import (
    Analysis,
    Limits,
    Mark,
    alpha_if_deleted,
    analyse,
    corrected_item_total,
    cronbach_alpha,
    difficulty,
    kr20,
    language_gap,
    plain,
    rounded,
    standard_deviation,
)

M = [[int(mark) for mark in row] for row in ["3331", "2332", "3311", "1210", "0000", "1210"]]
B = [[int(mark >= 2) for mark in row] for row in M]
Floats = NDArray[np.floating[Any]]


def of(rows: list[list[int]], most: int = 1) -> Analysis:
    return analyse([f"i{n}" for n in range(len(rows[0]))], rows, maxima=[most] * len(rows[0]))


def test_the_worked_example_gives_its_figures() -> None:
    made = of(B)
    assert [plain(one.difficulty) for one in made.items] == [0.5, 0.83333333, 0.33333333, 0.16666667]
    assert [plain(one.corrected_item_total) for one in made.items] == [
        0.70710678, 0.38729833, 0.73854895, 0.53935989,
    ]  # fmt: skip
    assert [plain(one.alpha_if_deleted) for one in made.items] == [0.65625, 0.8125, 0.63636364, 0.75]
    assert (plain(made.kr20), plain(made.alpha)) == (0.77948718, 0.77948718)
    assert (plain(made.mean), plain(made.sd), plain(made.sem)) == (1.83333333, 1.47196014, 0.69121471)
    marks = of(M, 3)
    assert (plain(marks.alpha), marks.kr20) == (0.91666667, None)
    first, second = ([row[n] for row in M] for n in (0, 1))
    assert [plain(kappa(first, second, w)) for w in Weights] == [0.33333333, 0.60869565, 0.80851064]
    agreed = correlations(M)
    assert [plain(one) for one in (agreed.icc21, agreed.icc2k, agreed.icc11)] == [
        0.57894737, 0.84615385, 0.55555556,
    ]  # fmt: skip


def test_published_tables_come_out_as_printed() -> None:
    judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = correlations(judges)  # Shrout & Fleiss 1979, tables 2 and 4
    assert [rounded(one, 2) for one in (found.icc11, found.icc21, found.icc2k)] == [
        Decimal("0.17"), Decimal("0.29"), Decimal("0.62"),
    ]  # fmt: skip
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]  # Cohen 1960: po .70, pe .41
    both = [(a, b) for a in range(3) for b in range(3) for _n in range(table[a][b])]
    assert rounded(kappa([a for a, _b in both], [b for _a, b in both], Weights.NOMINAL), 3) == Decimal(
        "0.492"
    )


# ---- The same figures by numpy and scipy, written from the definitions


def np_alpha(x: Floats) -> float:
    spread = np.cov(x, rowvar=False, ddof=1)
    k = x.shape[1]
    return float(k / (k - 1) * (1 - np.trace(spread) / spread.sum()))


def np_kr20(x: Floats) -> float:
    p, k = x.mean(axis=0), x.shape[1]
    return float(k / (k - 1) * (1 - (p * (1 - p)).sum() / x.sum(axis=1).var(ddof=0)))


def np_kappa(a: Floats, b: Floats, power: int | None) -> float:
    """Kappa by a contingency table over all categories, and the margins' outer product."""
    values = np.unique(np.concatenate([a, b]))
    seen = np.array([[np.mean((a == x) & (b == y)) for y in values] for x in values])
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0))
    apart = np.abs(values[:, None] - values[None, :])
    weight = (apart > 0).astype(float) if power is None else apart**power
    return float(1 - (weight * seen).sum() / (weight * chance).sum())


def np_squares(design: list[Floats], y: Floats) -> tuple[float, int]:
    """The residual sum of squares of a linear model, and its degrees of freedom: no formula of sums."""
    x = np.column_stack(design)
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return float(left @ left), len(y) - int(np.linalg.matrix_rank(x))


def np_icc(x: Floats) -> tuple[float, float, float]:
    """ICC(2,1), ICC(2,k), ICC(1,1) by models with and without the effects of rows and columns."""
    n, k = x.shape
    y = x.ravel()
    rows, columns = np.kron(np.eye(n), np.ones((k, 1))), np.kron(np.ones((n, 1)), np.eye(k))
    one = np.ones((n * k, 1))
    whole, _df = np_squares([one], y)
    within, df_w = np_squares([rows], y)
    by_column, _df = np_squares([columns], y)
    error, df_e = np_squares([rows, columns], y)
    msr, msc = (whole - within) / (n - 1), (whole - by_column) / (k - 1)
    mse, msw = error / df_e, within / df_w
    return (
        (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n),
        (msr - mse) / (msr + (msc - mse) / n),
        (msr - msw) / (msr + (k - 1) * msw),
    )


def invented(seed: int, n: int, k: int, most: int) -> list[list[int]]:
    """Marks of candidates of differing ability on items of differing difficulty."""
    dice = np.random.default_rng(seed)
    push = dice.normal(size=(n, 1)) - dice.normal(size=(1, k))
    return [[int(mark) for mark in row] for row in dice.binomial(most, 1 / (1 + np.exp(-1.5 * push)))]


@pytest.mark.parametrize(
    ("seed", "n", "k", "most"), [(1, 40, 12, 1), (2, 500, 30, 1), (8, 9, 3, 4), (4, 200, 8, 10)]
)
def test_all_figures_of_a_sitting_equal_numpy_and_scipy(seed: int, n: int, k: int, most: int) -> None:
    rows = invented(seed, n, k, most)
    x, made = np.array(rows, dtype=float), of(rows, most)
    total = x.sum(axis=1)
    assert [plain(one.difficulty) for one in made.items] == pytest.approx(
        list(x.mean(axis=0) / most), abs=1e-8
    )
    for i, one in enumerate(made.items):
        assert plain(one.corrected_item_total) == pytest.approx(
            stats.pearsonr(x[:, i], total - x[:, i])[0], abs=1e-8
        )
        assert plain(one.alpha_if_deleted) == pytest.approx(np_alpha(np.delete(x, i, axis=1)), abs=1e-8)
    assert plain(made.alpha) == pytest.approx(np_alpha(x), abs=1e-8)
    assert plain(made.mean) == pytest.approx(total.mean(), abs=1e-8)
    assert plain(made.sd) == pytest.approx(total.std(ddof=1), abs=1e-8)
    assert plain(made.sem) == pytest.approx(total.std(ddof=1) * np.sqrt(1 - np_alpha(x)), abs=1e-8)
    assert [float(one) for one in made.totals] == list(total)
    if most == 1:
        assert plain(made.kr20) == pytest.approx(np_kr20(x), abs=1e-8)


@pytest.mark.parametrize(("seed", "n", "k"), [(5, 6, 2), (6, 40, 3), (7, 300, 5)])
def test_agreement_equals_numpy(seed: int, n: int, k: int) -> None:
    rows = invented(seed, n, k, 5)
    x = np.array(rows, dtype=float)
    found = correlations(rows)
    assert [plain(one) for one in (found.icc21, found.icc2k, found.icc11)] == pytest.approx(
        np_icc(x), abs=1e-7
    )
    for weights, power in ((Weights.NOMINAL, None), (Weights.LINEAR, 1), (Weights.QUADRATIC, 2)):
        said = plain(kappa([row[0] for row in rows], [row[1] for row in rows], weights))
        assert said == pytest.approx(np_kappa(x[:, 0], x[:, 1], power), abs=1e-8)


# ---- Properties

tables = st.tuples(st.integers(2, 9), st.integers(2, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 4), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)
every = settings(max_examples=200, deadline=None)


def figures(rows: list[list[Mark]]) -> list[object]:
    found = correlations(rows)
    return [
        cronbach_alpha(rows), kappa([r[0] for r in rows], [r[1] for r in rows]), found.icc21, found.icc2k, found.icc11,
    ]  # fmt: skip


@every
@given(tables, st.fractions(min_value=Fraction(1, 7), max_value=9, max_denominator=7))
def test_a_common_factor_changes_no_coefficient(rows: list[list[int]], c: Fraction) -> None:
    assert figures([[c * mark for mark in row] for row in rows]) == figures([list(row) for row in rows])


@every
@given(tables, st.integers(1, 5))
def test_a_severe_grader_leaves_alpha_and_changes_absolute_agreement(
    rows: list[list[int]], shift: int
) -> None:
    moved = [[row[0] + shift, *row[1:]] for row in rows]
    assert cronbach_alpha(moved) == cronbach_alpha(rows)
    level = [[row[0]] * len(row) for row in rows]  # who agree in everything agree no longer
    before = correlations(level).icc21
    if before is not None:
        after = correlations([[row[0] + shift, *row[1:]] for row in level]).icc21
        assert before == 1
        assert after is not None
        assert after < 1


@every
@given(tables, st.randoms())
def test_the_order_of_candidates_and_items_never_matters(rows: list[list[int]], dice: random.Random) -> None:
    at, down = list(range(len(rows[0]))), list(range(len(rows)))
    dice.shuffle(at)
    dice.shuffle(down)
    turned = [[rows[n][i] for i in at] for n in down]
    before, after = of(rows, 4), of(turned, 4)
    assert [one.item for one in before.items] == [f"i{n}" for n in range(len(at))]
    for place, i in enumerate(at):
        old, new = before.items[i], after.items[place]
        assert (old.difficulty, old.corrected_item_total, old.alpha_if_deleted, old.flags) == (
            new.difficulty, new.corrected_item_total, new.alpha_if_deleted, new.flags,
        )  # fmt: skip
    assert (before.alpha, before.sd, before.sem, before.mean) == (
        after.alpha,
        after.sd,
        after.sem,
        after.mean,
    )
    assert figures([list(r) for r in rows])[2:] == figures([list(r) for r in turned])[2:]


@every
@given(tables)
def test_alpha_on_zeros_and_ones_is_kr20_and_single_figures_are_those_of_the_table(
    rows: list[list[int]],
) -> None:
    ones = [[int(mark >= 2) for mark in row] for row in rows]
    made = of(ones)
    assert cronbach_alpha(ones) == kr20(ones) == made.kr20 == made.alpha
    for i, one in enumerate(made.items):
        assert one.alpha_if_deleted == alpha_if_deleted(ones, i)
        assert one.corrected_item_total == corrected_item_total(ones, i)
        assert one.alpha_if_deleted == (
            cronbach_alpha([[*row[:i], *row[i + 1 :]] for row in ones]) if made.k > 2 else None
        )


@every
@given(tables)
def test_correlations_stay_within_their_bounds_and_alpha_never_passes_one(rows: list[list[int]]) -> None:
    made = of(rows, 4)
    for one in made.items:
        assert one.corrected_item_total is None or abs(one.corrected_item_total) <= 1
        assert one.difficulty is not None
        assert 0 <= one.difficulty <= 1
    assert made.alpha is None or made.alpha <= 1
    assert (
        made.sem is None
        or made.sd is None
        or made.alpha is None
        or (made.sem <= made.sd) == (made.alpha >= 0)
    )


@every
@given(tables)
def test_swapping_two_graders_changes_no_kappa(rows: list[list[int]]) -> None:
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    for weights in Weights:
        assert kappa(first, second, weights) == kappa(second, first, weights)
    assert exact_agreement(first, first) == 1
    assert severity(first, second) == -(severity(second, first) or 0)


# ---- What is undefined is None


def test_what_is_undefined_is_none_and_never_an_error() -> None:
    nobody = analyse(["a", "b"], [])
    assert [nobody.n, nobody.k, nobody.kr20, nobody.alpha, nobody.mean, nobody.sd, nobody.sem] == [0, 2] + [
        None
    ] * 5
    assert [(one.difficulty, one.corrected_item_total, one.alpha_if_deleted) for one in nobody.items] == [
        (None,) * 3
    ] * 2
    alone = analyse(["a", "b"], [[1, 0]])
    assert [alone.mean, alone.sd, alone.alpha, alone.kr20, alone.sem] == [1, None, None, None, None]
    single = analyse(["a"], [[1], [0], [1]])
    assert (single.alpha, single.kr20, single.items[0].corrected_item_total) == (None, None, None)
    assert single.sd is not None
    level = analyse(["a", "b", "c"], [[1, 0, 1]] * 5)  # everybody answers alike
    assert [level.alpha, level.kr20, level.sd, level.sem] == [None, None, 0, None]
    assert [one.corrected_item_total for one in level.items] == [None] * 3
    opposite = analyse(["a", "b"], [[1, 0], [0, 1]])  # items vary, totals do not
    assert (opposite.alpha, opposite.kr20) == (None, None)
    assert [one.corrected_item_total for one in opposite.items] == [-1, -1]
    nothing = analyse(["a", "b"], [[], []][:0])
    assert nothing.items[0].flags == ()
    assert analyse([], [[], []]).mean == 0
    assert analyse(["a"], [[0], [0]], maxima=[0]).items[0].difficulty is None
    assert [kr20([]), cronbach_alpha([]), standard_deviation([1]), difficulty([], 1)] == [None] * 4
    assert [kappa([], []), kappa([1, 1], [1, 1]), exact_agreement([], []), severity([], [])] == [None] * 4
    assert correlations([]).icc21 is correlations([[1, 2]]).icc11 is correlations([[1], [2]]).icc2k is None
    same = correlations([[1, 1], [1, 1]])
    assert (same.icc21, same.icc2k, same.icc11) == (None, None, None)


def test_negative_coefficients_are_shown_and_complete_rows_count_alone() -> None:
    found = correlations([[1, 5], [5, 1], [2, 4], [None, 3]])
    assert found.n == 3
    assert found.icc11 is not None
    assert found.icc11 < 0
    assert found.icc21 is not None
    assert found.icc21 < 0
    assert (cronbach_alpha([[1, 0], [0, 1], [1, 1], [0, 1]]) or 0) < 0


def test_marks_may_be_decimals_and_fractions_but_never_floats_or_of_unequal_rows() -> None:
    halves: list[list[Mark]] = [[Decimal("0.5"), 1], [Fraction(1, 3), 0], [1, Decimal("0.1")]]
    made = analyse(["a", "b"], halves)
    assert made.items[0].difficulty == Fraction(11, 18)
    assert made.kr20 is None
    assert made.alpha == cronbach_alpha([[30 * Fraction(mark) for mark in row] for row in halves])
    with pytest.raises(TypeError):
        cronbach_alpha([[0.5, 1], [1, 0]])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="one mark per item"):
        analyse(["a", "b"], [[1, 0], [1]])


# ---- Omitted answers, flags, distractors


def test_an_omitted_answer_counts_as_nothing_and_as_omitted() -> None:
    made = analyse(["a", "b", "c"], [[1, None, 1], [None, None, 0], [1, 1, 0]])
    assert [one.omitted for one in made.items] == [1, 2, 0]
    filled = analyse(["a", "b", "c"], [[1, 0, 1], [0, 0, 0], [1, 1, 0]])
    assert (made.alpha, made.kr20, made.sd) == (filled.alpha, filled.kr20, filled.sd)


def test_flags_stand_beyond_their_limits_and_not_at_them() -> None:
    names = ["fifth", "below", "nearly", "all", "odd"]
    rows = [[int(n < 20), int(n < 19), int(n < 95), int(n < 96), n % 2] for n in range(100)]
    made = analyse(names, rows)
    flags = {one.item: one.flags for one in made.items}
    assert "too_hard" not in flags["fifth"]
    assert "too_hard" in flags["below"]
    assert "too_easy" not in flags["nearly"]
    assert "too_easy" in flags["all"]
    assert "low_discrimination" in flags["odd"]
    assert made.flags == ()  # five items: their reliability is not judged
    dice = random.Random(1)
    noise = [[dice.randrange(2) for _item in range(10)] for _n in range(100)]
    assert analyse(names * 2, noise).flags == ("low_alpha",)
    assert analyse(names, [row[:5] for row in noise]).flags == ()
    assert analyse(names, rows[:29]).flags == ("small_sample",)
    assert analyse(names, rows[:30]).flags == ()
    assert analyse(names, rows, limits=Limits(hard=Fraction(1, 4))).items[0].flags[0] == "too_hard"
    assert not language_gap(Fraction(7, 20), Fraction(1, 5))
    assert language_gap(Fraction(7, 20), Fraction(199, 1000))
    assert not language_gap(None, Fraction(1))


def test_distractors_say_who_chose_them_and_how_strong_those_are() -> None:
    rows = [[1, 1, 1], [0, 1, 1], [0, 0, 0], [0, 0, 1], [1, 1, 0]]
    rest = rests(rows, 0)
    assert rest == [2, 2, 0, 1, 1]
    found = distractors(["A", "B", "C"], ["A", "B", "", "BC", "A"], rest)
    assert [(one.option, one.chosen, one.share, one.mean_rest) for one in found] == [
        ("A", 2, Fraction(2, 5), Fraction(3, 2)), ("B", 2, Fraction(2, 5), Fraction(3, 2)),
        ("C", 1, Fraction(1, 5), Fraction(1)), (None, 1, Fraction(1, 5), Fraction(0)),
    ]  # fmt: skip
    assert distractors(["A"], [], [])[0].share is None
    with pytest.raises(ValueError, match="one choice"):
        distractors(["A"], ["A"], [])


@every
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 7))
def test_curves_part_no_equal_candidates_and_lose_none(pairs_: list[tuple[bool, int]], groups: int) -> None:
    chose, rest = [one for one, _rest in pairs_], [score for _one, score in pairs_]
    points = curve(chose, rest, groups)
    assert 1 <= len(points) <= groups
    assert [x for x, _share in points] == sorted({x for x, _share in points})
    assert all(0 <= share <= 1 for _x, share in points)
    assert curve([True] * len(rest), rest, groups) == [(x, Fraction(1)) for x, _share in points]
    assert curve([], []) == []


def test_pairs_of_graders_are_judged_with_enough_in_common() -> None:
    marks = {
        "ann": {f"w{n}": n % 4 for n in range(40)},
        "bo": {f"w{n}": n % 4 for n in range(5, 45)},
        "cy": {f"w{n}": (n * 7) % 4 for n in range(36, 60)},
        "di": {"x": 1},
    }
    found = {(one.first, one.second): one for one in pairs(marks)}
    assert list(found) == [("ann", "bo"), ("ann", "cy"), ("bo", "cy")]
    both = found["ann", "bo"]
    assert [both.common, both.kappa, both.flags] == [35, 1, ()]
    assert found["ann", "cy"].kappa is None
    assert pairs({"ann": marks["ann"], "dot": {f"w{n}": (n + n // 4) % 4 for n in range(40)}})[0].flags == (
        "low_agreement",
    )


def test_figures_are_rounded_half_away_from_zero() -> None:
    assert rounded(Fraction(5, 10**9)) == Decimal("1E-8")
    assert rounded(Fraction(-5, 10**9)) == Decimal("-1E-8")
    assert rounded(Fraction(4, 10**9)) == 0
    assert plain(None) is None
    assert rounded(Fraction(1, 8), 2) == Decimal("0.13")
