"""When what may be done around a session: the boundary table of summer time, cut-offs, steps and cool-downs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.certs import cutoffs as c

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2027, 3, 28, 10, tzinfo=BERLIN)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
WALLS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1))
HOURS = (168, 48, 24, 1)


def test_the_last_change_before_the_night_of_summer_time_is_nine_oclock() -> None:
    assert START.astimezone(UTC) == datetime(2027, 3, 28, 8, tzinfo=UTC)
    last = datetime(2027, 3, 27, 8, tzinfo=UTC)
    assert last.astimezone(BERLIN).hour == 9
    assert c.changeable(START, last - timedelta(microseconds=1), 24)
    assert not c.changeable(START, last, 24)
    assert c.closes_at(START, 24) == last
    # A clock that counts hours of the day instead would allow until ten.
    assert not c.changeable(START, datetime(2027, 3, 27, 9, 59, tzinfo=BERLIN), 24)


def test_local_times_that_do_not_exist_or_come_twice() -> None:
    with pytest.raises(c.NoSuchTime):
        c.local_to_utc(datetime(2027, 3, 28, 2, 30), "Europe/Berlin")
    twice = datetime(2026, 10, 25, 2, 30)
    with pytest.raises(c.TwoSuchTimes) as found:
        c.local_to_utc(twice, "Europe/Berlin")
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert found.value.instants == (first, second)
    assert c.local_to_utc(twice, "Europe/Berlin", second=False) == first
    assert c.local_to_utc(twice, "Europe/Berlin", second=True) == second
    assert c.local_to_utc(datetime(2027, 3, 28, 10), "Europe/Berlin") == START
    assert [c.offset(moment, "Europe/Berlin") for moment in (first, second, START)] == ["UTC+02:00", "UTC+01:00", "UTC+02:00"]  # fmt: skip
    assert c.offset(START, "America/St_Johns") == "UTC-02:30"
    assert c.offset(START, "Asia/Kathmandu") == "UTC+05:45"


@given(WALLS, st.sampled_from(ZONES))
def test_an_instant_of_a_local_time_shows_that_local_time(wall: datetime, zone: str) -> None:
    try:
        found = [c.local_to_utc(wall, zone)]
    except c.NoSuchTime:
        there = ZoneInfo(zone)
        shown = {wall.replace(tzinfo=there, fold=fold).astimezone(UTC).astimezone(there).replace(tzinfo=None) for fold in (0, 1)}  # fmt: skip
        assert wall not in shown
        return
    except c.TwoSuchTimes as both:
        found = list(both.instants)
        assert found[0] < found[1]
    assert {one.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for one in found} == {wall}


@given(WALLS, st.integers(1, 60), st.integers(1, 1000))
def test_a_deadline_never_passes_the_cut_off(wall: datetime, minutes: int, ahead: int) -> None:
    now = wall.replace(tzinfo=UTC)
    start = now + timedelta(hours=ahead)
    end = c.deadline(start, now, timedelta(minutes=minutes), 24)
    assert end <= start - timedelta(hours=24)
    assert end <= now + timedelta(minutes=minutes)


def test_own_ends_and_overlaps_are_half_open() -> None:
    one = datetime(2027, 1, 1, 9, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert c.own_end(one, one + hour, 125) == one + timedelta(minutes=75)
    assert c.own_end(one, one + hour, 150) == one + timedelta(minutes=90)
    assert not c.overlap((one, one + hour), (one + hour, one + 2 * hour))
    assert c.overlap((one, c.own_end(one, one + hour, 125)), (one + hour, one + 2 * hour))


def test_a_cool_down_grows_after_the_first_fail() -> None:
    first = datetime(2027, 1, 1, 9, tzinfo=UTC)
    assert c.free_again([], [14, 30]) is None
    assert c.free_again([first], [14, 30]) == first + timedelta(days=14)
    later = first + timedelta(days=20)
    assert c.free_again([later, first], [14, 30]) == later + timedelta(days=30)
    third = later + timedelta(days=40)
    assert c.free_again([first, later, third], [14, 30]) == third + timedelta(days=30)
    assert c.a_year_before(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)


def test_only_the_latest_due_step_is_said_and_none_from_before_the_booking() -> None:
    early = START - timedelta(days=60)
    assert c.steps(START, START - timedelta(hours=169), HOURS, since=early) == c.Steps(None, ())
    assert c.steps(START, START - timedelta(hours=168), HOURS, since=early) == c.Steps(168, ())
    assert c.steps(START, START - timedelta(hours=30), HOURS, since=early) == c.Steps(48, (168,))
    assert c.steps(START, START - timedelta(hours=30), HOURS, since=early, written=[168, 48]) == c.Steps(
        None, ()
    )
    # Booked 30 hours before: nothing is due until 24 hours before.
    booked = START - timedelta(hours=30)
    assert c.steps(START, booked, HOURS, since=booked) == c.Steps(None, (168, 48))
    assert c.steps(START, START, HOURS, since=early, written=[168]) == c.Steps(None, (48, 24, 1))


@given(st.lists(st.integers(0, 400), max_size=8))
def test_however_late_the_chore_runs_each_step_is_said_at_most_once(runs: list[int]) -> None:
    said: list[int] = []
    written: list[int] = []
    for before in sorted(runs, reverse=True):
        found = c.steps(
            START, START - timedelta(hours=before), HOURS, since=START - timedelta(days=90), written=written
        )
        written += found.passed
        if found.due is not None:
            said.append(found.due)
            written.append(found.due)
    assert said == sorted(set(said), reverse=True)
    assert len(written) == len(set(written))
