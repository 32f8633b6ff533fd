"""Clocks of tickets (services.md §4, §10, V4): decided examples, and the same found minute by minute."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.services.support import calendars, promise
from portal.services.support.calendars import Calendar
from portal.services.support.clocks import (
    Clock,
    ClockKind,
    Fact,
    FactKind,
    Promise,
    Severity,
    clock,
    next_due,
    runs,
)
from portal.services.support.promise import Asked, Measure

F, K, S = FactKind, ClockKind, Severity
CHINA = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAYS = {f"2026-10-0{n}": False for n in range(1, 8)} | {"2026-10-10": True}
NINE_TO_SIX = {
    "zone": "Asia/Shanghai", "holidays": True, "made_up": [["09:00", "18:00"]],
    "week": {day: [["09:00", "18:00"]] for day in calendars.WEEK[:5]},
}  # fmt: skip
ALWAYS = {"zone": "UTC", "week": {day: [["00:00", "24:00"]] for day in calendars.WEEK}}
OFFICE = calendars.read(calendars.pinned(NINE_TO_SIX, DAYS))
ROUND = calendars.read(calendars.pinned(ALWAYS, DAYS))
LUNCH = calendars.read(
    calendars.pinned({**NINE_TO_SIX, "week": {"mon": [["09:00", "12:00"], ["13:30", "17:00"]], "sat": [["22:00", "24:00"]]}}, DAYS)
)  # fmt: skip
many = settings(deadline=None, max_examples=400 if os.environ.get("PROOFS") else 40)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def promised(calendar: Calendar, **hours: int) -> Promise:
    """Promise so many hours by `s1=…` for every clock."""
    times = {(kind, S(name)): HOUR * many_ for kind in K for name, many_ in hours.items()}
    return Promise(dict.fromkeys(K, calendar), times)


def came(text: str, severity: Severity, what: Promise) -> Fact:
    return Fact(china(text), F.RECEIVED, severity, promise=what)


def turned(text: str, state: str) -> Fact:
    return Fact(china(text), F.STATE, state)


def due(facts: list[Fact], kind: ClockKind, at: str) -> datetime | None:
    found = clock(facts, kind, china(at))
    assert found is not None
    return found.due


def test_days_off_and_days_made_up_as_decided() -> None:
    facts = [came("2026-09-30T17:00", S.S1, promised(OFFICE, s1=4))]
    assert due(facts, K.FIRST, "2026-09-30T17:00") == china("2026-10-08T12:00")
    assert (
        OFFICE.between(china("2026-10-09T18:00"), china("2026-10-12T09:00")) == 9 * HOUR
    )  # Saturday is made up for


def test_waiting_for_the_customer_does_not_count_as_decided() -> None:
    facts = [
        came("2026-03-02T10:00", S.S1, promised(OFFICE, s1=16)),
        turned("2026-03-02T15:00", "waiting_customer"),
        turned("2026-03-04T11:00", "open"),
    ]
    assert due(facts, K.WORKAROUND, "2026-03-02T14:00") == china("2026-03-03T17:00")
    assert due(facts, K.WORKAROUND, "2026-03-03T09:00") is None
    assert due(facts, K.WORKAROUND, "2026-03-04T11:00") == china("2026-03-05T13:00")
    assert due(facts, K.FIRST, "2026-03-04T11:00") == china("2026-03-03T17:00")  # that clock never pauses


def test_severity_raised_and_lowered_as_decided() -> None:
    what = promised(ROUND, s1=4, s3=24)
    facts = [came("2026-03-02T10:00", S.S3, what), Fact(china("2026-03-02T13:00"), F.SEVERITY, S.S1)]
    assert due(facts, K.FIRST, "2026-03-02T12:00") == china("2026-03-03T10:00")
    assert due(facts, K.FIRST, "2026-03-02T13:00") == china("2026-03-02T17:00")
    near_the_end = [facts[0], Fact(china("2026-03-03T08:00"), F.SEVERITY, S.S1)]
    assert due(near_the_end, K.FIRST, "2026-03-03T08:00") == china(
        "2026-03-03T10:00"
    )  # never later than before
    lowered = [came("2026-03-02T10:00", S.S1, what), Fact(china("2026-03-02T13:00"), F.SEVERITY, S.S3)]
    assert due(lowered, K.FIRST, "2026-03-02T13:00") == china("2026-03-03T13:00")
    too_late = [came("2026-03-02T10:00", S.S1, what), Fact(china("2026-03-02T15:00"), F.SEVERITY, S.S3)]
    found = clock(too_late, K.FIRST, china("2026-03-02T16:00"))
    assert found is not None
    assert found.late(china("2026-03-02T16:00"))  # lowering mends no broken promise


def test_a_raised_severity_keeps_the_pauses() -> None:
    facts = [
        came("2026-03-02T10:00", S.S3, promised(OFFICE, s1=4, s3=16)),
        turned("2026-03-02T11:00", "on_hold"),
        Fact(china("2026-03-02T14:00"), F.SEVERITY, S.S1),
        turned("2026-03-02T16:00", "open"),
    ]
    assert due(facts, K.WORKAROUND, "2026-03-02T16:00") == china("2026-03-03T11:00")


def test_reopening_continues_the_old_sum() -> None:
    facts = [
        came("2026-03-02T10:00", S.S1, promised(OFFICE, s1=4)),
        turned("2026-03-02T13:00", "solved"),
        turned("2026-03-04T09:00", "open"),
    ]
    solved = clock(facts, K.WORKAROUND, china("2026-03-03T10:00"))
    assert solved is not None
    assert solved.met == china("2026-03-02T13:00")
    assert due(facts, K.WORKAROUND, "2026-03-04T09:00") == china("2026-03-04T10:00")


def test_the_next_answer_counts_from_the_earliest_question_without_one() -> None:
    facts = [
        came("2026-03-02T10:00", S.S1, promised(ROUND, s1=2)),
        Fact(china("2026-03-02T10:30"), F.ASKED),  # before the first answer only that is waited for
        Fact(china("2026-03-02T11:00"), F.ANSWERED),
        Fact(china("2026-03-02T12:00"), F.ASKED),
        Fact(china("2026-03-02T12:50"), F.ASKED),
        Fact(china("2026-03-02T15:00"), F.ANSWERED),
    ]
    assert clock(facts, K.NEXT, china("2026-03-02T11:30")) is None
    assert due(facts, K.NEXT, "2026-03-02T13:00") == china("2026-03-02T14:00")
    found = clock(facts, K.NEXT, china("2026-03-02T16:00"))
    assert found is not None
    assert found.late(china("2026-03-02T16:00"))
    assert found.met == china("2026-03-02T15:00")
    assert next_due(facts, china("2026-03-02T10:45")) == china("2026-03-02T12:00")


def test_a_merged_ticket_counts_from_the_earliest_receipt() -> None:
    facts = [
        came("2026-03-02T10:00", S.S1, promised(ROUND, s1=4)),
        Fact(china("2026-03-02T11:00"), F.EARLIER, since=china("2026-03-02T08:00")),
    ]
    assert due(facts, K.FIRST, "2026-03-02T10:30") == china("2026-03-02T14:00")
    assert due(facts, K.FIRST, "2026-03-02T11:00") == china("2026-03-02T12:00")


def test_a_better_level_counts_from_then() -> None:
    facts = [
        came("2026-03-02T10:00", S.S1, promised(OFFICE, s1=24)),
        Fact(china("2026-03-02T20:00"), F.LEVEL, promise=promised(ROUND, s1=2)),
    ]
    assert due(facts, K.FIRST, "2026-03-02T20:00") == china("2026-03-02T22:00")


def test_nine_of_ten_in_integers() -> None:
    now = china("2026-03-09T12:00")
    asked = [Asked(now - 50 * HOUR, now - 26 * HOUR) for _n in range(17)]
    asked += [
        Asked(now - 50 * HOUR, now - 20 * HOUR),
        Asked(now - 30 * HOUR, None),
        Asked(now - 5 * HOUR, None),
    ]
    found = promise.measure(asked, now)
    assert found == Measure(17, 19)
    assert found.kept is False
    assert [Measure(*one).kept for one in ((18, 20), (179, 199), (0, 0))] == [True, False, None]


def test_hours_that_cannot_be_are_refused() -> None:
    for pairs in ([["10:00", "09:00"]], [["09:00", "12:00"], ["11:00", "13:00"]], [["09:00", "25:00"]]):
        with pytest.raises(ValueError, match="hours"):
            calendars.read({"zone": "UTC", "week": {"mon": pairs}, "days": {}})
    with pytest.raises(ValueError, match="without any hours"):
        calendars.read({"zone": "UTC", "week": {}, "days": {}})


# ---- The same, found by walking minute by minute


def works(calendar: Calendar, minute: datetime) -> bool:
    """Whether a minute is working time, by looking at the wall's clock."""
    local = minute.astimezone(calendar.zone)
    at = local.hour * 60 + local.minute
    return any(opens <= at < closes for opens, closes in calendar.hours(local.date()))


