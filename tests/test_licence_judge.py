"""`judge`: the first code that fits, over all combinations of conditions, changing exactly at the instants of the rows."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.services.licences.judge import (
    Ask,
    Entitlement,
    Facts,
    HoldSpan,
    Seat,
    Span,
    judge,
    limit_at,
    parts,
    period_at,
    runs,
    stage,
)
from portal.services.licences.kinds import (
    BORROWED,
    KEEPS,
    ClosedWhy,
    Code,
    HoldReason,
    Policy,
    Stage,
    TermKind,
)

T0 = datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
YEAR = Span(TermKind.BASE, 10, T0, T0 + 365 * DAY, grace_days=15)
END, OVER = YEAR.end, YEAR.end + 15 * DAY
ASK = Ask("node-1", "flagscale", "view", "2.1")
TOOL = Entitlement("flagscale", ("view",), "3")
SEAT = Seat(1, T0 + 400 * DAY)
FACTS = Facts("active", Policy.FLOATING, 30, 1, terms=(YEAR,), tools=(TOOL,), seat=SEAT)
MIDDLE = T0 + 100 * DAY


def test_the_order_of_codes_holds_over_all_combinations_of_conditions() -> None:
    """Each flaw alone gives its code, any set of them the first in the order of the specification."""
    flaws = {
        Code.KEY_UNKNOWN: lambda f, a: (replace(f, key_ends=MIDDLE), a),
        Code.REVOKED: lambda f, a: (replace(f, state="revoked"), a),
        Code.SUSPENDED: lambda f, a: (replace(f, holds=(HoldSpan(HoldReason.PAYMENT, T0),)), a),
        Code.EXPIRED: lambda f, a: (replace(f, terms=(replace(YEAR, start=T0 - 90 * DAY, end=T0),)), a),
        Code.TOOL_NOT_ENTITLED: lambda f, a: (f, replace(a, tool="flagcicd")),
        Code.FEATURE_NOT_ENTITLED: lambda f, a: (f, replace(a, feature="other")),
        Code.VERSION_NOT_ENTITLED: lambda f, a: (f, replace(a, version="3.0.1")),
        Code.NODE_REQUIRED: lambda f, a: (f, replace(a, fingerprint="")),
        Code.NODE_BLOCKED: lambda f, a: (replace(f, blocked=True), a),
        Code.NODE_NOT_NAMED: lambda f, a: (replace(f, policy=Policy.NODE_NAMED), a),
        Code.NODE_UNKNOWN: lambda f, a: (replace(f, seat=None), a),
    }
    order = list(flaws)
    for size in range(len(order) + 1):
        for chosen in itertools.combinations(order, size):
            facts, ask = FACTS, ASK
            for code in reversed(chosen):
                facts, ask = flaws[code](facts, ask)
            expected = chosen[0] if chosen else Code.VALID
            assert judge(facts, ask, MIDDLE).code is expected, chosen
            assert judge(facts, ask, MIDDLE) == judge(facts, ask, MIDDLE)


def test_the_seat_is_judged_by_rank_then_lease_then_end_then_what_was_lent() -> None:
    lent = Span(TermKind.OVERAGE, 2, T0, T0 + 900 * DAY)
    cases = itertools.product((9, 12, 13), (10, 11, 12, 13), (False, True), (False, True), Policy)
    for live, rank, lapsed, grace, policy in cases:
        now = END if grace else MIDDLE
        seat = Seat(rank, now if lapsed else now + TICK)
        facts = replace(FACTS, terms=(YEAR, lent), live=live, seat=seat, policy=policy, named=True)
        if live > 12 and rank > 12:
            expected = Code.NODE_OVER_LIMIT
        elif lapsed and policy is not Policy.NODE_LOCKED:
            expected = Code.LEASE_LAPSED
        elif grace:
            expected = Code.VALID_GRACE
        else:
            expected = Code.VALID_OVERAGE if live > 10 and rank > 10 else Code.VALID
        assert judge(facts, ASK, now).code is expected, (live, rank, lapsed, grace, policy)


def test_final_states_and_no_term_come_before_all_else() -> None:
    assert judge(None, ASK, MIDDLE).code is Code.KEY_UNKNOWN
    assert judge(replace(FACTS, state="superseded", terms=()), ASK, MIDDLE).code is Code.SUPERSEDED
    assert judge(replace(FACTS, state="cancelled", terms=()), ASK, MIDDLE).code is Code.REVOKED
    assert judge(replace(FACTS, state="pending", terms=()), ASK, MIDDLE).code is Code.PENDING
    only_lent = (Span(TermKind.COURTESY, 3, T0, END),)
    assert judge(replace(FACTS, terms=only_lent), ASK, MIDDLE).code is Code.PENDING


def test_the_code_changes_at_that_microsecond() -> None:
    def code(now: datetime) -> Code:
        return judge(FACTS, ASK, now).code

    assert [code(at) for at in (T0 - TICK, T0)] == [Code.NOT_STARTED, Code.VALID]
    assert [code(at) for at in (END - TICK, END)] == [Code.VALID, Code.VALID_GRACE]
    assert [code(at) for at in (OVER - TICK, OVER)] == [Code.VALID_GRACE, Code.EXPIRED]
    key = replace(FACTS, key_ends=MIDDLE)
    assert [judge(key, ASK, at).code for at in (MIDDLE - TICK, MIDDLE)] == [Code.VALID, Code.KEY_UNKNOWN]
    held = replace(FACTS, holds=(HoldSpan(HoldReason.ABUSE, MIDDLE, MIDDLE + DAY),))
    codes = [judge(held, ASK, at).code for at in (MIDDLE - TICK, MIDDLE, MIDDLE + DAY - TICK, MIDDLE + DAY)]
    assert codes == [Code.VALID, Code.SUSPENDED, Code.SUSPENDED, Code.VALID]
    leased = replace(FACTS, seat=Seat(1, MIDDLE))
    assert [judge(leased, ASK, at).code for at in (MIDDLE - TICK, MIDDLE)] == [Code.VALID, Code.LEASE_LAPSED]
    borrowed = replace(FACTS, seat=Seat(1, T0, MIDDLE))
    codes = [judge(borrowed, ASK, at).code for at in (MIDDLE - TICK, MIDDLE)]
    assert codes == [Code.VALID, Code.LEASE_LAPSED]


def test_stages_change_at_their_instants() -> None:
    seen = [
        stage((YEAR,), at, 30) for at in (T0 - TICK, T0, END - 30 * DAY - TICK, END - 30 * DAY, END, OVER)
    ]
    assert seen == [
        Stage.NOT_STARTED, Stage.IN_FORCE, Stage.IN_FORCE, Stage.EXPIRING, Stage.GRACE, Stage.EXPIRED,
    ]  # fmt: skip
    follows = Span(TermKind.BENEFIT, 5, END, END + 365 * DAY, grace_days=3)
    assert stage((YEAR, follows), END - TICK, 30) is Stage.IN_FORCE
    assert stage((), T0, 30) is Stage.PENDING


def test_a_decrease_from_ten_to_six_stops_exactly_four() -> None:
    six = replace(YEAR, nodes=6, start=END, end=END + 365 * DAY)
    facts = replace(FACTS, terms=(YEAR, six), live=10)
    now = END + DAY
    codes = [
        judge(replace(facts, seat=Seat(rank, now + DAY)), ASK, now).code for rank in range(1, 11)
    ]  # the rank says who goes on
    assert codes == [Code.VALID] * 6 + [Code.NODE_OVER_LIMIT] * 4
    courtesy = Span(TermKind.COURTESY, 4, END, END + 14 * DAY)
    facts = replace(facts, terms=(YEAR, six, courtesy))
    codes = [judge(replace(facts, seat=Seat(rank, now + DAY)), ASK, now).code for rank in range(1, 11)]
    assert codes == [Code.VALID] * 6 + [Code.VALID_OVERAGE] * 4


def test_after_a_credit_note_there_is_no_grace_and_in_grace_the_limit_is_what_it_was() -> None:
    closed = replace(YEAR, closed=MIDDLE, why=ClosedWhy.CREDIT_NOTE)
    more = Span(TermKind.INCREASE, 5, MIDDLE, END)
    assert judge(replace(FACTS, terms=(closed,)), ASK, MIDDLE).code is Code.EXPIRED
    assert limit_at((closed, more), MIDDLE) == 0
    assert limit_at((YEAR, more), END) == 15
    assert limit_at((YEAR, more), OVER - TICK) == 15
    assert limit_at((YEAR, more), OVER) == 0
    tier = replace(YEAR, closed=MIDDLE, why=ClosedWhy.TIER)
    assert judge(replace(FACTS, terms=(tier,)), ASK, MIDDLE).code is Code.VALID_GRACE


def test_versions_compare_by_their_numbers() -> None:
    assert parts("2.10") > parts("2.9")
    assert parts("v3.0.0") == parts("3")
    assert judge(FACTS, replace(ASK, version="3.0.0"), MIDDLE).code is Code.VALID


spans = st.builds(
    lambda kind, nodes, start, length, closed, grace: Span(
        kind, nodes, T0 + start * DAY, T0 + (start + length) * DAY,
        None if closed is None else T0 + (start + min(closed, length)) * DAY,
        None if closed is None else ClosedWhy.TIER, grace,
    ),
    st.sampled_from(TermKind), st.integers(1, 9), st.integers(0, 40), st.integers(1, 30), st.none() | st.integers(0, 30),
    st.integers(0, 10),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(spans, max_size=6), st.integers(-2, 90))
def test_the_limit_is_the_sum_of_the_terms_in_force_whatever_they_are(terms: list[Span], day: int) -> None:
    """Against a plain reading, day by day, of what the specification says."""
    now = T0 + day * DAY

    def kept(at: datetime) -> bool:
        return any(one.kind in KEEPS and one.start <= at < one.until for one in terms)

    def total(at: datetime) -> int:
        return sum(one.nodes for one in terms if one.start <= at < one.until)

    period = period_at(terms, now)
    if kept(now):
        assert period is not None
        assert limit_at(terms, now) == total(now)
        assert not kept(period.end)
        assert all(kept(now + n * DAY) for n in range((period.end - now).days))
    else:
        days = [n for n in range(-1, day) if kept(T0 + n * DAY)]
        if not days:
            assert period is None
            assert limit_at(terms, now) == 0
        else:
            assert period is not None
            last = T0 + days[-1] * DAY
            assert period.end == last + DAY
            expected = total(last) if now < period.over else 0
            assert limit_at(terms, now) == expected
    lasting = limit_at(terms, now, lasting=True)
    assert lasting <= limit_at(terms, now)
    if not any(one.kind in BORROWED for one in terms):
        assert lasting == limit_at(terms, now)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(runs(terms)))


moments = st.integers(-3, 110).map(lambda day: T0 + day * DAY)
seats = st.none() | st.builds(Seat, st.integers(1, 8), moments, st.none() | moments)
lifted = st.builds(
    lambda start, days: HoldSpan(HoldReason.PAYMENT, start, None if days is None else start + days * DAY),
    moments,
    st.none() | st.integers(0, 30),
)
told = st.builds(
    Facts, st.sampled_from(("pending", "active", "suspended", "revoked", "superseded")), st.sampled_from(Policy), st.just(30), st.integers(0, 9),
    st.none() | moments, st.lists(spans, max_size=4).map(tuple), st.lists(lifted, max_size=3).map(tuple), st.just((TOOL,)), seats,
    st.booleans(), st.booleans(),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(told)
def test_nothing_changes_between_two_instants_that_rows_name(facts: Facts) -> None:
    """Whatever the facts: the answer is the same just after an instant and just before the next, and asked twice."""
    named = {T0 - 99 * DAY, T0 + 999 * DAY, *(one for one in (facts.key_ends,) if one)}
    for term in facts.terms:
        named |= {term.start, term.until, term.until + term.grace, term.end}
    for hold in facts.holds:
        named |= {hold.start, *(one for one in (hold.lifted,) if one)}
    if facts.seat is not None:
        named |= {facts.seat.lease_until, *(one for one in (facts.seat.offline_until,) if one)}
    for earlier, later in itertools.pairwise(sorted(named)):
        codes = {
            judge(facts, ASK, at).code
            for at in (earlier, earlier + TICK, earlier + (later - earlier) / 2, later - TICK)
        }
        assert len(codes) == 1, (earlier, later)
    assert judge(facts, ASK, MIDDLE) == judge(replace(facts), ASK, MIDDLE)


def test_the_judge_knows_no_clock_no_database_and_no_settings() -> None:
    import ast
    from pathlib import Path

    from portal.services.licences import judge as module

    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    asked = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    asked |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert asked == {
        "__future__",
        "collections.abc",
        "dataclasses",
        "datetime",
        "portal.services.licences.kinds",
        "re",
    }
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not called & {"now", "utcnow", "today", "time", "monotonic"}
