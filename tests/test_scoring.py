"""Marking and scoring: every kind of item, minima and cuts at their edges, two graders and a third, the cut of a panel."""

from __future__ import annotations

import itertools
import json
import statistics
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from portal.certs import marking, rubric, scoring, standard
from portal.certs.marking import Item, ItemKind, NumberKey, TextKey, mark, matches, read_number
from portal.certs.rubric import Criterion, Marking, Rule, Task
from portal.certs.scoring import Answered, Policy, Section, score, shown

D, F = Decimal, Fraction
every = settings(max_examples=200, deadline=None)


# ---- Items


def earned(item: Item, answer: marking.Answer) -> Fraction | None:
    return mark(item, answer).fraction


def test_a_single_choice_earns_its_option() -> None:
    item = Item("q", ItemKind.SINGLE, options={"A": F(1), "B": F(0), "C": F(1, 2), "D": F(-1, 4)})
    assert [earned(item, one) for one in ("A", "B", "C", "D", "Z", ["A"], ["A", "C"])] == [
        1,
        0,
        F(1, 2),
        0,
        0,
        1,
        0,
    ]
    assert mark(item, None) == mark(item, "") == mark(item, []) == marking.OMITTED


def test_a_multiple_choice_is_all_or_nothing_or_the_sum_of_its_weights() -> None:
    whole = Item("q", ItemKind.MULTIPLE, options={"A": F(1), "B": F(1), "C": F(0)})
    assert [earned(whole, list(one)) for one in ("AB", "BA", "A", "ABC", "C")] == [1, 1, 0, 0, 0]
    weighed = Item("q", ItemKind.MULTIPLE, options={"A": F(1, 2), "B": F(1, 2), "C": F(-1)}, whole=False)
    assert [earned(weighed, set(one)) for one in ("AB", "A", "AC", "ABC", "C", "X")] == [
        1,
        F(1, 2),
        0,
        0,
        0,
        0,
    ]
    generous = Item("q", ItemKind.MULTIPLE, options={"A": F(3, 4), "B": F(3, 4)}, whole=False)
    assert earned(generous, ["A", "B"]) == 1
    assert earned(generous, ["A", "A"]) == F(3, 4)  # an option said twice counts once
    assert earned(generous, "A") == F(3, 4)


