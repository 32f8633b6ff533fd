"""Tax, price models and discounts (billing.md §1–3, examples 1, 2, 5, 6, 7, 9)."""

from __future__ import annotations

from datetime import date
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.billing.pricing import (
    Discount,
    DiscountKind,
    OutsideRange,
    PriceModel,
    Reduced,
    Taxed,
    Terms,
    Tier,
    add_tax,
    amount,
    apply_discounts,
    borders,
    check_tiers,
    split,
)
from portal.core.money import half_up
from portal.core.periods import earned, unused

free = settings(deadline=None, max_examples=500)
sums = st.integers(-(10**13), 10**13)
rates = st.integers(0, 10_000)
lists = st.lists(st.integers(0, 10**9), min_size=1, max_size=8)
YEAR = (date(2027, 1, 1), date(2028, 1, 1))

LICENCE = Terms(tiers=(Tier(100, 0, 50_000), Tier(500, 400), Tier(None, 300)))
SEATS = Terms(tiers=(Tier(10, 800), Tier(50, 700), Tier(None, 600)))


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    steps = draw(st.lists(st.integers(1, 50), max_size=5))
    prices = st.integers(0, 10_000)
    ends: list[int | None] = [*accumulate(steps), None]
    return tuple(Tier(end, draw(prices), draw(prices)) for end in ends)


@st.composite
def discounts(draw: st.DrawFn) -> list[Discount]:
    kind = st.sampled_from(DiscountKind)
    lines = st.none() | st.frozensets(st.integers(0, 7))
    return draw(st.lists(st.builds(Discount, kind, st.integers(0, 10_000), lines), max_size=5))


# --- tax


@pytest.mark.parametrize(
    ("gross", "net", "tax"),
    [(120_000, 113_208, 6_792), (240_000, 226_415, 13_585), (15_000_000, 14_150_943, 849_057), (0, 0, 0)],
)
def test_inclusive_tax_examples_1_and_6(gross: int, net: int, tax: int) -> None:
    assert split(gross, 600) == Taxed(net, tax, gross)
    assert split(-gross, 600) == -Taxed(net, tax, gross)


def test_exclusive_tax_example_1() -> None:
    assert add_tax(120_000, 600) == Taxed(120_000, 7_200, 127_200)


def test_line_sums_are_not_the_split_of_the_sum_examples_1_and_6() -> None:
    assert split(120_000, 600) + split(120_000, 600) == Taxed(226_416, 13_584, 240_000)
    halves = split(15_000_000, 600) + split(15_000_000, 600)
    assert halves.net == 28_301_886
    assert split(30_000_000, 600).net == 28_301_887


def test_tax_to_date_of_credit_notes_example_1() -> None:
    line = split(120_000, 600)
    notes = [0, 40_000, 70_000, line.net]
    tax = [half_up(line.tax * net, line.net) for net in notes]
    assert [b - a for a, b in pairwise(tax)] == [2_400, 1_800, 2_592]
    assert notes[-1] - notes[-2] == 43_208


def test_milestones_example_6() -> None:
    net = 28_301_886
    marks = [half_up(net * percent, 100) for percent in (0, 30, 70, 100)]
    assert [b - a for a, b in pairwise(marks)] == [8_490_566, 11_320_754, 8_490_566]
    assert marks[2] - split(15_000_000, 600).net == 5_660_377


def upgrade(day: date) -> tuple[Taxed, Taxed]:
    """Credit and charge line of example 5 (tax of each as §3 says)."""
    old = split(10_000_000, 600)
    net = unused(old.net, *YEAR, day)
    tax = half_up(old.tax * net, old.net)
    return Taxed(net, tax, net + tax), split(unused(50_000_000, *YEAR, day), 600)


def test_upgrade_example_5() -> None:
    credit, charge = upgrade(date(2027, 10, 20))
    assert credit == Taxed(1_886_792, 113_208, 2_000_000)
    assert charge == Taxed(9_433_962, 566_038, 10_000_000)
    assert charge + -credit == Taxed(7_547_170, 452_830, 8_000_000)
    old = split(10_000_000, 600).net
    assert old - credit.net == 7_547_170
    credit, charge = upgrade(date(2027, 4, 11))
    assert (credit.gross, charge.gross, charge.gross - credit.gross) == (7_260_274, 36_301_370, 29_041_096)


