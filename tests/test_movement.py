"""Figures of members as pure functions: the worked example of the specification, and what holds for any facts."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.members.spans import Span, place, yearly
from portal.members.standing import EndingCause
from portal.reports.movement import (
    LISTED,
    Movement,
    Window,
    churn,
    cohorts,
    gross_retention,
    kept,
    movement,
    net_retention,
    renewals,
    worths,
)

RANKS = {"platinum": 0, "gold": 1, "silver": 2}
A, B = date(2027, 1, 1), date(2028, 1, 1)
RESIGNED = EndingCause.RESIGNED


def window(start: date = A, end: date = B, *, known: date = date(2030, 1, 1), grace: int = 30) -> Window:
    return Window(start, end, grace, known, RANKS)


def year(n: int, start: date, stop: date | None, value: int, tier: str = "gold", **more: object) -> Span:
    return Span(term=n, start=start, stop=stop, tier=tier, value=value, **more)  # type: ignore[arg-type]


def example() -> dict[int, list[Span]]:
    """Members A to G of the specification, in thousand CNY; the year is 2027."""
    y26, y29 = date(2026, 1, 1), date(2029, 1, 1)
    return {
        1: [year(1, y26, A, 400), year(2, A, y29, 400)],
        2: [year(3, y26, date(2027, 6, 1), 160, cause=EndingCause.TIER_CHANGE), year(4, date(2027, 6, 1), y29, 400, "platinum")],
        3: [year(5, y26, date(2027, 4, 1), 160)],
        4: [year(6, y26, date(2027, 3, 1), 20), year(7, date(2027, 9, 1), y29, 20)],
        5: [year(8, y26, y29, 20)],
        6: [year(9, y26, A, 0), year(10, A, y29, 160)],
        7: [year(11, date(2027, 5, 1), y29, 20)],
    }  # fmt: skip


def test_the_worked_example_of_the_specification() -> None:
    holders = example()
    made = movement(holders, window())
    counted = {name: made.count(name) for name in made.rows}
    assert counted == {
        "opening": 6, "new": 1, "returned": 1, "moved_in": 1, "moved_out": 1, "departed": 2, "in_grace": 0, "closing": 6,
    }  # fmt: skip
    assert [row.day for row in made.rows["departed"]] == [date(2027, 4, 1), date(2027, 3, 1)]
    gone, both = churn(made), worths(made)
    assert gone.logos == (2, 6)
    assert gone.money == (180, 760)
    assert kept(both) == (5, 6)
    assert gross_retention(both) == (600, 760)
    assert net_retention(both) == (840, 760)
    assert round(Fraction(100 * 600, 760), 2) == Fraction("78.95")
    assert round(Fraction(100 * 840, 760), 2) == Fraction("110.53")


def test_changes_of_tier_are_moves_between_tiers_and_none_in_all() -> None:
    made = movement(example(), window())
    assert [(row.holder, row.tier, row.other, row.kind) for row in made.rows["moved_in"]] == [
        (2, "platinum", "gold", "upgrade")
    ]
    assert made.count("moved_in", "platinum") == made.count("moved_out", "gold") == 1
    assert [made.balance(tier) for tier in ("", "platinum", "gold", "silver")] == [0, 0, 0, 0]


def test_a_term_says_itself_whether_a_change_went_up() -> None:
    # Two tiers of another foundation: their order is not known here, the history said what it was.
    spans = [
        year(1, date(2026, 1, 1), date(2027, 2, 1), 0, "premier", cause=EndingCause.TIER_CHANGE),
        year(2, date(2027, 2, 1), date(2027, 5, 1), 0, "general", cause=EndingCause.TIER_CHANGE, move="downgrade"),
        year(3, date(2027, 5, 1), None, 0, "academic"),
    ]  # fmt: skip
    made = movement({1: spans}, window())
    assert [row.kind for row in made.rows["moved_in"]] == ["downgrade", "reclass"]


def test_what_happens_on_the_first_day_belongs_to_the_period_and_on_its_end_to_the_next() -> None:
    spans = {1: [year(1, A, B, 10)], 2: [year(2, date(2026, 1, 1), A, 10)]}
    made = movement(spans, window())
    assert [made.count(name) for name in ("opening", "new", "departed", "closing")] == [1, 1, 1, 1]
    later = movement(spans, window(B, date(2029, 1, 1)))
    assert [later.count(name) for name in ("opening", "new", "departed", "closing")] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("known", "figure"),
    [(date(2027, 4, 30), "in_grace"), (date(2027, 5, 1), "departed"), (date(2027, 3, 1), "in_grace")],
)
def test_while_grace_runs_nobody_has_departed(known: date, figure: str) -> None:
    made = movement({3: example()[3]}, window(known=known))
    assert [name for name in ("departed", "in_grace") if made.count(name)] == [figure]
    assert made.balance() == 0


def test_a_resignation_departs_at_once_and_a_return_within_grace_does_not_erase_the_departure() -> None:
    gone = [year(1, date(2026, 1, 1), date(2027, 4, 1), 10, cause=RESIGNED)]
    assert movement({1: gone}, window(known=date(2027, 4, 1))).count("departed") == 1
    back = [year(1, date(2026, 1, 1), date(2027, 4, 1), 10), year(2, date(2027, 4, 11), None, 10)]
    made = movement({1: back}, window(known=date(2027, 4, 12)))
    assert [made.count(name) for name in ("departed", "returned", "in_grace")] == [1, 1, 0]
    continuous = [year(1, date(2026, 1, 1), date(2027, 4, 1), 10), year(2, date(2027, 4, 1), None, 10)]
    assert movement({1: continuous}, window()).count("departed") == 0


def test_terms_of_a_list_open_the_balance_and_are_a_cohort_of_their_own() -> None:
    listed = {1: [year(1, date(2027, 3, 1), None, 0, listed=True)], 2: [year(2, date(2027, 3, 1), None, 5)]}
    made = movement(listed, window())
    assert [made.count(name) for name in ("opening", "new", "returned", "closing")] == [1, 1, 0, 2]
    assert made.balance() == 0
    assert [(one.year, one.holders) for one in cohorts(listed, date(2028, 12, 31))] == [
        (2027, (2,)),
        (LISTED, (1,)),
    ]


def test_cohorts_count_the_year_of_the_first_term_and_every_31_december() -> None:
    found = cohorts(example(), date(2028, 6, 30))
    told = {one.year: [(point.day, len(point.holders)) for point in one.points] for one in found}
    assert told == {
        2026: [(date(2026, 12, 31), 6), (date(2027, 12, 31), 5)],
        2027: [(date(2027, 12, 31), 1)],
    }


def test_terms_followed_without_a_gap_are_renewed() -> None:
    due, followed = renewals(example(), window())
    assert [(row.holder, row.day) for row in due] == [
        (1, A), (3, date(2027, 4, 1)), (4, date(2027, 3, 1)), (6, A),
    ]  # fmt: skip
    assert [row.holder for row in followed] == [1, 6]


def test_dues_of_a_year_follow_the_recurring_income() -> None:
    jan, july = date(2027, 1, 1), date(2027, 7, 2)
    assert yearly(10_600_000, jan, date(2028, 1, 1), jan, net=100, gross=106) == 10_000_000
    assert yearly(2_000, jan, date(2029, 1, 1), jan) == 1_000
    # From reports.md, worked example 3: a licence for 213 days.
    assert yearly(2_910_000, date(2028, 1, 1), date(2028, 8, 1), jan) == 4_986_620
    # The rest of a year after an upgrade is worth the whole year's price, to a fen.
    assert yearly(20_054_795, july, date(2028, 1, 1), jan) == 40_000_001
    leap = date(2024, 2, 29)
    assert yearly(500, date(2027, 2, 28), date(2028, 2, 29), leap) == 500
    assert yearly(500, date(2028, 2, 29), date(2029, 2, 28), leap) == 500
    assert yearly(500, jan, None, jan) == yearly(0, jan, july, jan) == yearly(5, jan, july, jan, gross=0) == 0


DAY_ZERO = date(2026, 1, 1)
days = st.integers(0, 900).map(lambda n: DAY_ZERO + timedelta(days=n))
CAUSES = [None, None, RESIGNED, EndingCause.TIER_CHANGE, EndingCause.EXPELLED]


@st.composite
def life(draw: st.DrawFn) -> list[Span]:
    """One holder's terms without overlap, with and without gaps, the last one perhaps without an end."""
    at, spans = draw(days), []
    for n in range(draw(st.integers(1, 5))):
        start = at + timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 10, 100])))
        stop = start + timedelta(days=draw(st.integers(0, 400)))
        spans.append(
            Span(
                term=n, start=start, stop=stop, tier=draw(st.sampled_from(["platinum", "gold", "silver", "other"])),
                value=draw(st.integers(0, 5)), cause=draw(st.sampled_from(CAUSES)), listed=draw(st.booleans()),
            )
        )  # fmt: skip
        at = stop
    if draw(st.booleans()):
        spans[-1] = Span(term=9, start=spans[-1].start, stop=None, tier="gold", value=3)
    return draw(st.permutations(spans))


