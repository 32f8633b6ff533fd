"""Diversity, targets and recurring income as pure functions: the worked examples to the last digit, traps, properties."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from portal.core.periods import nth
from portal.reports.goals import pace
from portal.reports.goals.pace import Standing
from portal.reports.measures import digits, rounded
from portal.reports.recurring import arr
from portal.reports.recurring.arr import Run
from portal.reports.spread import judging
from portal.reports.spread.judging import Limits, Verdict, judge

STREAMS = (
    "dues", "support", "adaptation", "compliance", "licensing", "certification", "sponsorship", "publications", "compute",
)  # fmt: skip
GROUPS = {"dues": "dues", "sponsorship": "ecosystem", "publications": "ecosystem", "compute": "ecosystem"}
RECOGNISED = dict(zip(STREAMS, (183640000, 31250000, 42000000, 28301887, 9433962, 16981132, 45000000, -1886792, 3750500), strict=True))  # fmt: skip
INVOICED = dict(zip(STREAMS, (412000000, 75471698, 36000000, 28301887, 14150943, 22641509, 76000000, -1886792, 3750500), strict=True))  # fmt: skip
L = Limits()
amounts = st.dictionaries(st.sampled_from(STREAMS), st.integers(-(10**12), 10**13), min_size=1)


def grouped(amounts: dict[str, int]) -> dict[str, int]:
    found = dict.fromkeys(("dues", "service", "ecosystem"), 0)
    for code, amount in amounts.items():
        found[GROUPS.get(code, "service")] += amount
    return found


# ---- Worked example 2


def test_recognised_streams_pass() -> None:
    one = judge(RECOGNISED, L)
    assert one.body() == {
        "sum": 358470689, "total": 360357481, "n": 9, "top": "dues", "top_share": "0.509605", "hhi": "0.305578",
        "hhi_10000": 3056, "effective_number": "3.272484", "shannon_number": "4.723448", "normalised": "0.781224",
        "verdict": "passes", "headroom": 81436222, "others_needed": 0,
    }  # fmt: skip
    assert digits(one.top_share * 100 if one.top_share else None, 4) == "50.9605"
    assert digits(one.effective, 4) == "3.2725"
    assert one.cut == ("publications",)


def test_recognised_groups_pass_with_their_own_total() -> None:
    one = judge(grouped(RECOGNISED), L)
    assert (one.plain, one.total, one.cut) == (358470689, 358470689, ())
    assert digits((one.top_share or Fraction(0)) * 100, 4) == "51.2287"
    assert (digits(one.hhi), digits(one.effective, 4), one.shannon, digits(one.normalised)) == (
        "0.406964", "2.4572", "2.654771", "0.889554",
    )  # fmt: skip
    assert (one.verdict, one.found.headroom) == (Verdict.PASSES, 78606034)


def test_invoiced_streams_breach() -> None:
    one = judge(INVOICED, L)
    assert (one.plain, one.total) == (666429745, 668316537)
    assert digits((one.top_share or Fraction(0)) * 100, 4) == "61.6474"
    assert (digits(one.hhi), digits(one.effective, 4), one.shannon, digits(one.normalised)) == (
        "0.412048", "2.4269", "3.700175", "0.661446",
    )  # fmt: skip
    assert (one.verdict, one.found.others, one.found.headroom) == (Verdict.BREACH, 18350130, 0)


def test_dues_share_against_its_benchmark() -> None:
    dues = judge(grouped(RECOGNISED), L).share_of("dues")
    assert dues is not None
    assert digits(judging.points(dues, Fraction(45, 100)), 4) == "6.2287"
    assert judging.off(dues, Fraction(45, 100), Fraction(5))
    assert not judging.off(Fraction(50, 100), Fraction(45, 100), Fraction(5))


def in_2027(goal: int, actual: int, through: date) -> pace.Pace:
    return pace.look(goal, actual, start=date(2027, 1, 1), end=date(2028, 1, 1), through=through)


def test_targets_of_the_example() -> None:
    dues = in_2027(500_000_000, 183_640_000, date(2027, 5, 31))
    assert digits((dues.attainment or 0) * Fraction(100), 2) == "36.73"
    assert (digits(dues.pace, 4), dues.standing, dues.needed, dues.months_left) == (
        "0.8878", Standing.BEHIND, 45_194_286, 7,
    )  # fmt: skip
    services = in_2027(300_000_000, sum(RECOGNISED[code] for code in STREAMS[1:6]), date(2027, 5, 31))
    assert digits((services.attainment or 0) * Fraction(100), 2) == "42.66"
    assert (digits(services.pace, 4), services.standing) == ("1.0311", Standing.ON_TRACK)


def test_the_plan_itself() -> None:
    plan = judge({"dues": 500_000_000, "service": 300_000_000, "ecosystem": 100_000_000}, L)
    assert (digits(plan.hhi), plan.found.headroom, digits(plan.top_share, 3)) == (
        "0.432099",
        100_000_000,
        "0.556",
    )
    waived = judge({"dues": 28_000_000, "service": 300_000_000, "ecosystem": 100_000_000}, L)
    assert (digits(waived.top_share, 3), waived.verdict) == ("0.701", Verdict.BREACH)
    ambition = judge({"dues": 2_000_000_000, "service": 10_000_000_000, "ecosystem": 100_000_000}, L)
    assert digits(ambition.top_share, 3) == "0.826"


# ---- Threshold traps, in words


def test_exactly_at_the_ceiling_one_below_one_above() -> None:
    for extra, verdict in ((0, Verdict.BREACH), (-1, Verdict.WATCH), (1, Verdict.BREACH)):
        one = judge({"a": 600_000_000 + extra, "b": 400_000_000}, L)
        assert one.verdict is verdict
        tenths, under = judging.printed(one.top_share or Fraction(0), L.ceiling)
        assert (tenths, under) == (600, extra == -1)


def test_watch_begins_where_it_says() -> None:
    assert judge({"a": 55, "b": 45}, L).verdict is Verdict.WATCH
    assert judge({"a": 54_999, "b": 45_001}, L).verdict is Verdict.PASSES


def test_equal_top_sources_one_source_and_none() -> None:
    two = judge({"a": 5, "b": 5}, L)
    assert (two.found.top, two.verdict, two.hhi) == ("a", Verdict.PASSES, Fraction(1, 2))
    alone = judge({"a": 7}, L)
    assert (alone.verdict, alone.normalised, alone.shannon) == (Verdict.BREACH, None, "1.000000")
    assert (alone.hhi, alone.effective) == (Fraction(1), Fraction(1))
    for nothing in ({}, {"a": 0, "b": 0}, {"a": -5, "b": -1}):
        one = judge(nothing, L)
        assert (one.verdict, one.top_share, one.hhi, one.effective, one.shannon, one.normalised) == (
            Verdict.NO_DATA, None, None, None, None, None,
        )  # fmt: skip


def test_negative_in_a_month_not_in_the_year() -> None:
    year = {"a": 10 - 4, "b": 6}
    assert judge({"a": -4, "b": 2}, L).cut == ("a",)
    assert judge(year, L).cut == ()


def test_n_is_the_list_and_not_what_earned() -> None:
    amounts = {**dict.fromkeys(STREAMS, 0), "dues": 6, "support": 4}
    one = judge(amounts, L)
    assert one.n == 9
    assert one.normalised == (1 - Fraction(52, 100)) / (1 - Fraction(1, 9))


def test_a_groups_verdict_is_not_the_streams() -> None:
    amounts = {"dues": 35, "support": 33, "adaptation": 32}
    assert judge(amounts, L).verdict is Verdict.PASSES
    assert judge(grouped(amounts), L).verdict is Verdict.BREACH


def test_shares_are_compared_before_they_are_rounded() -> None:
    one = judge({"a": 59_951, "b": 40_049}, L)
    assert judging.printed(one.top_share or Fraction(0), L.ceiling) == (600, True)
    assert one.verdict is Verdict.WATCH


@given(st.lists(st.integers(10**6, 2 * 10**6), min_size=3, max_size=9))
def test_headroom_spent_to_the_last_fen_touches(parts: list[int]) -> None:
    values = {str(n): part for n, part in enumerate(parts)}
    one = judge(values, L)
    assert one.verdict is Verdict.PASSES
    top, room = str(one.found.top), one.found.headroom

    def spent(extra: int) -> judging.Judged:
        return judge({**values, top: one.most + extra}, L)

    exact = (L.ceiling * one.total - one.most) / (1 - L.ceiling)
    assert rounded(exact) == room
    assert spent(-(-exact.numerator // exact.denominator)).verdict is Verdict.BREACH
    if exact.denominator == 1:
        assert spent(room).verdict is Verdict.BREACH
    assert spent(-(-exact.numerator // exact.denominator) - 1).verdict is not Verdict.BREACH


@given(st.integers(10**8, 10**13), st.lists(st.integers(-(10**9), 10**7), max_size=6))
def test_others_needed_bring_it_back_to_the_ceiling(most: int, parts: list[int]) -> None:
    values = {"top": most} | {str(n): part for n, part in enumerate(parts)}
    one = judge(values, L)
    assert one.verdict is Verdict.BREACH
    exact = Fraction(one.most) / L.ceiling - one.total
    more = {**values, "others": exact.numerator // exact.denominator + 1}
    assert judge(more, L).verdict is not Verdict.BREACH
    least = {**values, "others": exact.numerator // exact.denominator}
    assert judge(least, L).verdict is Verdict.BREACH


@given(amounts)
def test_measures_agree_with_each_other(values: dict[str, int]) -> None:
    one = judge(values, L, n=9)
    assume(one.hhi is not None)
    assert one.hhi is not None
    assert one.effective is not None
    assert one.shannon is not None
    assert Fraction(1, len(values)) <= one.hhi <= 1
    assert one.normalised is not None
    assert 0 <= one.normalised <= 1
    # Shannon's number is never below that of the squares.
    assert Fraction(one.shannon) >= one.effective - Fraction(1, 10**6)
    assert (one.verdict is Verdict.BREACH) == ((one.top_share or 0) >= L.ceiling)
    assert one.of_largest(3) == sum(sorted(one.found.shares)[-3:])


# ---- Targets


@given(st.dates(date(2026, 1, 1), date(2030, 12, 31)))
def test_a_profile_of_the_days_is_the_days(day: date) -> None:
    start, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    assert 0 < pace.weight(start, end, day) <= 1
    even = [833] * 8 + [834] * 4
    assert pace.fits(even)
    assert abs(pace.weight(start, end, day, even) - pace.weight(start, end, day)) < Fraction(1, 100)
    assert pace.weight(start, end, date(day.year, 12, 31), even) == 1
    assert pace.weight(start, end, start - timedelta(days=1), even) == 0


def test_a_profile_moves_the_pace() -> None:
    start, end = date(2026, 1, 1), date(2027, 1, 1)
    late = [0] * 11 + [10_000]
    one = pace.look(100, 10, start=start, end=end, through=date(2026, 11, 30), profile=late)
    assert (one.pace, one.standing, one.needed) == (None, Standing.NO_DATA, 90)
    one = pace.look(100, 50, start=start, end=end, through=date(2026, 12, 31), profile=late)
    assert (one.pace, one.standing, one.needed) == (Fraction(1, 2), Standing.BEHIND, None)
    assert pace.weight(start, end, date(2026, 1, 31), [10_000] + [0] * 11) == 1
    assert not pace.fits([1000] * 12)
    assert not pace.fits([10_000])


def test_at_risk_begins_at_its_bound_and_beyond_the_goal_nothing_is_needed() -> None:
    last = date(2027, 12, 31)
    assert in_2027(1000, 900, last).standing is Standing.AT_RISK
    assert in_2027(1000, 899, last).standing is Standing.BEHIND
    assert in_2027(1000, 1000, last).standing is Standing.ON_TRACK
    assert in_2027(0, 10, last).standing is Standing.NO_DATA
    beyond = in_2027(1000, 1500, date(2027, 6, 15))
    assert (beyond.needed, beyond.gap, beyond.months_left) == (0, -500, 6)


# ---- Recurring income: worked example 3


def thousands(amount: int) -> int:
    return amount * 100_000


K, LL, M, N, O, P, Q = range(1, 8)  # noqa: E741
S, E = date(2027, 12, 31), date(2028, 3, 31)
EXAMPLE = [
    Run(K, 1, "dues", date(2027, 3, 1), date(2028, 3, 1), thousands(160)),
    Run(K, 2, "dues", date(2028, 3, 1), date(2029, 3, 1), thousands(160)),
    Run(LL, 3, "support", date(2027, 9, 1), date(2028, 9, 1), thousands(94)),
    Run(LL, 4, "licensing", date(2028, 2, 1), date(2028, 9, 1), 2_910_000),
    Run(M, 5, "dues", date(2027, 2, 15), date(2028, 2, 15), thousands(20)),
    Run(N, 6, "dues", date(2027, 2, 1), date(2028, 2, 1), thousands(20)),
    Run(N, 7, "dues", date(2028, 2, 1), date(2029, 2, 1), thousands(5)),
    Run(O, 8, "dues", date(2026, 3, 1), date(2027, 3, 1), thousands(20)),
    Run(O, 9, "dues", date(2028, 3, 1), date(2029, 3, 1), thousands(20)),
    Run(P, 10, "dues", date(2028, 1, 10), date(2029, 1, 10), thousands(20)),
    Run(Q, 11, "dues", date(2027, 6, 1), date(2028, 6, 1), 0),
]


def test_worked_example_3() -> None:
    found = arr.movement(EXAMPLE, S, E)
    assert (found.opening, found.closing) == (29_400_000, 34_886_620)
    assert {kind: found.sum(kind) for kind in arr.MOVES} == {
        "new": 2_000_000, "reactivation": 2_000_000, "expansion": 4_986_620, "contraction": 1_500_000, "churn": 2_000_000,
    }  # fmt: skip
    assert (digits(found.gross), digits(found.net)) == ("0.880952", "1.050565")
    assert (len(found.opened), len(found.closed)) == (4, 5)
    assert {one.customer for one in found.of("expansion")} == {LL}
    assert K not in {one.customer for one in found.moves}
    assert arr.waived(EXAMPLE, S) == {Q}


def test_a_leap_day_moves_nothing() -> None:
    assert arr.yearly(thousands(160), date(2027, 3, 1), date(2028, 3, 1)) == thousands(160)
    assert arr.yearly(thousands(160), date(2028, 2, 29), date(2029, 2, 28)) == thousands(160)
    assert arr.yearly(thousands(480), date(2027, 3, 1), date(2030, 3, 1)) == thousands(160)
    assert arr.yearly(2_910_000, date(2028, 2, 1), date(2028, 9, 1)) == 4_986_620


def test_a_line_that_was_ended_counts_through_its_last_day() -> None:
    one = Run(1, 1, "support", date(2027, 2, 10), date(2028, 2, 10), 8_450_000, last=date(2027, 5, 31))
    assert one.covers(date(2027, 5, 31))
    assert not one.covers(date(2027, 6, 1))
    assert arr.movement([one], date(2027, 5, 31), date(2027, 6, 1)).sum("churn") == 8_450_000


def test_a_renewal_on_the_last_day_is_no_churn_and_a_waiver_no_churn_nor_expansion() -> None:
    first, second = date(2026, 7, 1), date(2027, 7, 1)
    runs = [Run(1, 1, "dues", first, second, 500), Run(1, 2, "dues", second, nth(second, 12, 1), 500)]
    assert arr.movement(runs, date(2027, 6, 30), date(2027, 7, 1)).moves == []
    founder = [Run(2, 1, "dues", first, second, 0), Run(2, 2, "dues", second, nth(second, 12, 1), 900)]
    assert [one.kind for one in arr.movement(founder, date(2027, 6, 30), second).moves] == ["new"]
    assert arr.movement(founder, date(2026, 6, 30), date(2027, 6, 30)).moves == []


runs = st.builds(
    lambda customer, start, length, net, cut: Run(
        customer, 0, "dues", start, start + timedelta(days=length), net, None if cut is None else start + timedelta(days=cut)
    ),
    st.integers(1, 5), st.dates(date(2026, 1, 1), date(2029, 1, 1)), st.integers(1, 800), st.integers(0, 10**9),
    st.none() | st.integers(0, 400),
)  # fmt: skip


@given(st.lists(runs, max_size=12), st.dates(date(2026, 1, 1), date(2029, 6, 1)), st.integers(0, 700))
def test_opening_and_moves_are_the_closing(given_runs: list[Run], first: date, length: int) -> None:
    last = first + timedelta(days=length)
    found = arr.movement(given_runs, first, last)
    sums = {kind: found.sum(kind) for kind in arr.MOVES}
    assert found.closing == found.opening + sums["new"] + sums["reactivation"] + sums["expansion"] - sums["contraction"] - sums["churn"]  # fmt: skip
    assert all(one.amount > 0 for one in found.moves)
    assert len({one.customer for one in found.moves}) == len(found.moves)
    if found.gross is not None and found.net is not None:
        assert 0 <= found.gross <= 1
        assert found.net >= found.gross
    # Two spans one after the other come to the same as both at once.
    middle = first + timedelta(days=length // 2)
    one, two = arr.movement(given_runs, first, middle), arr.movement(given_runs, middle, last)
    assert (one.opening, one.closing, two.closing) == (found.opening, two.opening, found.closing)


@given(st.lists(runs, max_size=10))
def test_cohorts_hold_every_paying_customer_once(given_runs: list[Run]) -> None:
    ends = [date(2026, 12, 31), date(2027, 12, 31), date(2028, 12, 31), date(2031, 12, 31)]
    found = arr.cohorts(given_runs, ends)
    inside = [one for cohort in found for one in cohort.customers]
    assert len(inside) == len(set(inside))
    for day in ends:
        assert sum(value for cohort in found for at, value in cohort.values if at == day) == sum(arr.arr(given_runs, day).values())  # fmt: skip