def test_termination_example_9() -> None:
    line = split(5_000_000, 600)
    assert line == Taxed(4_716_981, 283_019, 5_000_000)
    net = line.net - earned(line.net, *YEAR, date(2027, 6, 30))
    tax = half_up(line.tax * net, line.net)
    assert (net, tax, net + tax) == (2_377_875, 142_673, 2_520_548)


@free
@given(sums, rates)
def test_split_sums_and_mirrors(gross: int, bp: int) -> None:
    parts = split(gross, bp)
    assert parts.net + parts.tax == parts.gross == gross
    assert split(-gross, bp) == -parts
    assert abs(parts.net * (10_000 + bp) - gross * 10_000) * 2 <= 10_000 + bp


@free
@given(sums, rates)
def test_net_survives_adding_and_taking_out_tax(net: int, bp: int) -> None:
    parts = add_tax(net, bp)
    assert parts.net + parts.tax == parts.gross
    assert split(parts.gross, bp) == parts
    assert (add_tax(net, 0).tax, split(net, 0).tax) == (0, 0)


@pytest.mark.parametrize("call", [split, add_tax])
def test_tax_refuses_negative_rates_and_floats(call: Any) -> None:
    with pytest.raises(ValueError, match="negative"):
        call(100, -1)
    for bad in ((1.0, 600), (100, 0.06), (True, 600)):
        with pytest.raises(TypeError):
            call(*bad)


def test_taxed_must_add_up() -> None:
    with pytest.raises(ValueError, match="gross"):
        Taxed(100, 6, 107)


# --- price models


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (1, 50_000),
        (100, 50_000),
        (101, 50_400),
        (250, 110_000),
        (500, 210_000),
        (501, 210_300),
        (1_000, 360_000),
    ],
)
def test_graduated_example_2(q: int, expected: int) -> None:
    assert amount(PriceModel.GRADUATED, q, LICENCE) == expected


@pytest.mark.parametrize(
    ("q", "expected"), [(10, 8_000), (11, 7_700), (12, 8_400), (50, 35_000), (51, 30_600)]
)
def test_volume_example_2(q: int, expected: int) -> None:
    assert amount(PriceModel.VOLUME, q, SEATS) == expected


def test_borders_show_the_falls_of_volume() -> None:
    assert borders(PriceModel.VOLUME, SEATS) == [(10, 8_000), (11, 7_700), (50, 35_000), (51, 30_600)]
    assert borders(PriceModel.GRADUATED, LICENCE) == [
        (100, 50_000), (101, 50_400), (500, 210_000), (501, 210_300),
    ]  # fmt: skip
    assert borders(PriceModel.FLAT, Terms(flat=5)) == []


def test_other_models() -> None:
    assert amount(PriceModel.FLAT, 1, Terms(flat=700)) == 700
    assert amount(PriceModel.PER_UNIT, 3, Terms(unit=250)) == 750
    band = Terms(tiers=(Tier(5, 0, 100), Tier(None, 0, 900)))
    assert [amount(PriceModel.BAND, q, band) for q in (1, 5, 6)] == [100, 100, 900]
    flat_too = Terms(tiers=(Tier(2, 10, 5), Tier(None, 8, 7)))
    assert [amount(PriceModel.VOLUME, q, flat_too) for q in (2, 3)] == [25, 31]
    assert [amount(PriceModel.GRADUATED, q, flat_too) for q in (2, 3)] == [25, 40]
    assert amount(PriceModel.SHARE, 1, Terms(bp=1_250), base=1_004) == 126
    assert amount(PriceModel.SHARE, 1, Terms(bp=1_250), base=-1_004) == -126


def test_quotes_outside_the_range_need_a_second_person() -> None:
    terms = Terms(low=100, high=200)
    assert [amount(PriceModel.QUOTED, 1, terms, quote=q) for q in (100, 200)] == [100, 200]
    for q in (99, 201):
        with pytest.raises(OutsideRange):
            amount(PriceModel.QUOTED, 1, terms, quote=q)
        assert amount(PriceModel.QUOTED, 1, terms, quote=q, agreed=True) == q
    assert amount(PriceModel.QUOTED, 1, Terms(), quote=7) == 7


