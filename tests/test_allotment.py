"""How much of a benefit is left, and who is next: properties of the pure functions of members.md 5."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.members import allotment
from portal.members.allotment import Shares, Waiting
from portal.members.standing import EndingCause, EndingFact, Facts, ReversalFact, TermFact

START = date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAYS = st.dates(date(2025, 6, 1), date(2028, 6, 1))
GROUPS = st.tuples(st.sampled_from(["platinum", "gold", "silver"]), st.sampled_from(["chip", "model"]))
SHARES = st.one_of(
    st.none(),
    st.builds(
        Shares,
        st.dictionaries(st.sampled_from(["platinum", "gold"]), st.integers(1, 5)),
        st.dictionaries(st.just("chip"), st.integers(1, 3)),
    ),
)


def waiting(*rows: tuple[int, tuple[str, str]]) -> list[Waiting]:
    """Return a queue in order of claiming: quantity and group."""
    return [
        Waiting(n, NOON + timedelta(minutes=n), quantity, group) for n, (quantity, group) in enumerate(rows)
    ]


QUEUES = st.lists(st.tuples(st.integers(1, 4), GROUPS), max_size=12).map(lambda rows: waiting(*rows))


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 40), DAYS, st.one_of(st.none(), DAYS), DAYS, st.one_of(st.none(), DAYS))  # fmt: skip
def test_available_is_what_is_left_within_its_days_and_nothing_outside(
    quantity: int | None, taken: int, start: date, until: date | None, on: date, claim_by: date | None
) -> None:
    left = allotment.available(quantity, taken=taken, start=start, until=until, on=on, claim_by=claim_by)
    inside = start <= on and (until is None or on < until) and (claim_by is None or on <= claim_by)
    whole = 1 if quantity is None else quantity
    assert left >= 0
    assert left == (max(0, whole - taken) if inside else 0)
    assert left + taken == max(whole, taken) or not inside


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.lists(st.integers(1, 3), max_size=8))
def test_a_change_of_tier_gives_the_new_quantity_less_what_is_taken(
    old: int, new: int, claims: list[int]
) -> None:
    taken = 0
    for quantity in claims:
        if quantity <= allotment.available(old, taken=taken, start=START, until=None, on=START):
            taken += quantity
    assert taken <= old
    assert allotment.available(new, taken=taken, start=START, until=None, on=START) == max(0, new - taken)


@settings(max_examples=500, deadline=None)
@given(QUEUES, st.dictionaries(GROUPS, st.integers(0, 9)), SHARES)
def test_a_queue_serves_everybody_once_and_each_group_in_order_of_claiming(
    queue: list[Waiting], taken: dict[tuple[str, str], int], shares: Shares | None
) -> None:
    order = allotment.in_line(reversed(queue), taken, shares)
    assert sorted(one.id for one in order) == [one.id for one in queue]
    for group in {one.group for one in queue}:
        mine = [one.id for one in order if one.group == group]
        assert mine == sorted(mine)
    if shares is None:
        assert [one.id for one in order] == [one.id for one in queue]


@settings(max_examples=500, deadline=None)
@given(QUEUES, st.dictionaries(GROUPS, st.integers(0, 9)), SHARES, st.integers(0, 30))
def test_places_go_from_the_front_and_never_beyond_what_is_free(
    queue: list[Waiting], taken: dict[tuple[str, str], int], shares: Shares | None, places: int
) -> None:
    order = allotment.in_line(queue, taken, shares)
    found = allotment.served(order, places)
    total = sum(one.quantity for one in found)
    assert order[: len(found)] == found
    assert total <= places
    assert len(found) == len(order) or total + order[len(found)].quantity > places


@settings(max_examples=500, deadline=None)
@given(st.lists(GROUPS, min_size=1, max_size=4), SHARES.filter(lambda one: one is not None))
def test_nobody_starves_however_many_of_the_heaviest_keep_coming(
    groups: list[tuple[str, str]], shares: Shares
) -> None:
    queue = waiting(*((1, group) for group in groups))
    last, held, number = queue[-1], Counter[tuple[str, str]](), len(queue)
    while last in queue:
        first = allotment.in_line(queue, held, shares)[0]
        held[first.group] += first.quantity
        queue.remove(first)
        queue.append(Waiting(number, NOON + timedelta(minutes=number), 1, ("platinum", "chip")))
        number += 1
        assert number < 100


def test_shares_give_platinum_chip_vendors_six_places_to_one() -> None:
    shares = Shares({"platinum": 3}, {"chip": 2})
    many = [(1, ("silver", "model"))] * 3 + [(1, ("platinum", "chip"))] * 12
    order = allotment.in_line(waiting(*many), {}, shares)
    assert [one.group[0] for one in order[:7]].count("platinum") == 6
    assert [one.group[0] for one in order[:14]].count("silver") == 2


def test_what_is_given_adds_tier_and_category_and_a_cell_stands_for_itself() -> None:
    body = {"tiers": {"platinum": 4}, "categories": {"chip": 2}, "cells": {"gold": {"chip": 9}}}
    table = {
        ("platinum", "chip"): 6, ("platinum", "model"): 4, ("silver", "chip"): 2, ("gold", "chip"): 9,
        ("gold", "model"): allotment.NOTHING,
    }  # fmt: skip
    assert {key: allotment.given(body, *key) for key in table} == table
    assert (
        allotment.given({"tiers": {"platinum": None}, "categories": {"chip": 2}}, "platinum", "chip") is None
    )


@pytest.mark.parametrize(
    ("per", "day", "start", "end"),
    [
        ("month", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("quarter", "2026-02-28", "2026-01-01", "2026-04-01"),
        ("half_year", "2026-07-01", "2026-07-01", "2027-01-01"),
        ("year", "2024-02-29", "2024-01-01", "2025-01-01"),
    ],
)
def test_periods_of_capacity(per: str, day: str, start: str, end: str) -> None:
    found = allotment.span(per, date.fromisoformat(day))
    assert found == (date.fromisoformat(start), date.fromisoformat(end))


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="not fortnight"):
        allotment.span("fortnight", START)


def test_the_last_day_to_claim_is_a_day_or_counted_from_the_start() -> None:
    assert allotment.last_claim_day({}, START) is None
    assert allotment.last_claim_day({"claim_by": "2026-10-31"}, START) == date(2026, 10, 31)
    assert allotment.last_claim_day({"claim_by": date(2026, 10, 31)}, START) == date(2026, 10, 31)
    assert allotment.last_claim_day({"claim_days": 31}, START) == date(2026, 1, 31)


def test_a_term_stops_at_its_earliest_ending_unless_it_is_undone() -> None:
    term = TermFact(
        id=1, start=START, end=date(2027, 1, 1), tier="gold", covered=True, due=None, recorded_at=NOON
    )
    endless = TermFact(id=2, start=START, end=None, tier="gold", covered=True, due=None, recorded_at=NOON)
    said = [
        EndingFact(id=n, term_id=1, on=day, cause=EndingCause.RESIGNED, recorded_at=NOON)
        for n, day in ((1, date(2026, 6, 1)), (2, date(2026, 9, 1)))
    ]
    undone = ReversalFact(id=1, undoes_kind="ending", undoes_id=1, from_day=START, recorded_at=NOON)
    lifted = ReversalFact(id=2, undoes_kind="hold", undoes_id=2, from_day=START, recorded_at=NOON)
    assert allotment.stops(Facts(terms=(term, endless), endings=tuple(said))) == {
        1: date(2026, 6, 1),
        2: None,
    }
    assert allotment.stops(Facts(terms=(term,), endings=tuple(said), reversals=(undone, lifted))) == {
        1: date(2026, 9, 1)
    }
    assert allotment.stops(Facts(terms=(term,))) == {1: date(2027, 1, 1)}