def test_a_number_is_compared_exactly() -> None:
    item = Item("q", ItemKind.NUMERIC, numbers=(NumberKey.around(D("0.3"), D("0.1")),))
    assert [earned(item, one) for one in ("0.2", "0.4", "0.19999999999999999999999999999999", "4e-1", ".4", "0.41")] == [
        1, 1, 0, 1, 1, 0,
    ]  # fmt: skip
    several = Item(
        "q", ItemKind.NUMERIC, numbers=(NumberKey.around(D(1822)), NumberKey.around(D(1822), D(2), F(1, 2)))
    )
    assert [earned(several, one) for one in ("1822", "1,824", "１８２０", "1825", "about 1822")] == [
        1,
        F(1, 2),
        F(1, 2),
        0,
        0,
    ]
    between = Item("q", ItemKind.NUMERIC, numbers=(NumberKey(D(1), D(5)),))
    assert [earned(between, one) for one in ("1", "5", "5.0000001", "0.9999999")] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"), (" 12 ", "12"), ("-1.50", "-1.5"), ("+7", "7"), ("1,234,567.5", "1234567.5"), ("1e3", "1000"),
        ("1E-3", "0.001"), (".5", "0.5"), ("5.", "5"), ("１２．５", "12.5"), ("−３", "-3"), ("１，２３４", "1234"),
        ("0", "0"), ("00012", "12"), ("1234567,890", None), ("1,23", None), ("12,34", None), ("1,5", None), ("", None),
        (".", None), ("-", None), ("e3", None), ("1e", None), ("1 000", None), ("NaN", None), ("Infinity", None),
        ("0x10", None), ("10²", None), ("①", None), ("1e9999", None), ("1/2", None), ("3%", None), ("١٢", None),
        ("9" * 81, None), ("1_000", None), ("--1", None), ("1.2.3", None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it_and_nothing_else_is_one(text: str, number: str | None) -> None:
    assert read_number(text) == (None if number is None else D(number))


@every
@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_every_decimal_is_read_back_however_it_is_written(number: Decimal) -> None:
    for text in (
        f"{number:f}",
        f"{number:,f}",
        f"{number:e}",
        f"{number:f}".translate(str.maketrans("0123456789.-", "０１２３４５６７８９．－")),
    ):
        assert read_number(text) == number


def test_a_short_text_is_compared_without_case_width_and_spaces() -> None:
    item = Item(
        "q",
        ItemKind.SHORT,
        texts=(TextKey("Flash Attention"), TextKey("*attention*", F(1, 2)), TextKey("算子")),
    )
    assert [earned(item, one) for one in ("  flash   ATTENTION ", "Ｆｌａｓｈ　Attention", "an attention head", "算子")] == [
        1, 1, F(1, 2), 1,
    ]  # fmt: skip
    assert earned(item, "softmax") is None  # a person will say
    assert earned(replace(item, unlisted=False), "softmax") == 0
    assert mark(item, "   ") == marking.OMITTED


@pytest.mark.parametrize(
    ("pattern", "answer", "found"),
    [
        ("a*c", "abc", True), ("a*c", "ac", True), ("a*c", "abcd", False), ("*", "anything", True), ("a*a", "a", False),
        ("*b*", "abc", True), ("a*b*c", "a-b-b-c", True), ("a*b*c", "acb", False), ("a**c", "abc", True),
        (r"a\*c", "a*c", True), (r"a\*c", "abc", False), (r"\**", "*x", True), ("ß", "SS", True), ("a＊c", "abc", False),
        ("a b", "a  b", True), ("", "x", False), ("a.c", "abc", False), ("[a-z]", "b", False),
    ],
)  # fmt: skip
def test_a_star_stands_for_anything_and_nothing_else_is_special(
    pattern: str, answer: str, found: bool
) -> None:
    assert matches(pattern, answer) is found


@every
@given(st.text(alphabet="ab*", max_size=7), st.text(alphabet="ab", max_size=9))
def test_stars_match_as_a_search_over_all_splits_does(pattern: str, answer: str) -> None:
    def splits(p: str, a: str) -> bool:
        if not p:
            return not a
        if p[0] == "*":
            return any(splits(p[1:], a[n:]) for n in range(len(a) + 1))
        return a[:1] == p[0] and splits(p[1:], a[1:])

    assert matches(pattern, answer) == splits(pattern, answer)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not matches("*a" * 2000 + "b", "a" * 20_000)


# ---- Whole exams

WEIGHTS = {"written": F(2, 5), "practical": F(3, 5)}
POLICY = Policy(WEIGHTS, cut=F(13, 20))
LEVELS = (D(0), D(1), D(2), D(3), D(4))
RUBRIC = (Criterion("speed", LEVELS), Criterion("tests", LEVELS, weight=D(2)))


def yes(code: str, right: bool = True, points: str = "1", scored: bool = True) -> Answered:
    item = Item(code, ItemKind.SINGLE, points=D(points), options={"A": F(1), "B": F(0)}, scored=scored)
    return Answered(item, "A" if right else "B")


def written(right: int, of: int = 10) -> Section:
    return Section("written", tuple(yes(f"q{n}", n < right) for n in range(of)))


def practical(
    first: tuple[int, ...],
    second: tuple[int, ...] | None = None,
    third: tuple[int, ...] | None = None,
    rubric_: tuple[Criterion, ...] = RUBRIC,
) -> Section:
    given_ = [one for one in (first, second or first) if one]
    marks = tuple(
        Marking(who, dict(zip((c.code for c in rubric_), one, strict=True)))
        for who, one in zip("xy", given_, strict=False)
    )
    adjudication = Marking("z", dict(zip((c.code for c in rubric_), third, strict=True))) if third else None
    return Section("practical", tasks=(Task("kernel", rubric_, marks=marks, adjudication=adjudication),))


def test_a_score_is_the_weighted_sum_of_its_sections() -> None:
    found = score([written(7), practical((3, 4))], POLICY)
    assert [(one.code, one.fraction) for one in found.sections] == [
        ("practical", F(11, 12)),
        ("written", F(7, 10)),
    ]
    assert found.total == F(2, 5) * F(7, 10) + F(3, 5) * F(11, 12)
    assert (found.passed, found.waits, found.critical_failed) == (True, (), ())
    assert found.body() == {
        "sections": {
            "practical": {"weight": "3/5", "minimum": "1/2", "fraction": "11/12"},
            "written": {"weight": "2/5", "minimum": "1/2", "fraction": "7/10"},
        },
        "total": "83/100", "cut": "13/20", "critical_failed": [], "waits": [], "passed": True,
    }  # fmt: skip
    assert json.loads(json.dumps(found.body())) == found.body()


def test_points_weigh_within_a_section_and_pilot_items_count_nothing() -> None:
    section = Section(
        "all", (yes("a", points="2.5"), yes("b", False, "1.5"), yes("c", False, "9", scored=False))
    )
    assert score([section], Policy({"all": F(1)}, cut=F(1, 2))).total == F(5, 8)


def test_the_cut_is_met_exactly_where_decimals_would_miss_it() -> None:
    thirds = Policy(WEIGHTS, cut=F(3, 5))
    rubric_ = (Criterion("one", tuple(D(n) for n in range(10))),)
    found = score([written(2, 3), practical((5,), rubric_=rubric_)], thirds)
    assert found.total == F(2, 5) * F(2, 3) + F(3, 5) * F(5, 9) == F(3, 5)
    assert found.passed is True
    assert D(2) / 3 * D("0.4") + D(5) / 9 * D("0.6") != D("0.6")  # what a decimal would have said
    assert (
        score(
            [written(2, 3), practical((5,), rubric_=rubric_)], replace(thirds, cut=F(3, 5) + F(1, 10**30))
        ).passed
        is False
    )


def test_a_section_below_its_minimum_fails_a_high_total() -> None:
    found = score([written(4), practical((4, 4))], POLICY)
    assert found.total == F(76, 100)
    assert [one.enough for one in found.sections] == [True, False]
    assert found.passed is False
    assert score([written(5), practical((4, 4))], POLICY).passed is True
    assert score([written(4), practical((4, 4))], replace(POLICY, minima={"written": F(2, 5)})).passed is True


def test_a_critical_criterion_fails_whatever_the_total() -> None:
    rubric_ = (
        Criterion("safe", LEVELS, weight=D("0.1"), critical=True),
        Criterion("rest", LEVELS, weight=D(9)),
    )
    found = score([written(10), practical((0, 4), rubric_=rubric_)], POLICY)
    assert (found.passed, found.critical_failed) == (False, ("kernel.safe",))
    assert score([written(10), practical((1, 4), rubric_=rubric_)], POLICY).passed is True
    strict = (replace(rubric_[0], needs=D(3)), rubric_[1])
    assert score([written(10), practical((2, 4), rubric_=strict)], POLICY).critical_failed == ("kernel.safe",)
    assert score([written(10), practical((3, 4), rubric_=strict)], POLICY).passed is True


def test_as_long_as_anything_waits_nobody_passed_and_nobody_failed() -> None:
    task = practical((4, 4)).tasks[0]
    one = Section("practical", tasks=(replace(task, marks=task.marks[:1]),))
    found = score([written(10), one], POLICY)
    assert (found.total, found.passed, found.waits) == (None, None, ("marks of kernel",))
    asked = Item("essay", ItemKind.SHORT, texts=(TextKey("yes"),))
    open_ = Section("written", (Answered(asked, "perhaps"),))
    assert score([open_, practical((4, 4))], POLICY).waits == ("answer to essay",)
    by_hand = Section("written", (Answered(asked, "perhaps", D("0.75")),))
    assert score([by_hand, practical((4, 4))], POLICY).total == F(2, 5) * F(3, 4) + F(3, 5)
    assert (
        score([Section("written", (Answered(asked, "yes", D(0)),)), practical((4, 4))], POLICY).total == 1
    )  # the key says


def test_facts_that_no_form_can_hold_are_errors() -> None:
    for facts in ([written(1)], [written(1), written(1)], [written(1), practical((1, 1)), Section("other")]):
        with pytest.raises(ValueError, match="sections"):
            score(facts, POLICY)
    with pytest.raises(ValueError, match="no points"):
        score([Section("written"), practical((1, 1))], POLICY)
    with pytest.raises(ValueError, match="one whole"):
        Policy({"a": F(1, 2)}, cut=F(1, 2))
    with pytest.raises(ValueError, match="somebody"):
        Policy({"a": F(1)}, cut=F(1, 2), graders=0)
    same = Marking("x", {"speed": 1, "tests": 1})
    with pytest.raises(ValueError, match="nobody marks twice"):
        Task("t", RUBRIC, marks=(same, same))
    with pytest.raises(ValueError, match="nobody marks twice"):
        Task("t", RUBRIC, marks=(same,), adjudication=same)
    for levels in (
        {"speed": 1},
        {"speed": 1, "tests": 5},
        {"speed": 1, "tests": -1},
        {"speed": 1, "other": 1},
    ):
        with pytest.raises(ValueError, match="one level"):
            Task("t", RUBRIC, marks=(Marking("x", levels),))
    with pytest.raises(ValueError, match="has criteria"):
        Task("t", ())
    for bad in (
        {"levels": (D(1),)},
        {"levels": (D(1), D(1))},
        {"levels": (D(2), D(1))},
        {"levels": (D(-1), D(1))},
    ):
        with pytest.raises(ValueError, match="rising"):
            Criterion("c", **bad)
    with pytest.raises(ValueError, match="weight"):
        Criterion("c", LEVELS, weight=D(0))


# ---- Two graders and a third


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ((3, 3), (3, 3), False), ((3, 3), (2, 4), False),  # each within one level, same side of the cut
        ((3, 3), (1, 3), True),  # two levels apart on one criterion
        ((2, 2), (3, 3), True),  # one level each, but a total on either side of the cut
    ],
)  # fmt: skip
def test_a_third_grader_is_asked_for_when_two_disagree(
    first: tuple[int, ...], second: tuple[int, ...], why: bool
) -> None:
    found = score([written(7), practical(first, second)], POLICY)
    assert found.waits == (("adjudication of kernel",) if why else ())
    assert (found.passed is None) == why
    assert found.total is not None