def test_amount_refuses_what_it_cannot_price() -> None:
    fraction: Any = 1.5
    for model in PriceModel:
        with pytest.raises(ValueError):
            amount(model, 0, Terms(tiers=LICENCE.tiers), quote=1, base=1)
        with pytest.raises(TypeError):
            amount(model, fraction, Terms(tiers=LICENCE.tiers), quote=1, base=1)
    for model in (
        PriceModel.VOLUME,
        PriceModel.GRADUATED,
        PriceModel.BAND,
        PriceModel.QUOTED,
        PriceModel.SHARE,
    ):
        with pytest.raises(ValueError):
            amount(model, 1, Terms())
    with pytest.raises(ValueError, match="once"):
        amount(PriceModel.FLAT, 2, Terms(flat=1))
    with pytest.raises(ValueError, match="negative"):
        amount(PriceModel.QUOTED, 1, Terms(), quote=-1, agreed=True)


@pytest.mark.parametrize(
    "bad",
    [
        (),
        (Tier(5, 1),),
        (Tier(None, 1), Tier(None, 1)),
        (Tier(5, 1), Tier(5, 1), Tier(None, 1)),
        (Tier(5, 1), Tier(4, 1), Tier(None, 1)),
    ],
)
def test_tiers_rise_and_the_last_is_open(bad: tuple[Tier, ...]) -> None:
    with pytest.raises(ValueError, match="tier"):
        check_tiers(bad)


def test_terms_refuse_nonsense() -> None:
    fraction: Any = 0.5
    wrong = (
        lambda: Tier(0, 1),
        lambda: Tier(None, -1),
        lambda: Tier(None, 1, -1),
        lambda: Terms(flat=-1),
        lambda: Terms(low=-1),
        lambda: Terms(low=2, high=1),
        lambda: Terms(tiers=(Tier(1, 1),)),
    )
    for make in wrong:
        with pytest.raises(ValueError):
            make()
    for make_float in (lambda: Tier(None, fraction), lambda: Tier(fraction, 1), lambda: Terms(unit=fraction)):
        with pytest.raises(TypeError):
            make_float()


@free
@given(tiers(), st.integers(1, 300))
def test_graduated_never_falls(steps: tuple[Tier, ...], q: int) -> None:
    terms = Terms(tiers=steps)
    assert amount(PriceModel.GRADUATED, q + 1, terms) >= amount(PriceModel.GRADUATED, q, terms)


@free
@given(tiers(), st.integers(1, 300))
def test_graduated_is_the_price_of_each_unit_in_turn(steps: tuple[Tier, ...], q: int) -> None:
    total, entered = 0, set()
    for unit in range(1, q + 1):
        i = next(i for i, tier in enumerate(steps) if tier.up_to is None or unit <= tier.up_to)
        total += steps[i].unit + (0 if i in entered else steps[i].flat)
        entered.add(i)
    assert amount(PriceModel.GRADUATED, q, Terms(tiers=steps)) == total


@free
@given(tiers())
def test_models_agree_within_the_first_tier(steps: tuple[Tier, ...]) -> None:
    terms = Terms(tiers=steps)
    assert amount(PriceModel.VOLUME, 1, terms) == amount(PriceModel.GRADUATED, 1, terms)
    assert amount(PriceModel.BAND, 1, terms) == steps[0].flat


# --- discounts


def percent(bp: int, *lines: int) -> Discount:
    return Discount(DiscountKind.PERCENT, bp, frozenset(lines) if lines else None)


def fixed(minor: int, *lines: int) -> Discount:
    return Discount(DiscountKind.FIXED, minor, frozenset(lines) if lines else None)


WAIVER = Discount(DiscountKind.WAIVER)


def test_fixed_over_three_lines_example_7() -> None:
    rows = apply_discounts([120_000, 240_000, 480_000], [fixed(100_000)])
    assert [row.discount for row in rows] == [14_286, 28_571, 57_143]
    taxed = [split(row.due, 600) for row in rows]
    assert [line.net for line in taxed] == [99_730, 199_461, 398_922]
    assert taxed[0] + taxed[1] + taxed[2] == Taxed(698_113, 41_887, 740_000)


def test_founding_waiver_example_7() -> None:
    (row,) = apply_discounts([40_000_000], [WAIVER])
    assert (row.listed, row.discount, row.due) == (40_000_000, 40_000_000, 0)
    assert split(row.due, 600) == Taxed(0, 0, 0)


