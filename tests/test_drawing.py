"""Drawing forms: the blueprint is met, enemies never meet, the unseen and least shown come first, shortage is named."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certs.drawing import Candidate, Short, draw, shuffled, topic_of


def mutual(pairs: list[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        if one != other:
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found


banks = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.booleans()), min_size=1, max_size=12
).map(lambda rows: [Candidate(n, n, topic, shown, seen) for n, (topic, shown, seen) in enumerate(rows)])
pairs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=10)


def possible(blueprint: dict[str, int], bank: list[Candidate], foes: dict[int, set[int]]) -> bool:
    """Whether any form exists, found by trying every set."""

    def fill(rest: list[Candidate], need: dict[str, int], taken: frozenset[int]) -> bool:
        if not any(need.values()):
            return True
        if not rest:
            return False
        first, *others = rest
        if need.get(first.topic) and not foes.get(first.item, set()) & taken:
            less = {**need, first.topic: need[first.topic] - 1}
            if fill(others, less, taken | {first.item}):
                return True
        return fill(others, need, taken)

    return fill(bank, blueprint, frozenset())


@settings(max_examples=400, deadline=None)
@given(banks, pairs, st.integers(1, 4), st.integers(0, 3), st.integers(0, 9))
def test_a_form_is_found_exactly_when_there_is_one(
    bank: list[Candidate], foes: list[tuple[int, int]], a: int, b: int, seed: int
) -> None:
    blueprint, enemies = {"a": a, "b": b} if b else {"a": a}, mutual(foes)
    found = draw(blueprint, bank, enemies, Random(seed))
    assert bool(found.chosen) is possible(blueprint, bank, enemies)
    if found.chosen:
        assert Counter(one.topic for one in found.chosen) == blueprint
        items = {one.item for one in found.chosen}
        assert len(items) == a + b
        assert not any(enemies.get(one, set()) & items for one in items)
    else:
        assert found.short
        assert all(one.topic in blueprint and one.have < one.need for one in found.short)


@settings(max_examples=200, deadline=None)
@given(banks, st.integers(1, 4), st.integers(0, 9))
def test_the_unseen_come_before_the_seen_and_the_least_shown_first(
    bank: list[Candidate], count: int, seed: int
) -> None:
    found = draw({"a": count}, bank, {}, Random(seed))
    ranks = sorted((one.seen, one.shown) for one in bank if one.topic == "a")
    assert sorted((one.seen, one.shown) for one in found.chosen) == (ranks[:count] if found.chosen else [])


def test_anchors_have_their_share_of_the_places_before_other_items_but_none_that_was_seen() -> None:
    bank = [Candidate(n, n, "a", shown=5 * (n < 4), seen=n == 0, anchor=n < 4) for n in range(20)]
    for seed in range(20):
        chosen = draw({"a": 10}, bank, {}, Random(seed), anchor_share=20).chosen
        anchors = [one for one in chosen if one.anchor]
        assert (len(chosen), len(anchors), any(one.seen for one in anchors)) == (10, 2, False)
    foes = mutual([(1, 2), (1, 3), (2, 3)])
    chosen = draw({"a": 10}, bank, foes, Random(1), anchor_share=100).chosen
    assert (len(chosen), sum(one.anchor for one in chosen)) == (10, 1)


def test_equals_are_drawn_at_random() -> None:
    bank = [Candidate(n, n, "a") for n in range(6)]
    drawn = Counter(one.item for seed in range(600) for one in draw({"a": 2}, bank, {}, Random(seed)).chosen)
    assert min(drawn.values()) > 120
    assert max(drawn.values()) < 280


def test_each_short_topic_is_named() -> None:
    bank = [Candidate(1, 1, "a"), Candidate(2, 2, "b")]
    assert draw({"a": 2, "b": 1, "c": 3}, bank, {}, Random(0)).short == (Short("a", 2, 1), Short("c", 3, 0))
    assert draw({"a": 1, "b": 1}, bank, mutual([(1, 2)]), Random(0)).short[0].have == 0


def test_a_tag_belongs_to_the_longest_topic_that_it_lies_below() -> None:
    topics = ["memory", "memory/layout", "tests"]
    assert topic_of("memory/layout/tiles", topics) == "memory/layout"
    assert topic_of("memory", topics) == "memory"
    assert topic_of("memoryless", topics) is None


def test_pinned_options_stay_last() -> None:
    found = {
        tuple(shuffled([("a", False), ("b", True), ("c", False), ("d", True)], Random(n))) for n in range(30)
    }
    assert found == {("a", "c", "b", "d"), ("c", "a", "b", "d")}
