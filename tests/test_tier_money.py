"""The money of changes of tier as pure functions: the examples of members.md section 8, and what holds for any chain."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.members import quotes
from portal.members.quotes import Change, Direction, Running

GOLD, PLATINUM, SILVER = 16_000_000, 40_000_000, 2_000_000
START, END = date(2026, 1, 1), date(2027, 1, 1)
PURE = settings(max_examples=500, deadline=None)


def running(charged: int, *, start: date = START, waived: int = 0) -> Running:
    return Running(start=start, end=END, first=START, last=END, charged=charged, waived=waived)


def test_gold_to_platinum_in_the_middle_of_the_year() -> None:
    change = quotes.changed(running(GOLD), PLATINUM, date(2026, 7, 2))
    assert (change.new, change.unused, change.difference) == (20_054_795, 8_021_918, 12_032_877)
    assert change.charged == change.new


def test_a_founder_s_waiver_covers_what_the_old_tier_would_have_left() -> None:
    change = quotes.changed(running(0, waived=GOLD), PLATINUM, date(2026, 7, 2))
    assert change == Change(unused=0, new=20_054_795, discount=8_021_918)
    assert change.difference == 12_032_877
    dropped = quotes.changed(running(0, waived=GOLD), PLATINUM, date(2026, 7, 2), keep_waiver=False)
    assert dropped.difference == 20_054_795


def test_twice_counts_from_the_whole_charge_of_the_term() -> None:
    april, october = date(2026, 4, 1), date(2026, 10, 1)
    first = quotes.changed(running(SILVER), GOLD, april)
    second = quotes.changed(running(first.charged, start=april), PLATINUM, october)
    assert (first.difference, second.difference) == (10_547_946, 6_049_315)
    assert SILVER + first.difference + second.difference == 18_597_261


def test_a_renewal_already_paid_adds_the_difference_of_its_whole_year() -> None:
    now = quotes.changed(running(GOLD), PLATINUM, date(2026, 12, 1))
    ahead = Running(start=END, end=date(2028, 1, 1), first=END, last=date(2028, 1, 1), charged=GOLD)
    later = quotes.changed(ahead, PLATINUM, END)
    assert (now.difference, later.difference) == (2_038_356, 24_000_000)
    assert now.difference + later.difference == 26_038_356


@pytest.mark.parametrize(
    ("first", "last", "day", "fen"),
    [
        (START, END, date(2026, 6, 15), 8_767_123),
        (END, date(2028, 1, 1), date(2027, 6, 10), 8_986_301),
    ],
)
def test_the_rest_of_a_calendar_year_by_day(first: date, last: date, day: date, fen: int) -> None:
    assert quotes.part_of(GOLD, first, last, day) == fen


def test_what_documents_hold_less_of_is_given_back_less() -> None:
    assert quotes.changed(running(GOLD), PLATINUM, date(2026, 7, 2), left=100).unused == 100
    assert quotes.changed(running(GOLD), PLATINUM, date(2026, 7, 2), left=GOLD).unused == 8_021_918


def test_directions_and_tables() -> None:
    assert quotes.direction(1, 0) is Direction.UP
    assert quotes.direction(0, 1) is Direction.DOWN
    assert [quotes.direction(*pair) for pair in ((1, 1), (None, 1), (1, None))] == [Direction.ACROSS] * 3
    assert quotes.compared({"a": 1, "b": 2}, {"b": 2, "c": 3}, 0) == {"a": (1, 0), "c": (0, 3)}


DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
FEN = st.integers(0, 10**10)
CHAIN = st.lists(st.tuples(st.integers(0, 365), FEN), max_size=8)


@given(FEN, DAYS, st.integers(1, 800), st.integers(0, 800))
@PURE
def test_used_and_unused_are_the_charge(charged: int, start: date, length: int, after: int) -> None:
    end, day = start + timedelta(days=length), start + timedelta(days=min(after, length))
    used, left = quotes.used_of(charged, start, end, day), quotes.left_of(charged, start, end, day)
    assert used + left == charged
    assert 0 <= used <= charged


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), FEN, CHAIN)
@PURE
def test_any_chain_of_changes_costs_its_tier_days_within_a_fen_per_change(
    start: date, price: int, chain: list[tuple[int, int]]
) -> None:
    end = (
        start.replace(year=start.year + 1)
        if (start.month, start.day) != (2, 29)
        else date(start.year + 1, 2, 28)
    )
    length, steps = (end - start).days, sorted(chain, key=lambda step: step[0])
    days = [start + timedelta(days=min(after, length - 1)) for after, _new in steps]
    total, term, exact, since = (
        price,
        Running(start=start, end=end, first=start, last=end, charged=price),
        0,
        start,
    )
    for day, (_after, new) in zip(days, steps, strict=True):
        change = quotes.changed(term, new, day)
        assert change.unused + quotes.used_of(term.charged, term.start, end, day) == term.charged
        total += change.difference
        exact, since, price = exact + price * (day - since).days, day, new
        term = Running(start=day, end=end, first=start, last=end, charged=change.charged)
    exact += price * (end - since).days
    assert abs(total * length - exact) <= len(steps) * length


@given(FEN, FEN, st.integers(0, 364))
@PURE
def test_up_and_down_on_one_day_costs_nothing(old: int, new: int, after: int) -> None:
    day = START + timedelta(days=after)
    up = quotes.changed(running(old), new, day)
    down = quotes.changed(running(up.charged, start=day), old, day)
    assert up.difference + down.difference == 0


@given(FEN, CHAIN)
@PURE
def test_a_waiver_never_pays_more_than_the_new_tier_costs(waived: int, chain: list[tuple[int, int]]) -> None:
    term, paid = running(0, waived=waived), 0
    for after, new in sorted(chain, key=lambda step: step[0]):
        day = START + timedelta(days=min(after, 364))
        change = quotes.changed(term, new, day)
        paid += change.difference
        assert 0 <= change.discount <= change.new
        term = running(change.charged, start=day, waived=change.discount)
    assert paid >= 0