def test_a_critical_criterion_allows_no_difference() -> None:
    rubric_ = (Criterion("safe", LEVELS, critical=True), Criterion("rest", LEVELS))
    assert score([written(10), practical((4, 4), (3, 4), rubric_=rubric_)], POLICY).waits
    assert not score([written(10), practical((4, 4), (4, 3), rubric_=rubric_)], POLICY).waits


def test_the_final_mark_is_the_mean_of_two_or_the_median_of_three_and_never_the_higher() -> None:
    def points(rule: Rule, *levels: int) -> Fraction:
        task = practical((levels[0], 4), (levels[1], 4), (levels[2], 4) if len(levels) > 2 else None).tasks[0]
        return rubric.final(task, RUBRIC[0], rule)

    assert points(Rule.MEDIAN, 1, 4) == F(5, 2)
    for one, two, three in itertools.product(range(5), repeat=3):
        assert points(Rule.MEDIAN, one, two, three) == statistics.median([one, two, three])
        assert points(Rule.REPLACE, one, two, three) == three
    assert score([written(7), practical((0, 3), (4, 3), (1, 3))], POLICY).waits == ()


levels = st.tuples(st.integers(0, 4), st.integers(0, 4))
facts = st.tuples(st.integers(0, 10), levels, levels, st.none() | levels)