@dataclass
class Left:
    calendar: Calendar
    minutes: int


@dataclass
class Walk:
    """Walks a history minute by minute; knows nothing of stretches and runners."""

    kind: ClockKind
    facts: list[Fact]
    until: datetime
    severity: Severity = S.S3
    promise: Promise | None = None
    state: str = "new"
    answered: bool = False
    waits: bool = False
    due: datetime | None = None

    def go(self) -> datetime | None:
        minute, facts, self.left = self.facts[0].at, list(self.facts), list[Left]()
        while minute <= self.until:
            while facts and facts[0].at == minute:
                self.take(facts.pop(0))
            counts = self.waits and (self.kind is not K.WORKAROUND or self.state in ("new", "open"))
            if counts and self.due is None:
                for one in self.left:
                    one.minutes -= works(one.calendar, minute)
                if any(one.minutes == 0 for one in self.left):
                    self.due = minute + MINUTE
            minute += MINUTE
        return self.due

    def take(self, fact: Fact) -> None:
        if fact.kind is F.RECEIVED:
            self.severity, self.promise = S(fact.value), fact.promise
            if self.kind is not K.NEXT:
                self.begin()
        elif fact.kind is F.ASKED and self.kind is K.NEXT and self.answered and not self.waits:
            self.begin()
        elif fact.kind is F.ANSWERED:
            self.answered = True
            self.waits = self.waits and self.kind is K.WORKAROUND
        elif fact.kind is F.STATE:
            self.state = fact.value
        elif fact.kind is F.SEVERITY:
            lowered = fact.value > self.severity
            self.severity = S(fact.value)
            if self.waits and not (self.due is not None and self.due < fact.at):
                if lowered:
                    self.left, self.due = [], None
                self.run()

    def begin(self) -> None:
        self.waits, self.due, self.left = True, None, []
        self.run()

    def run(self) -> None:
        assert self.promise is not None
        time = self.promise.times.get((self.kind, self.severity))
        if time is not None:
            self.left.append(Left(self.promise.calendars[self.kind], int(time / MINUTE)))


