"""Periods from an anchor and what is earned of an amount (billing.md §1, examples 3, 4, 5, 9, 10, 11, 13)."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.periods import days, earned, nth, period, unused

free = settings(deadline=None)
anchors = st.dates(date(1990, 1, 1), date(2090, 12, 31))
amounts = st.integers(-(10**12), 10**12)
spans = st.tuples(anchors, st.integers(1, 1500)).map(lambda s: (s[0], s[0] + timedelta(days=s[1])))
YEAR = (date(2027, 1, 1), date(2028, 1, 1))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2027-01-31", 1, ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("2028-02-29", 12, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2026-11-30", 3, ["2027-02-28", "2027-05-30", "2027-08-30", "2027-11-30"]),
    ],
)
def test_anchors_example_3(anchor: str, months: int, expected: list[str]) -> None:
    assert nth(day(anchor), months, 0) == day(anchor)
    assert [nth(day(anchor), months, n + 1) for n in range(len(expected))] == [day(d) for d in expected]


def test_period_runs_to_the_next_start() -> None:
    assert period(day("2027-01-31"), 1, 1) == (day("2027-02-28"), day("2027-03-31"))
    assert period(day("2027-03-15"), 12, 0) == (day("2027-03-15"), day("2028-03-15"))
    assert period(day("2027-01-31"), 1, -1) == (day("2026-12-31"), day("2027-01-31"))


@free
@given(anchors, st.integers(1, 24), st.integers(1, 40))
def test_periods_tile_the_calendar(anchor: date, months: int, count: int) -> None:
    tiles = [period(anchor, months, n) for n in range(count)]
    assert tiles[0][0] == anchor
    assert all(start < end for start, end in tiles)
    assert all(left[1] == right[0] for left, right in pairwise(tiles))
    assert sum(days(*tile) for tile in tiles) == days(anchor, nth(anchor, months, count))


@free
@given(anchors, st.integers(1, 24), st.integers(-50, 50))
def test_nth_keeps_month_and_day(anchor: date, months: int, n: int) -> None:
    found = nth(anchor, months, n)
    assert (found.year - anchor.year) * 12 + found.month - anchor.month == n * months
    assert found.day == min(anchor.day, monthrange(found.year, found.month)[1])


@pytest.mark.parametrize("months", [0, -1])
def test_a_period_has_months(months: int) -> None:
    with pytest.raises(ValueError, match="month"):
        nth(day("2027-01-01"), months, 1)


@pytest.mark.parametrize("n", [10_000, -3_000])
def test_the_calendar_ends(n: int) -> None:
    with pytest.raises(ValueError, match="calendar"):
        nth(day("2027-01-01"), 12, n)


def test_instants_and_floats_are_refused() -> None:
    instant: Any = datetime(2027, 1, 1, tzinfo=UTC)
    fraction: Any = 1.0
    start, end = YEAR
    for call in (
        lambda: nth(instant, 1, 1),
        lambda: days(start, instant),
        lambda: earned(1, start, end, instant),
        lambda: unused(1, instant, end, start),
        lambda: earned(fraction, start, end, start),
        lambda: unused(fraction, start, end, start),
        lambda: nth(start, fraction, 1),
        lambda: nth(start, 1, fraction),
    ):
        with pytest.raises(TypeError):
            call()


def by_month(amount: int, start: date, end: date) -> list[int]:
    """Slices of the cumulative figure at month ends."""
    ends = [nth(start.replace(day=1), 1, n + 1) - timedelta(days=1) for n in range(14)]
    marks = [0, *(earned(amount, start, end, through) for through in ends)]
    return [b - a for a, b in pairwise(marks)]


def test_days_example_4() -> None:
    start, end = day("2027-05-01"), day("2027-05-04")
    marks = [0, *(earned(10_000, start, end, start + timedelta(days=k)) for k in range(3))]
    assert [b - a for a, b in pairwise(marks)] == [3_333, 3_334, 3_333]


def test_a_year_by_months_example_4() -> None:
    start, end, net = day("2027-03-15"), day("2028-03-15"), 1_886_792
    assert days(start, end) == 366
    months = by_month(net, start, end)
    assert [months[i] for i in (0, 1, 2, 4, 11, 12, 13)] == [
        87_638, 154_655, 159_810, 159_811, 149_500, 72_172, 0,
    ]  # fmt: skip
    assert sum(months) == net


def test_days_left_example_5() -> None:
    assert unused(9_433_962, *YEAR, day("2027-10-20")) == 1_886_792
    assert days(day("2027-10-20"), YEAR[1]) == 73
    assert unused(47_169_811, *YEAR, day("2027-10-20")) == 9_433_962
    assert days(day("2027-04-11"), YEAR[1]) == 265


def test_termination_example_9() -> None:
    assert earned(4_716_981, *YEAR, day("2027-06-30")) == 2_339_106
    assert unused(4_716_981, *YEAR, day("2027-07-01")) == 4_716_981 - 2_339_106 == 2_377_875


def test_price_cut_example_10() -> None:
    done = earned(3_650_000, *YEAR, day("2027-04-30"))
    assert done == 1_200_000
    left = 3_650_000 - 490_000 - done
    rest = (day("2027-05-01"), YEAR[1])
    assert (left, days(*rest)) == (1_960_000, 245)
    assert earned(left, *rest, day("2027-05-01")) == 8_000
    assert earned(left, *rest, day("2027-05-31")) == 248_000


def test_late_months_example_11() -> None:
    assert by_month(3_650_000, *YEAR)[:3] == [310_000, 280_000, 310_000]


def test_ageing_days_example_13() -> None:
    assert days(day("2027-04-01"), day("2027-04-30")) == 29
    assert days(day("2027-03-01"), day("2027-04-30")) == 60
    assert days(day("2027-04-01"), day("2027-03-31")) == -1


@free
@given(amounts, spans, st.lists(st.integers(-20, 1600), max_size=12))
def test_any_slicing_sums_to_the_amount(amount: int, span: tuple[date, date], cuts: list[int]) -> None:
    start, end = span
    marks = sorted({start + timedelta(days=k) for k in cuts} | {end})
    figures = [0, *(earned(amount, start, end, mark) for mark in marks)]
    assert figures[-1] == amount
    steps = [b - a for a, b in pairwise(figures)]
    assert sum(steps) == amount
    assert all(step >= 0 for step in steps) if amount >= 0 else all(step <= 0 for step in steps)


@free
@given(amounts, spans, st.integers(-20, 1600))
def test_unused_is_what_is_not_yet_earned(amount: int, span: tuple[date, date], k: int) -> None:
    start, end = span
    when = start + timedelta(days=k)
    assert unused(amount, start, end, when) == amount - earned(amount, start, end, when - timedelta(days=1))
    assert earned(-amount, start, end, when) == -earned(amount, start, end, when)


@free
@given(amounts, spans)
def test_the_ends_are_clamped(amount: int, span: tuple[date, date]) -> None:
    start, end = span
    assert earned(amount, start, end, start - timedelta(days=1)) == 0 == earned(amount, start, end, date.min)
    assert (
        earned(amount, start, end, end - timedelta(days=1)) == amount == earned(amount, start, end, date.max)
    )
    assert unused(amount, start, end, start) == amount == unused(amount, start, end, date.min)
    assert unused(amount, start, end, end) == 0 == unused(amount, start, end, date.max)


@pytest.mark.parametrize("end", ["2027-01-01", "2026-12-31"])
def test_an_empty_period_earns_nothing_but_an_error(end: str) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        earned(100, day("2027-01-01"), day(end), day("2027-01-01"))
    with pytest.raises(ValueError, match="at least one day"):
        unused(100, day("2027-01-01"), day(end), day("2027-01-01"))
