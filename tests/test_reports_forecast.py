"""What a forecast assumes: probabilities of renewals and stages, as known on the day; amounts that fall into the year, to the fen."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from portal.core import catalogue, clock
from portal.core.db import reading, transaction
from portal.reports.goals import page_forecast
from portal.reports.goals.forecast import BANDS, CERTAIN, Forecast, Item, items, of_year, probability, slices
from portal.reports.income import behind
from tests import books, sale
from tests.report_world import question

YEAR = date(2027, 1, 1), date(2028, 1, 1)


@pytest.mark.parametrize(
    ("followed", "due", "said"),
    [
        (0, 0, (80, False)),
        (19, 19, (80, False)),  # one short: assumed, although all were renewed
        (0, 20, (0, True)),  # none of twenty: our own figure, and no 80 %
        (13, 20, (65, True)),
        (20, 20, (100, True)),
        (13, 24, (54, True)),  # 54.17
        (11, 24, (46, True)),  # 45.83
        (25, 40, (63, True)),  # 62.5, half up
    ],
)
def test_the_probability_is_assumed_until_there_are_renewals_enough(
    followed: int, due: int, said: tuple[int, bool]
) -> None:
    assert probability(followed, due, least=20, otherwise=80) == said


def test_without_a_least_number_there_is_still_something_to_divide_by() -> None:
    assert probability(0, 0, least=0, otherwise=80) == (80, False)


def test_an_expected_amount_is_half_up_and_its_bands_come_to_the_total() -> None:
    assert [Item("renewals", "dues", YEAR[0], whole, 50).amount for whole in (1, 3, -1, -3)] == [1, 2, -1, -2]
    made = Forecast(2027, date(2027, 3, 31))
    for band, percent in zip(BANDS, (100, 100, 100, 80, 30), strict=True):
        made.items += items(band, "dues", [(date(2027, 4, 1), 101), (date(2027, 5, 1), 0)], percent=percent)
    assert len(made.items) == len(BANDS)  # nothing is no item
    assert [made.sum(band) for band in BANDS] == [101, 101, 101, 81, 30]
    assert made.total == sum(made.sum(band) for band in BANDS)
    assert {one.percent for band in CERTAIN for one in made.of(band)} == {100}


@given(
    net=st.integers(-(10**9), 10**9), start=st.dates(date(2026, 1, 1), date(2027, 12, 31)), days=st.integers(1, 900),
    since=st.dates(date(2026, 6, 1), date(2027, 12, 31)),
)  # fmt: skip
def test_what_falls_into_a_year_and_what_lies_outside_of_it_are_the_whole(
    net: int, start: date, days: int, since: date
) -> None:
    end = start + timedelta(days=days)
    parts = [slices(net, start, end, *span) for span in ((date.min, since), (since, YEAR[1]), (YEAR[1], date(2035, 1, 1)))]  # fmt: skip
    assert sum(amount for part in parts for _month, amount in part) == net
    for month, _amount in parts[1]:
        assert since.replace(day=1) <= month < YEAR[1]


def test_a_term_that_begins_on_the_last_day_brings_one_day() -> None:
    assert of_year(36_600, date(2027, 12, 31), *YEAR) == [(date(2027, 12, 1), 100)]  # 2028 holds a leap day
    assert of_year(36_500, YEAR[1], *YEAR) == []


@pytest.fixture
def ending(app: Flask) -> Flask:
    """A year of support that ends on 30 June 2027, sold a year before."""
    books.house(app)
    with app.app_context(), clock.stopped_at(date(2026, 7, 1)), transaction():
        sale.sell(3_869_000, (date(2026, 7, 1), date(2027, 7, 1)))
    return app


def renewals(app: Flask, known: str) -> tuple[int, int, str]:
    """Return the whole and the counted renewals of 2027 as known on a day, and the page's table of probabilities."""
    with app.test_request_context(), reading(), force_locale("en"):
        said = question(**{"from": "2027-01", "to": "2027-12", "known": known})
        found, odds = page_forecast.gathered(said)
        assert odds[0] == found.of("renewals")[0].percent
        report = page_forecast.build(said)
        for figure in report.figures():
            assert sum(row.amount for row in behind.rows_of(said, figure)) == figure.amount, figure
        (table,) = [one for one in report.tables if one.key == "odds"]
        whole = sum(one.whole for one in found.of("renewals"))
        return whole, found.sum("renewals"), " ".join(str(cell) for cell in table.lines[0].cells)


def test_an_assumption_that_is_changed_counts_from_its_day(ending: Flask) -> None:
    with clock.stopped_at(date(2027, 3, 10)):
        with ending.app_context(), transaction():
            catalogue.take("policy", {"code": "forecast.renewal_percent", "value": 50}, date(2027, 3, 1))
        before, after = renewals(ending, "2027-02-20"), renewals(ending, "2027-03-05")
    # The next term begins on 1 July and is worth the same a year: 184 of its 366 days lie in 2027.
    assert before[0] == after[0] == Fraction(3_650_000 * 184, 366).__round__()
    assert abs(before[1] - before[0] * 80 // 100) <= 6
    assert abs(after[1] - after[0] * 50 // 100) <= 6
    assert before[2].startswith("80 % assumed until 20 renewals")
    assert after[2].startswith("50 % assumed until 20 renewals")


def test_what_was_renewed_is_signed_and_no_longer_hoped_for(ending: Flask) -> None:
    with ending.app_context(), clock.stopped_at(date(2027, 3, 10)), transaction():
        sale.sell(3_869_000, (date(2027, 7, 1), date(2028, 7, 1)), subject="test:next")
    with clock.stopped_at(date(2027, 3, 20)), ending.test_request_context(), reading():
        said = question(**{"from": "2027-01", "to": "2027-12", "known": "2027-03-15"})
        found, _odds = page_forecast.gathered(said)
        assert found.sum("renewals") == 0
        assert found.sum("scheduled") + found.sum("committed") > 0
        earlier = question(**{"from": "2027-01", "to": "2027-12", "known": "2027-03-05"})
        assert page_forecast.gathered(earlier)[0].sum("renewals") > 0
