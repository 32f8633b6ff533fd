"""Money, the one rounding and exact division into parts (billing.md §1)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.money import CurrencyMismatch, Money, exponent, half_up, spread

free = settings(deadline=None)
sums = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(["CNY", "JPY", "USD", "KWD"])


@pytest.mark.parametrize(
    ("n", "d", "expected"),
    [
        (-5, 2, -3),
        (5, 2, 3),
        (-3, 2, -2),
        (1, 3, 0),
        (2, 3, 1),
        (-1, 3, 0),
        (0, 7, 0),
        (49, 100, 0),
        (1, 2, 1),
    ],
)
def test_half_up_rounds_halves_away_from_zero(n: int, d: int, expected: int) -> None:
    assert half_up(n, d) == expected


@pytest.mark.parametrize("d", [0, -1])
def test_half_up_refuses_a_denominator_that_is_not_positive(d: int) -> None:
    with pytest.raises(ValueError, match="denominator"):
        half_up(1, d)


@pytest.mark.parametrize(("n", "d"), [(1.0, 2), (1, 2.0), (True, 2), (Decimal(1), 2), ("1", 2)])
def test_half_up_takes_whole_numbers_only(n: Any, d: Any) -> None:
    with pytest.raises(TypeError):
        half_up(n, d)


@free
@given(sums, st.integers(1, 10**9))
def test_half_up_agrees_with_decimal_and_is_symmetric(n: int, d: int) -> None:
    with localcontext() as context:
        context.prec = 60
        assert half_up(n, d) == int((Decimal(n) / Decimal(d)).quantize(Decimal(1), ROUND_HALF_UP))
    assert half_up(-n, d) == -half_up(n, d)


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (100_000, [120_000, 240_000, 480_000], [14_286, 28_571, 57_143]),  # example 7
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (2, [1, 0, 1, 1], [1, 0, 1, 0]),
        (0, [], []),
        (0, [0, 0], [0, 0]),
    ],
)
def test_spread(total: int, weights: list[int], expected: list[int]) -> None:
    assert spread(total, weights) == expected


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0, 0]), (5, [3, -1]), (-5, [0])])
def test_spread_refuses_what_cannot_be_divided(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError):
        spread(total, weights)


@pytest.mark.parametrize(("total", "weights"), [(1.5, [1]), (1, [0.5]), (True, [1])])
def test_spread_takes_whole_numbers_only(total: Any, weights: Any) -> None:
    with pytest.raises(TypeError):
        spread(total, weights)


@free
@given(sums, st.lists(st.integers(0, 10**12), min_size=1, max_size=20).filter(any))
def test_spread_sums_to_the_total_and_stays_within_one_unit(total: int, weights: list[int]) -> None:
    parts, base = spread(total, weights), sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * base - total * weight) < base
        assert weight or part == 0


@free
@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=2, max_size=9).filter(any))
def test_spread_favours_the_larger_and_then_the_earlier(total: int, weights: list[int]) -> None:
    parts = spread(total, weights)
    for i, weight in enumerate(weights):
        for j in range(i + 1, len(weights)):
            if weight >= weights[j]:
                assert parts[i] >= parts[j]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1 234.50", "CNY", 123_450),
        ("1,234,567.89", "CNY", 123_456_789),
        ("1'234", "CNY", 123_400),
        ("１，２３４．５０", "CNY", 123_450),
        ("－０．０５", "CNY", -5),
        ("−7", "CNY", -700),
        ("+1.5", "CNY", 150),
        ("  12.34\n", "CNY", 1_234),
        ("1\u202f234\u202f567", "CNY", 123_456_700),
        ("\u30001\u3000234.50\u3000", "CNY", 123_450),
        ("1234567.8", "CNY", 123_456_780),
        ("1 234", "JPY", 1_234),
        ("1.234", "KWD", 1_234),
        ("-0.00", "CNY", 0),
    ],
)
def test_parse(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".5", "5.", "1..2", "1e3", "--1", "- 1", "+-1", "5-", "(5.00)", "NaN", "inf", "0x10", "1_000"),
        *(
            "1,23",
            "12 34",
            "1 23",
            ",123",
            "1  234",
            "1234,567",
            "1 234,567",
            "1,234 567",
            "1.234,50",
            "1.2 3",
        ),
        *("1.234", "10²", "①", "½", "١٢", "万", "¥5", "5 CNY"),
    ],
)
def test_parse_refuses_anything_else(text: str) -> None:
    with pytest.raises(ValueError):
        Money.parse(text)


def test_parse_refuses_decimals_the_currency_does_not_have() -> None:
    with pytest.raises(ValueError, match="0 decimal places"):
        Money.parse("1.0", "JPY")


@free
@given(st.text(alphabet="0123456789０９ ,.'+-−．，e²\u00a0", max_size=12))
def test_parse_reads_a_number_or_raises_value_error(text: str) -> None:
    try:
        money = Money.parse(text)
    except ValueError:
        return
    assert Money.parse(str(money.decimal)) == money


@free
@given(sums, currencies)
def test_decimal_text_and_grouped_text_read_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(str(money.decimal), currency) == money
    assert Money.parse(f"{money.decimal:,}", currency) == money
    assert Money.parse(f"{money.decimal:,}".replace(",", "\u00a0"), currency) == money
    assert money.decimal * 10 ** exponent(currency) == minor


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123_450), "1234.50 CNY"),
        (Money(-5), "-0.05 CNY"),
        (Money(0), "0.00 CNY"),
        (Money(1_234, "JPY"), "1234 JPY"),
        (Money(1, "KWD"), "0.001 KWD"),
    ],
)
def test_text(money: Money, text: str) -> None:
    assert str(money) == text


def test_decimal_is_exact_beyond_the_context() -> None:
    assert str(Money(10**40 + 1).decimal) == "1" + "0" * 37 + "0.01"


@free
@given(sums, sums, st.integers(-1000, 1000))
def test_arithmetic_is_that_of_the_minor_units(a: int, b: int, k: int) -> None:
    x, y = Money(a), Money(b)
    assert x + y == Money(a + b)
    assert x - y == Money(a - b)
    assert -x == Money(-a)
    assert x * k == k * x == Money(a * k)
    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)
    assert bool(x) == (a != 0)
    assert sum([x, y], Money(0)) == x + y
    assert hash(x) == hash(Money(a))
    assert sorted([x, y]) == [Money(m) for m in sorted([a, b])]


OPERATORS = ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"]


@pytest.mark.parametrize("operator", OPERATORS)
def test_currencies_do_not_mix(operator: str) -> None:
    with pytest.raises(CurrencyMismatch):
        getattr(Money(1), operator)(Money(1, "USD"))
    assert Money(1) != Money(1, "USD")
    assert issubclass(CurrencyMismatch, ValueError)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("other", [1, 1.0, Decimal(1), "1", None])
def test_money_goes_with_money_only(operator: str, other: Any) -> None:
    with pytest.raises(TypeError):
        getattr(Money(1), operator)(other)


@pytest.mark.parametrize("value", [1.0, True, Decimal(1), "1", None])
def test_only_whole_numbers_make_or_multiply_money(value: Any) -> None:
    with pytest.raises(TypeError):
        Money(value)
    with pytest.raises(TypeError):
        Money(1) * value


@pytest.mark.parametrize("code", ["", "cny", "CN", "CNYX", "元", "CNY\n"])
def test_currency_is_a_code(code: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(1, code)


def test_currency_is_text() -> None:
    bad: Any = 156
    with pytest.raises(TypeError):
        Money(1, bad)


def test_money_is_frozen() -> None:
    money: Any = Money(1)
    with pytest.raises(AttributeError):
        money.minor = 2