def built(fact: tuple[int, Any, Any, Any]) -> list[Section]:
    right, one, two, three = fact
    return [written(right), practical(one, two, three)]


@every
@given(facts, st.sampled_from(list(Rule)))
def test_a_score_equals_one_written_from_the_specification(
    fact: tuple[int, Any, Any, Any], rule: Rule
) -> None:
    """The same by floats, dictionaries and the statistics module, in one breath."""
    right, one, two, three = fact
    finals = [
        (statistics.median([a, b, three[n]]) if rule is Rule.MEDIAN else three[n]) if three else (a + b) / 2
        for n, (a, b) in enumerate(zip(one, two, strict=True))
    ]
    part = (finals[0] / 4 + 2 * finals[1] / 4) / 3
    total = 0.4 * right / 10 + 0.6 * part
    found = score(built(fact), replace(POLICY, rule=rule))
    assert float(found.total or 0) == pytest.approx(total, abs=1e-12)
    by = [0.04 * right + 0.6 * (a / 4 + 2 * b / 4) / 3 >= 0.65 - 1e-12 for a, b in (one, two)]
    asked = three is None and (max(abs(one[0] - two[0]), abs(one[1] - two[1])) > 1 or by[0] != by[1])
    assert bool(found.waits) == asked
    if not asked:
        assert found.passed == (total >= 0.65 - 1e-12 and right >= 5 and part >= 0.5 - 1e-12)


