"""The pure rules of renewing: periods from the anchor, parts of a year, late money, steps that are due."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.periods import nth
from portal.members.renewal_rules import (
    Basis,
    Late,
    Period,
    Step,
    beginning,
    charge,
    following,
    late,
    latest,
    tries,
)

A, C = Basis.ANNIVERSARY, Basis.CALENDAR_YEAR
DAYS = st.dates(date(2016, 1, 1), date(2060, 12, 31))
GOLD = 16_000_000


def chain(anchor: date, basis: Basis, length: int) -> list[Period]:
    """Return a first period and those that follow it."""
    found = [beginning(anchor, basis)]
    while len(found) < length:
        last = found[-1]
        found.append(following(last.end, last.anchor, last.k, basis))
    return found


def test_a_member_of_29_february_comes_back_to_that_day() -> None:
    ends = [one.end for one in chain(date(2024, 2, 29), A, 4)]
    assert ends == [date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]


def test_the_fifth_period_of_new_year_begins_in_2031() -> None:
    fifth = chain(date(2026, 1, 1), A, 6)[5]
    assert (fifth.k, fifth.start) == (5, date(2031, 1, 1))


def test_who_comes_late_into_a_calendar_year_pays_its_rest_by_day() -> None:
    june = beginning(date(2026, 6, 15), C)
    assert (june.end, (june.end - june.start).days, charge(GOLD, june)) == (date(2027, 1, 1), 200, 8_767_123)
    back = beginning(date(2027, 6, 10), C)
    assert ((back.end - back.start).days, charge(GOLD, back)) == (205, 8_986_301)
    assert following(june.end, june.anchor, june.k, C) == Period(
        date(2027, 1, 1), date(2028, 1, 1), date(2026, 1, 1), 1
    )
    assert charge(GOLD, following(june.end, june.anchor, june.k, C)) == GOLD


@pytest.mark.parametrize(
    ("rule", "day", "sum_"),
    [
        ({"rule": "full"}, date(2026, 6, 15), GOLD),
        ({"rule": "monthly"}, date(2026, 6, 15), 9_333_333),
        ({"rule": "monthly"}, date(2026, 12, 31), 1_333_333),
        ({"rule": "steps", "steps": [{"from": "07-01", "bp": 5000}, {"from": "10-01", "bp": 2500}]}, date(2026, 6, 30), GOLD),
        ({"rule": "steps", "steps": [{"from": "07-01", "bp": 5000}, {"from": "10-01", "bp": 2500}]}, date(2026, 7, 1), 8_000_000),
        ({"rule": "steps", "steps": [{"from": "07-01", "bp": 5000}, {"from": "10-01", "bp": 2500}]}, date(2026, 11, 2), 4_000_000),
        ({"rule": "roll_over", "from": "10-01"}, date(2026, 10, 1), GOLD),
        ({"rule": "roll_over", "from": "10-01"}, date(2026, 9, 30), 4_076_712),
    ],
)  # fmt: skip
def test_other_ways_to_pay_for_a_begun_year(rule: dict[str, Any], day: date, sum_: int) -> None:
    assert charge(GOLD, beginning(day, C, rule), rule) == sum_


def test_rolled_over_the_next_year_is_given_and_the_one_after_follows_it() -> None:
    rolled = beginning(date(2026, 10, 1), C, {"rule": "roll_over", "from": "10-01"})
    assert (rolled.start, rolled.end) == (date(2026, 10, 1), date(2028, 1, 1))
    after = following(rolled.end, rolled.anchor, rolled.k, C)
    assert (after.start, after.end) == (date(2028, 1, 1), date(2029, 1, 1))


@given(DAYS, st.sampled_from([A, C]), st.integers(2, 30))
@settings(max_examples=500)
def test_periods_follow_each_other_without_gap_or_drift(anchor: date, basis: Basis, length: int) -> None:
    found = chain(anchor, basis, length)
    assert all(one.end == two.start for one, two in itertools.pairwise(found))
    first = anchor if basis is A else date(anchor.year, 1, 1)
    assert [one.end for one in found] == [nth(first, 12, n) for n in range(1, length + 1)]
    assert not any(one.shortened for one in found[1:])


@given(DAYS, st.integers(1, 10**9))
@settings(max_examples=500)
def test_a_part_of_a_year_costs_more_than_nothing_and_never_more_than_all(day: date, price: int) -> None:
    of = beginning(day, C)
    part, length = charge(price, of), (of.whole[1] - of.whole[0]).days
    assert 0 <= part <= price
    assert abs(part * length - price * (of.end - of.start).days) <= length


@pytest.mark.parametrize(
    ("after", "answer"),
    [
        (-90, Late.CONTINUOUS), (0, Late.CONTINUOUS), (29, Late.CONTINUOUS), (30, Late.CHOOSE), (90, Late.CHOOSE),
        (91, Late.REVIEW), (365, Late.REVIEW), (366, Late.APPLY),
    ],
)  # fmt: skip
def test_the_value_date_decides(after: int, answer: Late) -> None:
    end = date(2027, 1, 1)
    assert late(end + timedelta(days=after), end, grace=30, choose=90, review=365) is answer


def step(code: str, days: int, *, lapse: bool = False) -> Step:
    """Return a step with words."""
    return Step(code, days, lapse, "", "reminder", (), {})


LADDER = [step("-30", -30), step("-14", -14), step("-7", -7), step("0", 0), step("30", 0, lapse=True)]


@given(st.sets(st.integers(-40, 40)), st.integers(10, 45))
@settings(max_examples=500)
def test_each_step_comes_once_in_order_and_only_the_latest_is_said(days: set[int], grace: int) -> None:
    end, done = date(2027, 1, 1), dict[str, int]()
    said: list[str] = []
    for day in sorted(days):
        for _again in range(2):
            found, missed = latest(LADDER, done, end=end, grace=grace, today=end + timedelta(days=day))
            for one in missed:
                done[one.code] = day
            if found is not None:
                assert found.code not in done
                done[found.code] = day
                said.append(found.code)
    order = [one.code for one in LADDER]
    assert said == sorted(said, key=order.index)
    passed = [one.code for one in LADDER if days and one.day(end, grace) <= end + timedelta(days=max(days))]
    assert set(done) == set(passed)


@given(st.sets(st.integers(-10, 40)))
@settings(max_examples=500)
def test_a_card_is_tried_at_most_once_a_mark_and_never_again_after_the_last(days: set[int]) -> None:
    end, marks = date(2027, 1, 1), [-3, 0, 3, 7]
    done: set[int] = set()
    tried: list[int] = []
    for day in sorted(days):
        for _again in range(3):
            turn, missed = tries(marks, done, end=end, today=end + timedelta(days=day))
            done.update(missed)
            if turn is not None:
                assert turn not in done
                done.add(turn)
                tried.append(turn)
    assert tried == sorted(set(tried))
    assert len(tried) <= len(marks)
