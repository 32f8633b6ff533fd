"""Plans of income and copied figures, as properties: any slicing, any credits, any price cuts give the whole."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.billing.exchange import in_books, part_of
from portal.billing.note_figures import tax_to_date
from portal.billing.plans import DAY, Part, earned_by, lower, total
from portal.billing.pricing import split
from portal.core.money import Money, half_up
from portal.core.periods import earned, unused

MANY = settings(max_examples=500, deadline=None)
days = st.dates(date(2026, 1, 1), date(2029, 12, 31))
sums = st.integers(0, 10**10)
lengths = st.integers(1, 1500)


@MANY
@given(sums, days, lengths, st.lists(st.integers(-10, 1600), max_size=12))
def test_any_slicing_of_a_plan_sums_to_it(amount: int, start: date, length: int, cuts: list[int]) -> None:
    """I3: the same whenever and however often the chore ran; nothing deferred after the end."""
    plan = [Part(start, start + timedelta(days=length), Money(amount))]
    posted = 0
    for offset in sorted([*cuts, 1600]):
        target = earned_by(plan, start + timedelta(days=offset))
        assert target >= posted
        posted = target
    assert posted == amount == total(plan)


@MANY
@given(sums, days, lengths, st.integers(0, 1600), st.integers(0, 10**10))
def test_a_price_cut_keeps_what_was_earned_and_loses_just_the_cut(
    amount: int, start: date, length: int, offset: int, cut: int
) -> None:
    """I3: recognised never falls but by the excess of the note, on its own day."""
    cut = min(cut, amount)
    end, day = start + timedelta(days=length), start + timedelta(days=offset)
    before = earned(amount, start, end, day - DAY)
    plan = [Part(start, end, Money(amount))]
    parts = lower(plan, day, cut)
    after = [Part(start, end, Money(amount), max(day, start)), *parts]
    if day >= end:
        after = plan
    assert earned_by(after, day - DAY) == before
    left = amount - before
    expected = before + max(0, left - cut) if day < end else amount
    assert total(after) == expected
    back = amount - cut - total(after)
    assert back <= 0
    assert total(after) + back == amount - cut


@MANY
@given(sums, st.integers(0, 1700), st.lists(st.integers(1, 10**9), max_size=8))
def test_credits_in_any_number_of_parts_return_the_exact_figures(
    gross: int, bp: int, parts: list[int]
) -> None:
    """I10: gross = net + tax on each note, and to the end the line's own net and tax."""
    line = split(gross, bp)
    credited = taxed = 0
    for part in [*parts, line.net]:
        net = min(part, line.net - credited)
        tax = tax_to_date(line.tax, line.net, credited + net) - taxed
        assert tax >= 0
        credited, taxed = credited + net, taxed + tax
    assert (credited, taxed) == (line.net, line.tax if line.net else 0)


@MANY
@given(sums, days, lengths, st.integers(0, 1600), sums)
def test_a_change_costs_the_days_that_are_left(
    amount: int, start: date, length: int, offset: int, new: int
) -> None:
    """I8: on the first day the full difference, on the end day nothing, between them the price-days to a fen."""
    end, day = start + timedelta(days=length), start + timedelta(days=min(offset, length))
    credit, charge = unused(amount, start, end, day), unused(new, start, end, day)
    if day == start:
        assert charge - credit == new - amount
    if day == end:
        assert (charge, credit) == (0, 0)
    exact = half_up((new - amount) * (end - day).days, length)
    assert abs(charge - credit - exact) <= 1
    # Up and down on one day: the second takes back just what the first charged.
    assert (charge - credit) + (credit - charge) == 0


@MANY
@given(sums, st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_parts_of_an_invoice_in_another_currency_take_all_of_it(carried: int, units: list[int]) -> None:
    whole, left, owed = sum(units), sum(units), carried
    for part in units:
        off = part_of(owed, part, left)
        assert 0 <= off <= owed
        left, owed = left - part, owed - off
    assert (left, owed) == (0, 0)
    assert part_of(carried, whole, whole) == carried


@MANY
@given(st.integers(0, 10**9), st.integers(1, 99_999))
def test_a_sum_in_the_books_is_its_units_at_the_rate(units: int, rate: int) -> None:
    text = f"{rate // 10_000}.{rate % 10_000:04d}"
    assert in_books(units, "USD", text) == half_up(units * rate, 10_000)
    assert in_books(units, "JPY", text) == half_up(units * rate * 100, 10_000)
