"""Invariant 15 as properties: what is charged and given back of licences, over any numbers, days and prices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.billing.catalogue import Price, Tax
from portal.billing.pricing import PriceModel, Taxed, Terms, Tier
from portal.billing.proration import charge, credit
from portal.core.money import Money
from portal.core.periods import days, earned
from portal.services.licences import changing, worth
from tests import dealt, membership
from tests.dealt import on, only, pay
from tests.test_licence_money import bought

START, END = date(2026, 1, 1), date(2027, 1, 1)
LENGTH = days(START, END)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Graduated prices of any shape, with or without tax in them."""
    first, more = draw(st.integers(1, 150)), draw(st.integers(1, 500))
    tiers = (
        Tier(first, draw(st.integers(0, 3)) * 100, draw(st.integers(0, 9_000_000))), Tier(first + more, draw(st.integers(0, 90_000)), 0),
        Tier(None, draw(st.integers(0, 60_000)), 0),
    )  # fmt: skip
    bp = draw(st.sampled_from([None, 300, 600, 1300]))
    return Price(
        "licence.x", {"en": "x", "zh": "x"}, "licensing", "daily", 12, Tax("services", bp, {}), "fapiao", 1,
        model=PriceModel.GRADUATED, terms=Terms(tiers=tiers), inclusive=draw(st.booleans()),
    )  # fmt: skip


NODES, DAYS, CAPS = st.integers(1, 1500), st.integers(0, LENGTH - 1), st.sampled_from([0, 5, 200, 1000])


def change(lines: list[tuple[Taxed, date]], price: Price, full: int, day: date) -> tuple[Taxed, Taxed]:
    """Return what is charged and given back for a change on a day, from lines that run since theirs."""
    fresh = charge(full, START, END, day, price.tax.bp, inclusive=price.inclusive)
    back = sum((credit(one.net, one.tax, since, END, day) for one, since in lines), Taxed(0, 0, 0))
    return fresh, back


def first_line(price: Price, nodes: int, cap: int) -> Taxed:
    return worth.taxed(price, nodes, cap)[2]


@given(prices(), NODES, st.integers(0, 500), st.integers(0, 500), CAPS, DAYS)
def test_two_steps_on_one_day_cost_what_one_costs(
    price: Price, a: int, more: int, again: int, cap: int, n: int
) -> None:
    day = START + timedelta(days=n)
    b, c = a + more, a + more + again
    base = first_line(price, a, cap)
    up, back = change([(base, START)], price, worth.due(price, b, cap), day)
    step = up + back
    next_up, next_back = change([(base, START), (step, day)], price, worth.due(price, c, cap), day)
    once_up, once_back = change([(base, START)], price, worth.due(price, c, cap), day)
    assert step + next_up + next_back == once_up + once_back


@given(prices(), NODES, st.integers(0, 500), CAPS, DAYS)
def test_up_and_back_on_one_day_is_nothing_and_days_make_the_price(
    price: Price, a: int, more: int, cap: int, n: int
) -> None:
    day = START + timedelta(days=n)
    base = first_line(price, a, cap)
    up, back = change([(base, START)], price, worth.due(price, a + more, cap), day)
    step = up + back
    assert credit(step.net, step.tax, day, END, day) == -step  # taken back on its day: all of it
    assert step.gross >= -1  # a fen of rounding at most: more nodes never cost less
    if n == 0:
        whole = price.figures(Money(worth.due(price, a + more, cap)))
        assert step == whole + -base
    exact = (worth.due(price, a + more, cap) - worth.due(price, a, cap)) * (LENGTH - n) / LENGTH
    assert abs((step.gross if price.inclusive else step.net) - exact) <= 2


@given(prices(), NODES, CAPS, st.sampled_from([0, 2500, 5000, 9999]))
def test_what_a_membership_includes_lowers_the_price_and_never_below_nothing(
    price: Price, nodes: int, cap: int, share: int
) -> None:
    listed, off, figures = worth.taxed(price, nodes, cap, share)
    assert listed - off == Money(figures.gross)
    assert figures.gross >= 0
    assert off.minor >= 0
    if cap and share == 0 and nodes <= cap:
        assert figures == Taxed(0, 0, 0)


@given(st.integers(1, 10**9), DAYS)
def test_nothing_is_left_on_the_day_of_the_end(net: int, n: int) -> None:
    day = START + timedelta(days=n)
    assert credit(net, 0, START, END, END) == Taxed(0, 0, 0)
    assert credit(net, 0, START, END, day).net == -(
        net - (earned(net, START, END, day - timedelta(days=1)) if n else 0)
    )


@given(st.integers(-(10**9), -1), st.integers(-(10**6), 0), DAYS)
def test_a_line_that_gave_back_is_taken_back_with_its_signs_turned(net: int, tax: int, n: int) -> None:
    day = START + timedelta(days=n)
    assert credit(net, tax, START, END, day) == -credit(-net, -tax, START, END, day)


@pytest.fixture
def house(app: Flask) -> Flask:
    membership.house(app)
    return app


def test_a_to_b_to_c_is_a_to_c_in_the_books_too(house: Flask) -> None:
    bought(house, 100)
    with on(house, date(2026, 6, 25)):
        whole = changing.preview(only(), 250, on=date(2026, 7, 2)).gross
        first = changing.accept(changing.quote(only(), 180, by="test", on=date(2026, 7, 2)), by="test")
        pay(first.invoice)
        second = changing.accept(changing.quote(only(), 250, by="test", on=date(2026, 7, 2)), by="test")
        assert first.gross + second.gross == whole
        assert len(second.lines) == 3
        changing.withdraw(second, by="test")
        again = changing.preview(only(), 250, on=date(2026, 7, 2))
        assert again.gross == second.gross
    dealt.in_order(house)