@every
@given(facts, st.randoms(), st.sampled_from(list(Rule)))
def test_order_never_matters_and_two_graders_may_change_places(
    fact: tuple[int, Any, Any, Any], dice: Any, rule: Rule
) -> None:
    right, one, two, three = fact
    policy = replace(POLICY, rule=rule)
    before = score(built(fact), policy)
    assert score(built((right, two, one, three)), policy) == before
    first, second = built(fact)
    answers = list(first.answers)
    dice.shuffle(answers)
    task = second.tasks[0]
    turned = replace(task, marks=task.marks[::-1], rubric=task.rubric[::-1])
    again = [replace(second, tasks=(turned,)), replace(first, answers=tuple(answers))]
    assert score(again, policy).body() == before.body()


@every
@given(facts, st.integers(0, 2), st.integers(0, 1), st.integers(1, 4), st.sampled_from(list(Rule)))
def test_raising_a_mark_never_lowers_a_total(
    fact: tuple[int, Any, Any, Any], who: int, where: int, more: int, rule: Rule
) -> None:
    policy = replace(POLICY, rule=rule)
    right, marks = fact[0], [list(one) if one else None for one in fact[1:]]
    before = score(built(fact), policy)
    chosen = marks[who]
    if chosen is None:
        right = min(10, right + more)
    else:
        chosen[where] = min(4, chosen[where] + more)
    after = score(built((right, *(tuple(one) if one else None for one in marks))), policy)  # type: ignore[arg-type]
    assert before.total is not None
    assert after.total is not None
    assert after.total >= before.total
    assert set(after.critical_failed) <= set(before.critical_failed)
    if before.passed and after.passed is not None:
        assert after.passed


def test_several_tasks_are_disputed_one_by_one() -> None:
    fine, torn = practical((4, 4)).tasks[0], practical((0, 0), (4, 4)).tasks[0]
    section = Section("practical", tasks=(fine, replace(torn, code="port")))
    assert score([written(10), section], POLICY).waits == ("adjudication of port",)
    missing = replace(fine, code="late", marks=())
    found = score(
        [
            written(10),
            Section(
                "practical", tasks=(replace(fine, marks=practical((2, 2), (3, 3)).tasks[0].marks), missing)
            ),
        ],
        POLICY,
    )
    assert found.waits == ("marks of late",)  # which side of the cut is not known yet


def test_a_score_is_shown_half_up_and_compared_unrounded() -> None:
    assert [shown(F(1, 3)), shown(F(2, 3)), shown(F(12345, 100000)), shown(F(0)), shown(F(1))] == [
        "33.33", "66.67", "12.35", "0.00", "100.00",
    ]  # fmt: skip
    near = F(649_996, 1_000_000)
    assert shown(near) == "65.00"
    found = score(
        [Section("all", (yes("a", points="649996"), yes("b", False, "350004")))],
        Policy({"all": F(1)}, cut=F(13, 20)),
    )
    assert (found.total, found.passed) == (near, False)