def test_percent_comes_before_fixed_whatever_the_order() -> None:
    one = apply_discounts([10_000, 10_000], [fixed(3_000), percent(5_000, 0)])
    assert one == [Reduced(10_000, (1_000, 5_000)), Reduced(10_000, (2_000, 0))]
    other = apply_discounts([10_000, 10_000], [percent(5_000, 0), fixed(3_000)])
    assert [row.due for row in one] == [row.due for row in other] == [4_000, 8_000]


def test_percents_are_on_list_and_stop_at_zero() -> None:
    assert apply_discounts([1_000], [percent(2_000), percent(1_000)]) == [Reduced(1_000, (200, 100))]
    assert apply_discounts([1_000], [percent(7_000), percent(7_000)]) == [Reduced(1_000, (700, 300))]
    assert apply_discounts([5], [percent(1_000)]) == [Reduced(5, (1,))]


def test_a_waiver_leaves_nothing_for_the_others() -> None:
    assert apply_discounts([1_000], [fixed(100), percent(1_000), WAIVER]) == [Reduced(1_000, (0, 0, 1_000))]


def test_lines_that_are_not_eligible_stay_as_they_are() -> None:
    assert [row.due for row in apply_discounts([500, 500], [fixed(900, 1)])] == [500, 0]
    assert [row.due for row in apply_discounts([500], [fixed(900, 7)])] == [500]
    assert apply_discounts([], [fixed(900)]) == []
    assert apply_discounts([500], []) == [Reduced(500, ())]


def test_discounts_refuse_nonsense() -> None:
    fraction: Any = 0.1
    with pytest.raises(ValueError, match="100 %"):
        percent(10_001)
    with pytest.raises(ValueError, match="negative"):
        fixed(-1)
    with pytest.raises(ValueError, match="negative"):
        apply_discounts([-1], [])
    with pytest.raises(TypeError):
        percent(fraction)
    with pytest.raises(TypeError):
        apply_discounts([fraction], [])


@free
@given(lists, discounts())
def test_discounts_stay_between_nothing_and_list(listed: list[int], given_: list[Discount]) -> None:
    for i, row in enumerate(apply_discounts(listed, given_)):
        assert row.listed == listed[i]
        assert row.due >= 0
        assert row.discount + row.due == row.listed
        for cut, discount in zip(row.taken, given_, strict=True):
            assert cut >= 0
            assert not cut or discount.lines is None or i in discount.lines


@free
@given(lists, st.integers(0, 10**10))
def test_a_fixed_sum_is_given_whole_or_as_far_as_it_goes(listed: list[int], value: int) -> None:
    rows = apply_discounts(listed, [fixed(value)])
    assert sum(row.discount for row in rows) == min(value, sum(listed))


@free
@given(lists, discounts(), st.randoms(use_true_random=False))
def test_the_order_of_kinds_does_not_matter(listed: list[int], given_: list[Discount], dice: Any) -> None:
    by_kind = {discount.kind: discount for discount in given_}
    shuffled = list(by_kind.values())
    dice.shuffle(shuffled)
    one = apply_discounts(listed, list(by_kind.values()))
    other = apply_discounts(listed, shuffled)
    assert [row.due for row in one] == [row.due for row in other]


@given(tiers(), st.sampled_from([PriceModel.VOLUME, PriceModel.GRADUATED, PriceModel.BAND]))
@free
def test_i11_at_each_border_and_one_beyond_the_amount_is_the_table(
    steps: tuple[Tier, ...], model: PriceModel
) -> None:
    terms = Terms(tiers=steps)
    table = dict(borders(model, terms))
    assert all(amount(model, q, terms) == sum_ >= 0 for q, sum_ in table.items())
    assert set(table) == {q for tier in steps if tier.up_to for q in (tier.up_to, tier.up_to + 1)}
    for tier, after in pairwise(steps):
        assert tier.up_to is not None
        if model is PriceModel.BAND:
            assert (table[tier.up_to], table[tier.up_to + 1]) == (tier.flat, after.flat)
        if model is PriceModel.VOLUME:
            beyond = tier.up_to + 1
            assert table[tier.up_to] == tier.flat + tier.up_to * tier.unit
            assert table[beyond] == after.flat + beyond * after.unit
        if model is PriceModel.GRADUATED:
            assert table[tier.up_to + 1] - table[tier.up_to] == after.flat + after.unit
