"""Which period comes next and what it costs, what late money does, which words are due: pure functions of days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from portal.core.money import half_up
from portal.core.periods import days, nth, period, unused

MONTHS = 12
WHOLE_BP = 10_000


class Basis(StrEnum):
    """Whether periods run from a member's own day or with the calendar's year."""

    ANNIVERSARY = "anniversary"
    CALENDAR_YEAR = "calendar_year"


class Joining(StrEnum):
    """What somebody pays who comes late into a calendar year."""

    DAILY = "daily"
    FULL = "full"
    MONTHLY = "monthly"
    STEPS = "steps"
    ROLL_OVER = "roll_over"


@dataclass(frozen=True, slots=True)
class Period:
    """A period `[start, end)`, number `k` of its anchor; it may begin later than the whole one it belongs to."""

    start: date
    end: date
    anchor: date
    k: int

    @property
    def whole(self) -> tuple[date, date]:
        """The whole contractual period, never a shortened one."""
        return period(self.anchor, MONTHS, self.k)

    @property
    def shortened(self) -> bool:
        """Whether it begins after the whole one did."""
        return self.start > self.whole[0]


def following(end: date, anchor: date, k: int, basis: Basis) -> Period:
    """Return the period that begins where one ended, always counted from the anchor.

    Only where the old anchor does not lead there (an odd imported term, a tier that went over to the calendar's
    year) does a new anchor begin.
    """
    if nth(anchor, MONTHS, k + 1) == end and (basis is Basis.ANNIVERSARY or _new_year(anchor)):
        first, last = period(anchor, MONTHS, k + 1)
        return Period(first, last, anchor, k + 1)
    return beginning(end, basis)


def _new_year(day: date) -> bool:
    return (day.month, day.day) == (1, 1)


def beginning(start: date, basis: Basis, joining: Mapping[str, Any] | None = None) -> Period:
    """Return the first period of somebody who begins on a day.

    With the calendar's year it is the rest of the year; from the roll-over day on that rest and the whole next year.
    """
    if basis is Basis.ANNIVERSARY:
        return Period(start, nth(start, MONTHS, 1), start, 0)
    year = start.year
    rule = joining or {}
    if rule.get("rule") == Joining.ROLL_OVER and start >= _day_in(year, str(rule["from"])):
        year += 1
    anchor = date(year, 1, 1)
    return Period(start, nth(anchor, MONTHS, 1), anchor, 0)


def _day_in(year: int, month_and_day: str) -> date:
    month, day = month_and_day.split("-")
    return date(year, int(month), int(day))


def charge(price: int, of: Period, joining: Mapping[str, Any] | None = None) -> int:
    """Return what a period costs in fen: the whole price, or for a shortened one its part by the rule.

    `daily` is `P − half_up(P × (d − period start) ÷ D)` of members.md 4.3; `monthly` counts the month begun;
    `steps` takes the basis points of the last step whose day has come.
    """
    if not of.shortened:
        return price
    rule = joining or {}
    how = Joining(rule.get("rule", Joining.DAILY))
    if how is Joining.FULL:
        return price
    if how is Joining.MONTHLY:
        return half_up(price * (MONTHS + 1 - of.start.month), MONTHS)
    if how is Joining.STEPS:
        return half_up(price * _step_bp(of.start, rule["steps"]), WHOLE_BP)
    return unused(price, *of.whole, of.start)


def _step_bp(day: date, steps: Sequence[Mapping[str, Any]]) -> int:
    """Return the basis points of the last step whose day has come; all of the price before the first."""
    passed = [step for step in steps if _day_in(day.year, str(step["from"])) <= day]
    last = max(passed, key=lambda step: _day_in(day.year, str(step["from"])), default=None)
    return WHOLE_BP if last is None else int(last["bp"])


class Late(StrEnum):
    """What money does whose value date is so many days after the end."""

    CONTINUOUS = "continuous"
    CHOOSE = "choose"
    REVIEW = "review"
    APPLY = "apply"


def late(value_on: date, end: date, *, grace: int, choose: int, review: int) -> Late:
    """Return what money that came on a day does for a term that ended: the table of members.md 4.4."""
    after = days(end, value_on)
    if after < grace:
        return Late.CONTINUOUS
    if after <= choose:
        return Late.CHOOSE
    return Late.REVIEW if after <= review else Late.APPLY


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the ladder: so many days from the term's end, or from the day it lapses; an act, words, or both.

    `to` are the roles its words go to.
    """

    code: str
    days: int
    from_lapse: bool
    act: str
    letter: str
    to: tuple[str, ...]
    name: Mapping[str, str]

    def day(self, end: date, grace: int) -> date:
        """Return the day of the step for a term that ends on `end`, the first day without cover."""
        return end + timedelta(days=self.days + (grace if self.from_lapse else 0))


def latest(
    steps: Collection[Step], done: Collection[str], *, end: date, grace: int, today: date
) -> tuple[Step | None, tuple[Step, ...]]:
    """Return the one step whose words are to be sent today, and the earlier ones that are passed over.

    The latest due step counts, if nobody has written it down; what was missed before it is never sent late.
    """
    due = sorted((step for step in steps if step.day(end, grace) <= today), key=lambda s: s.day(end, grace))
    if not due or due[-1].code in done:
        return None, ()
    return due[-1], tuple(step for step in due[:-1] if step.code not in done)


def tries(
    marks: Sequence[int], done: Collection[int], *, end: date, today: date
) -> tuple[int | None, list[int]]:
    """Return which try of an automatic charge is due (counted from 1) and which are passed over, from days of the end."""
    due = [n for n, mark in enumerate(marks, 1) if end + timedelta(days=mark) <= today]
    if not due or due[-1] in done:
        return None, []
    return due[-1], [n for n in due[:-1] if n not in done]