def test_marked_anew_nobody_loses_a_pass_and_no_appeal_lowers_a_score() -> None:
    low, high = score([written(6), practical((2, 3))], POLICY), score([written(8), practical((4, 4))], POLICY)
    assert scoring.no_worse(high, low) is high
    assert scoring.no_worse(low, high) is high
    assert scoring.passes_still(high, low)
    assert scoring.passes_still(low, high)
    assert not scoring.passes_still(low, low)
    torn = score([written(9), practical((0, 0), (4, 4))], POLICY)
    assert scoring.no_worse(low, torn) is low  # what waits replaces nothing


# ---- The cut


def test_the_panel_of_the_specification() -> None:
    rows = [[D(p) for p in one.split()] for one in (".6 .7 .5", ".7 .8 .45", ".55 .75 .6", ".65 .65 .55")]
    cut = standard.angoff([1, 1, 2], rows)
    assert cut.totals == (F("2.3"), F("2.4"), F("2.5"), F("2.4"))
    assert (cut.points, cut.most, cut.share) == (F("2.4"), F(4), F(3, 5))
    assert round(cut.error or D(0), 4) == D("0.0408")
    assert standard.item_means(rows) == [F(5, 8), F(29, 40), F(21, 40)]
    assert standard.form_cut(list(zip([1, 1, 2], standard.item_means(rows), strict=True))) == cut.share
    assert cut.adoptable(F(3, 5))
    assert cut.adoptable(F(59, 100))
    assert not cut.adoptable(F(3, 5) + F(1, 10**9))
    assert not cut.adoptable(F(58, 100))


@pytest.mark.parametrize("judges", [2, 5, 12])
def test_a_cut_equals_numpy_and_scipy(judges: int) -> None:
    dice = np.random.default_rng(judges)
    points = [int(one) for one in dice.integers(1, 5, size=20)]
    rows = [[D(int(p)) / 20 for p in row] for row in dice.integers(4, 20, size=(judges, 20))]
    totals = np.array([[float(p) for p in row] for row in rows]) @ np.array(points)
    cut = standard.angoff(points, rows)
    assert float(cut.points) == pytest.approx(totals.mean())
    assert float(cut.error or 0) == pytest.approx(stats.sem(totals))
    assert cut.interval is not None
    low, high = stats.t.interval(0.95, judges - 1, loc=totals.mean(), scale=stats.sem(totals))
    assert [float(one) for one in cut.interval] == pytest.approx([low, high])
    assert cut.icc is not None


def test_students_quantile_equals_scipys() -> None:
    for freedom in (*range(1, 31), 50, 101, 400):
        assert standard.student95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)
    with pytest.raises(ValueError, match="degree"):
        standard.student95(0)


def test_a_drawn_form_has_the_cut_of_its_own_items() -> None:
    hard, easy = [(D(1), F(2, 5))] * 6, [(D(2), F(4, 5))] * 2
    assert standard.form_cut(hard) == F(2, 5)
    assert standard.form_cut(hard + easy) == F(6 * 2 + 2 * 8, 50)
    assert standard.form_cut(hard, less=F(1, 50)) == F(19, 50)
    assert standard.form_cut([(D(1), F(0))], less=F(1, 50)) == 0
    assert standard.exam_cut({"w": F(2, 5), "p": F(3, 5)}, {"w": F(1, 2), "p": F(2, 3)}) == F(3, 5)
    with pytest.raises(ValueError, match="no points"):
        standard.form_cut([])


def test_a_panel_rates_everything_with_chances() -> None:
    for points, rows in (([], []), ([1], []), ([0], [[D(1)]]), ([-1], [[D(1)]])):
        with pytest.raises(ValueError, match="judges and points"):
            standard.angoff(points, rows)
    for rows in ([[D(1), D(1)]], [[D("1.01")]], [[D("-0.1")]]):
        with pytest.raises(ValueError, match="every judge"):
            standard.angoff([1], rows)
    alone = standard.angoff([1, 1], [[D("0.5"), D("0.7")]])
    assert (alone.error, alone.interval, alone.icc, alone.least) == (None, None, None, alone.share)