lives = st.lists(life(), max_size=6).map(lambda rows: dict(enumerate(rows)))


@settings(max_examples=500, deadline=None)
@given(lives, days, st.integers(1, 500), days)
def test_any_facts_balance_in_all_and_per_tier(
    holders: dict[int, list[Span]], start: date, length: int, known: date
) -> None:
    asked = window(start, start + timedelta(days=length), known=known)
    made = movement(holders, asked)
    for tier in ("", *RANKS, "other"):
        assert made.balance(tier) == 0
    held = {one for one, spans in holders.items() if place(spans, asked.last, RANKS)}
    assert {row.holder for row in made.rows["closing"]} == held
    both = worths(made)
    part, whole = gross_retention(both)
    assert part <= whole
    assert part <= net_retention(both)[0]
    assert kept(both)[0] <= made.count("closing")
    assert len(made.rows["moved_in"]) == len(made.rows["moved_out"])


@settings(max_examples=300, deadline=None)
@given(lives, days, st.integers(2, 300), st.integers(1, 299))
def test_a_period_is_the_sum_of_its_parts(
    holders: dict[int, list[Span]], start: date, length: int, cut: int
) -> None:
    middle, end = start + timedelta(days=min(cut, length - 1)), start + timedelta(days=length)
    whole = movement(holders, window(start, end))
    parts: list[Movement] = [movement(holders, window(start, middle)), movement(holders, window(middle, end))]
    for figure in ("new", "returned", "moved_in", "moved_out", "departed", "in_grace"):
        assert len(whole.rows[figure]) == sum(len(one.rows[figure]) for one in parts)
    assert parts[0].count("closing") == parts[1].count("opening") - sum(
        row.day >= middle for row in parts[1].rows["opening"]
    )


@settings(max_examples=200, deadline=None)
@given(lives, days)
def test_cohorts_hold_everybody_who_began_once(holders: dict[int, list[Span]], through: date) -> None:
    found = cohorts(holders, through)
    members = [one for cohort in found for one in cohort.holders]
    began = [
        one for one, spans in holders.items()
        if any(span.start <= through and (span.stop is None or span.stop > span.start) for span in spans)
    ]  # fmt: skip
    assert sorted(members) == sorted(began)
    for cohort in found:
        for point in cohort.points:
            assert set(point.holders) == {
                one for one in cohort.holders if place(holders[one], point.day, RANKS)
            }
