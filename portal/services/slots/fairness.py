"""The fair rule of adaptation slots: whose turn it is, computed anew after each grant; integers only, pure functions.

(1) waiting longer than so many days, the oldest first; (2) so many slots of a quarter for small members; (3) the smallest
(slots of the corporate group in 12 months + 1) ÷ weight, compared crosswise; ties by day of request, then id. Who is no
member has what is left. One group gets at most its share of a quarter's slots, at least one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cmp_to_key

from portal.services.slots.kinds import Why


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request: its corporate group, the day it was made, its weight in halves, whether small, and whether of a member."""

    id: int
    group: int
    asked: date
    weight: int
    small: bool = False
    member: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """The numbers of the rule: days after which nobody younger goes first, slots for small ones, per cent of a group."""

    long_days: int = 180
    small_slots: int = 1
    share_percent: int = 25


@dataclass(frozen=True, slots=True)
class Quarter:
    """What a quarter has: its slots, and what was given of it, by group and to small members; slots of 12 months by group."""

    slots: int
    by_group: Mapping[int, int]
    small_given: int
    in_year: Mapping[int, int]

    @property
    def left(self) -> int:
        """How many slots nobody has."""
        return max(0, self.slots - sum(self.by_group.values()))

    def given_to(self, one: Waiting) -> Quarter:
        """Return the quarter after a grant."""
        return replace(
            self,
            by_group={**self.by_group, one.group: self.by_group.get(one.group, 0) + 1},
            small_given=self.small_given + one.small,
            in_year={**self.in_year, one.group: self.in_year.get(one.group, 0) + 1},
        )


def most_of_group(slots: int, percent: int) -> int:
    """Return how many slots of a quarter one corporate group may have: its share in whole slots, at least one."""
    return max(1, slots * percent // 100)


def has_room(one: Waiting, quarter: Quarter, rule: Rule) -> bool:
    """Whether a request's group has less than its share of the quarter."""
    return quarter.by_group.get(one.group, 0) < most_of_group(quarter.slots, rule.share_percent)


def ratio(one: Waiting, quarter: Quarter) -> tuple[int, int]:
    """Return (slots in 12 months + 1, weight in halves): the smaller the fraction, the sooner."""
    return quarter.in_year.get(one.group, 0) + 1, one.weight


def _before(one: Waiting, other: Waiting, quarter: Quarter) -> int:
    """Compare two members by rule 3, crosswise; below zero if `one` goes first."""
    (a, w), (b, v) = ratio(one, quarter), ratio(other, quarter)
    left, right = (a * v, one.asked.toordinal(), one.id), (b * w, other.asked.toordinal(), other.id)
    return -1 if left < right else int(left > right)


def is_long(one: Waiting, rule: Rule, today: date) -> bool:
    """Whether a request waits longer than the rule allows."""
    return (today - one.asked).days > rule.long_days


def turn(waiting: Iterable[Waiting], quarter: Quarter, rule: Rule, today: date) -> tuple[Waiting, Why] | None:
    """Return whose turn the next slot is, and why; None if nobody may have one."""
    able = [one for one in waiting if has_room(one, quarter, rule)]
    old = [one for one in able if is_long(one, rule, today)]
    if old:
        return min(old, key=lambda one: (one.asked, one.id)), Why.LONG
    members = [one for one in able if one.member]
    small = [one for one in members if one.small]

    def compare(one: Waiting, other: Waiting) -> int:
        return _before(one, other, quarter)

    key = cmp_to_key(compare)
    if small and quarter.small_given < rule.small_slots:
        return min(small, key=key), Why.SMALL
    if members:
        return min(members, key=key), Why.RATIO
    return (min(able, key=key), Why.LEFT) if able else None


@dataclass(frozen=True, slots=True)
class Placed:
    """A request's place in the queue: whether a slot is there for it now, why, and the fraction it was compared by."""

    one: Waiting
    place: int
    now: bool
    why: Why
    ratio: tuple[int, int]


def line(
    waiting: Iterable[Waiting],
    quarter: Quarter,
    rule: Rule,
    today: date,
    *,
    passed: frozenset[int] = frozenset(),
) -> list[Placed]:
    """Return everybody who waits, in the order of their turn: first who has a slot now, then the others, with why.

    `passed` are the requests that passed a slot of this quarter: they stand behind until the next one.
    """
    left, found = [one for one in waiting if one.id not in passed], list[Placed]()
    while quarter.left and (next_one := turn(left, quarter, rule, today)) is not None:
        one, why = next_one
        found.append(Placed(one, len(found) + 1, True, why, ratio(one, quarter)))
        left.remove(one)
        quarter = quarter.given_to(one)
    return found + _rest(left, [one for one in waiting if one.id in passed], quarter, rule, today, len(found))


def _rest(
    left: list[Waiting], passed: list[Waiting], quarter: Quarter, rule: Rule, today: date, place: int
) -> list[Placed]:
    """Return those without a slot in the order they would come if there were more, those without room behind them."""
    endless, found = replace(quarter, slots=quarter.slots + len(left) * 100), list[Placed]()
    able = [one for one in left if has_room(one, quarter, rule)]
    shut = [one for one in left if one not in able]
    for group in (able, shut):
        while (next_one := turn(group, replace(endless, by_group={}), rule, today)) is not None:
            one, why = next_one
            said = Why.SHARE if group is shut else why
            found.append(Placed(one, place + len(found) + 1, False, said, ratio(one, endless)))
            group.remove(one)
            endless = replace(endless.given_to(one), by_group={})
    for one in sorted(passed, key=lambda one: (one.asked, one.id)):
        found.append(Placed(one, place + len(found) + 1, False, Why.PASSED, ratio(one, quarter)))
    return found
