"""The error of a score: unbiased over every form that a bank can give, equal to numpy, and unknown where nothing tells it."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certs import measuring
from portal.certs.marking import Item, ItemKind
from portal.certs.scoring import Answered

F = Fraction
some = settings(max_examples=80, deadline=None)
shares = st.lists(st.fractions(0, 1, max_denominator=8), min_size=2, max_size=12)


def answered(share: Fraction, points: int = 1, *, scored: bool = True) -> Answered:
    """Return an item that earned a share of its points."""
    item = Item("q", ItemKind.SINGLE, points=Decimal(points), options={"a": share}, scored=scored)
    return Answered(item, "a")


@some
@given(st.integers(0, 20), st.integers(2, 20))
def test_on_right_or_wrong_items_it_is_the_binomial_error_of_lord(right: int, k: int) -> None:
    x = min(right, k)
    square = measuring.of_answers([answered(F(n < x)) for n in range(k)])
    assert square == F(x * (k - x), (k - 1) * k * k)


@some
@given(shares, st.data())
def test_it_equals_numpy_and_items_that_do_not_count_change_nothing(
    got: list[Fraction], data: st.DataObject
) -> None:
    points = data.draw(st.lists(st.integers(1, 5), min_size=len(got), max_size=len(got)))
    rows = [answered(share, most) for share, most in zip(got, points, strict=True)]
    square = measuring.of_answers(rows)
    assert square is not None
    weights = np.array(points, dtype=float) / sum(points)
    values = np.array([float(one) for one in got])
    wanted = len(got) / (len(got) - 1) * float(np.sum(weights**2 * (values - weights @ values) ** 2))
    assert abs(float(square) - wanted) < 1e-12
    assert measuring.of_answers([*rows, answered(F(1), scored=False)]) == square
    assert measuring.of_answers(rows[::-1]) == square


def test_over_every_form_that_a_bank_can_give_it_is_right_in_the_mean() -> None:
    bank, k = [F(0), F(1, 2), F(1), F(1)], 3
    forms = list(itertools.product(bank, repeat=k))
    means = [sum(one, F(0)) / k for one in forms]
    centre = sum(means, F(0)) / len(means)
    spread = sum(((one - centre) ** 2 for one in means), F(0)) / len(means)
    squares = [measuring.of_answers([answered(share) for share in one]) or F(0) for one in forms]
    assert sum(squares, F(0)) / len(squares) == spread


def test_graders_who_agree_leave_no_error_and_those_who_differ_leave_half_their_mean_square() -> None:
    works = [[F(1, 2), F(3, 4)], [F(1), F(1)], [F(1, 4), F(3, 4)]]
    within = np.mean([np.var([float(one) for one in work], ddof=1) for work in works])
    square = measuring.of_graders(works, 2)
    assert square is not None
    assert abs(float(square) - within / 2) < 1e-12
    assert measuring.of_graders([[F(1), F(1)]], 2) == 0


def test_what_nothing_tells_is_unknown_and_a_band_stays_within_a_whole() -> None:
    assert measuring.of_answers([answered(F(1))]) is None
    assert measuring.of_graders([[F(1)], []], 1) is None
    weights = {"written": F(2, 5), "practical": F(3, 5)}
    assert measuring.of_whole(weights, {"written": F(1, 100), "practical": None}) is None
    assert measuring.of_whole(weights, {"written": F(1, 100), "practical": F(0)}) == F(4, 2500)
    assert measuring.band(F(1, 2), None) is None
    found = measuring.band(F(99, 100), F(1, 400))
    assert found is not None
    assert (found.error, found.low, found.high) == (F(1, 20), F(47, 50), F(1))