STATES = ("open", "waiting_customer", "on_hold")
steps = st.one_of(
    st.tuples(st.just(F.STATE), st.sampled_from(STATES)),
    st.tuples(st.just(F.SEVERITY), st.sampled_from([one.value for one in S])),
    st.tuples(st.sampled_from([F.ASKED, F.ASKED, F.ANSWERED]), st.just("")),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    start = datetime(2026, 9, 28, tzinfo=UTC) + MINUTE * draw(st.integers(0, 12 * 1440))
    by_kind = {kind: draw(st.sampled_from([OFFICE, ROUND, LUNCH])) for kind in K}
    times = {
        (kind, severity): MINUTE * minutes
        for kind in K
        for severity in S
        if (minutes := draw(st.one_of(st.none(), st.integers(1, 1500)))) is not None
    }
    facts = [
        Fact(
            start,
            F.RECEIVED,
            draw(st.sampled_from([one.value for one in S])),
            promise=Promise(by_kind, times),
        )
    ]
    for gap, (kind, value) in draw(st.lists(st.tuples(st.integers(0, 900), steps), max_size=6)):
        facts.append(Fact(facts[-1].at + MINUTE * gap, kind, value))
    return facts


@many
@given(histories(), st.sampled_from(list(K)))
def test_a_clock_equals_the_walk_over_its_minutes(facts: list[Fact], kind: ClockKind) -> None:
    until = facts[-1].at + 4 * 1440 * MINUTE
    found, walked = clock(facts, kind, until), Walk(kind, facts, until).go()
    seen = found.due if found is not None else None
    over = found is not None and found.over
    if seen is not None and not over and seen > until + MINUTE:
        assert walked is None
    elif seen is not None and found is not None and found.met is not None and seen > found.met:
        assert walked is None or walked > found.met
    else:
        assert walked == seen


@many
@given(histories(), st.sampled_from(list(K)), st.integers(0, 6000))
def test_v4_what_comes_later_changes_nothing(facts: list[Fact], kind: ClockKind, minutes: int) -> None:
    at = facts[0].at + MINUTE * minutes

    def seen(rows: list[Fact]) -> list[tuple[datetime, datetime | None, bool, int | None]]:
        return [(one.start, one.due, one.late(at), one.share(at)) for one in runs(rows, kind, at)]

    assert seen(facts) == seen([one for one in facts if one.at <= at]) == seen(facts)


@many
@given(
    st.sampled_from([OFFICE, ROUND, LUNCH]), st.integers(0, 20000), st.integers(1, 4000), st.integers(0, 4000)
)  # fmt: skip
def test_calendars_add_what_they_count(calendar: Calendar, start: int, length: int, more: int) -> None:
    begin = datetime(2026, 9, 20, tzinfo=UTC) + MINUTE * start
    end = calendar.after(begin, MINUTE * length)
    assert end is not None
    assert calendar.between(begin, end) == MINUTE * length
    assert calendar.between(begin, end - MINUTE) == MINUTE * (length - 1)
    later = end + MINUTE * more
    counted = sum(
        works(calendar, begin + MINUTE * n) for n in range(min(3000, int((later - begin) / MINUTE)))
    )
    short = min(later, begin + MINUTE * 3000)
    assert calendar.between(begin, short) == MINUTE * counted


def test_summer_time_has_its_own_hours() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"), (((0, 1440),),) * 7)
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)  # the night in which an hour is missing
    assert berlin.between(start, start + timedelta(hours=23)) == 23 * HOUR
    assert berlin.hours(date(2026, 3, 29)) == ((0, 1440),)
    shown: Clock | None = clock(
        [Fact(start, F.RECEIVED, S.S1, promise=promised(berlin, s1=2))], K.FIRST, start
    )
    assert shown is not None
    assert shown.due == start + 2 * HOUR
