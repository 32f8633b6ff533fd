"""Times of exams: the boundary table, clocks that change, months and whole days, deadlines, and trying again."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certs import timing
from portal.core.errors import Refused

START = datetime(2027, 3, 28, 10, tzinfo=ZoneInfo("Europe/Berlin"))
HOURS = (168, 48, 24, 1)
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
CUTOFF = timedelta(hours=24)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo",
         "America/Santiago", "Asia/Beirut", "Pacific/Apia")  # fmt: skip
instants = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))
days = st.dates(date(2024, 1, 1), date(2031, 1, 1))
every = settings(max_examples=200, deadline=None)


def z(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_boundary_table() -> None:
    start = timing.instant_of(datetime(2027, 3, 28, 10), BERLIN)
    assert start == z("2027-03-28T08:00")
    last = start - CUTOFF
    assert last.astimezone(BERLIN).replace(tzinfo=None) == datetime(
        2027, 3, 27, 9
    )  # 09:00 on the wall, not 10:00
    assert timing.changeable(start, z("2027-03-27T07:59:59.999999"), 24)
    assert not timing.changeable(start, z("2027-03-27T08:00"), 24)
    # A clock that counts hours of the day instead would allow until ten.
    assert not timing.changeable(start, datetime(2027, 3, 27, 9, 59, tzinfo=BERLIN), 24)
    with pytest.raises(Refused, match="does not exist"):
        timing.instant_of(datetime(2027, 3, 28, 2, 30), BERLIN)
    twice = datetime(2026, 10, 25, 2, 30)
    assert timing.meanings(twice, BERLIN) == (z("2026-10-25T00:30"), z("2026-10-25T01:30"))
    with pytest.raises(Refused, match="comes twice"):
        timing.instant_of(twice, BERLIN)
    assert timing.instant_of(twice, BERLIN, later=False) == z("2026-10-25T00:30")
    assert timing.instant_of(twice, BERLIN, later=True) == z("2026-10-25T01:30")


def test_a_zone_is_one_of_the_list_and_nothing_else() -> None:
    assert timing.zone_of("Europe/Berlin") is BERLIN
    for name in ("", "Mars/Base", "../../etc/passwd", "/etc/localtime", "europe/berlin", "UTC+8", "Asia"):
        with pytest.raises(Refused, match="no time zone"):
            timing.zone_of(name)


def test_an_offset_reads_as_people_write_it() -> None:
    day = z("2026-07-01T00:00")
    said = {
        name: timing.offset_of(day, ZoneInfo(name))
        for name in ("UTC", "Asia/Shanghai", "America/St_Johns", "Asia/Kolkata")
    }
    assert said == {
        "UTC": "UTC",
        "Asia/Shanghai": "UTC+08:00",
        "America/St_Johns": "UTC−02:30",
        "Asia/Kolkata": "UTC+05:30",
    }


@every
@given(instants, st.sampled_from(ZONES))
def test_every_instant_is_among_the_meanings_of_what_its_wall_shows(instant: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    local = instant.astimezone(zone).replace(tzinfo=None, fold=0)
    assert instant in timing.meanings(local, zone)


@every
@given(st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)), st.sampled_from(ZONES))
def test_meanings_are_found_by_asking_every_offset_there_was(local: datetime, name: str) -> None:
    """The other way round: try each offset of the zone near that day, and keep the instants that show this time."""
    zone = ZoneInfo(name)
    around = [local.replace(tzinfo=UTC) + n * HOUR for n in range(-36, 37)]
    offsets = {one.astimezone(zone).utcoffset() for one in around}
    tried = {local.replace(tzinfo=UTC) - offset for offset in offsets if offset is not None}
    shown = sorted(one for one in tried if one.astimezone(zone).replace(tzinfo=None, fold=0) == local)
    assert list(timing.meanings(local, zone)) == shown


def test_a_local_time_brings_no_offset_and_an_instant_brings_one() -> None:
    with pytest.raises(TypeError):
        timing.meanings(z("2026-01-01T00:00"), BERLIN)
    with pytest.raises(TypeError):
        timing.changeable(datetime(2026, 1, 1), z("2026-01-01T00:00"), 24)


@every
@given(instants, st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(-200_000, 200_000))
def test_a_cutoff_is_elapsed_time_whatever_zone_the_instants_are_said_in(
    start: datetime, one: str, other: str, seconds: int
) -> None:
    now = start - CUTOFF + timedelta(seconds=seconds)
    said = timing.changeable(start.astimezone(ZoneInfo(one)), now.astimezone(ZoneInfo(other)), 24)
    same = timing.changeable(start.astimezone(ZoneInfo(one)), now.astimezone(ZoneInfo(one)), 24)
    assert said == same == (seconds < 0)


def test_booking_opens_and_closes() -> None:
    start = z("2027-03-28T08:00")
    assert (timing.opens_at(start, 90), timing.opens_at(start, 97)) == (
        z("2026-12-28T08:00"),
        z("2026-12-21T08:00"),
    )
    closes = timing.closes_at(start, 24)
    assert closes == z("2027-03-27T08:00")
    for now in (closes - TICK, closes, closes + TICK):
        assert (now < closes) == timing.changeable(start, now, 24)


def test_who_comes_late_is_let_in_for_half_an_hour() -> None:
    start, late = z("2027-01-01T08:00"), timedelta(minutes=30)
    assert timing.admits(start, start + late, late)
    assert not timing.admits(start, start + late + TICK, late)


def test_a_deadline_is_stretched_granted_and_kept() -> None:
    started = z("2027-01-01T08:00")
    due = timing.deadline(
        started, HOUR, factor=Decimal("1.25"), grants=[timedelta(minutes=7), timedelta(minutes=3)]
    )
    assert due == z("2027-01-01T09:25")
    assert timing.stretched(TICK, Decimal("1.5")) == 2 * TICK
    with pytest.raises(ValueError, match="never shortens"):
        timing.stretched(HOUR, Decimal("0.5"))
    grace = timedelta(seconds=60)
    assert timing.accepts(due + grace, due, grace)
    assert not timing.accepts(due + grace + TICK, due, grace)
    assert timing.left(due - HOUR, due) == HOUR
    assert timing.left(due + HOUR, due) == timedelta()


@every
@given(
    instants, st.lists(st.integers(0, 3600), max_size=4), st.sampled_from(["1", "1.25", "1.5"]), st.randoms()
)
def test_grants_count_in_any_order_and_the_clock_of_a_zone_never_matters(
    started: datetime, seconds: list[int], factor: str, dice: random.Random
) -> None:
    grants = [timedelta(seconds=one) for one in seconds]
    due = timing.deadline(started, 48 * HOUR, factor=Decimal(factor), grants=grants)
    dice.shuffle(grants)
    assert (
        timing.deadline(started.astimezone(BERLIN), 48 * HOUR, factor=Decimal(factor), grants=grants) == due
    )
    assert (due - started).total_seconds() == 48 * 3600 * float(factor) + sum(seconds)


def test_whole_days_to_appeal_end_with_the_last_one() -> None:
    released = z("2026-11-01T03:00")  # 1 November, 11:00 in Shanghai
    assert timing.through(released, 30, SHANGHAI) == timing.start_of(date(2026, 12, 2), SHANGHAI)


def test_fails_cool_down_by_their_number() -> None:
    first, second, third = z("2026-01-10T04:00"), z("2026-03-01T04:00"), z("2026-06-01T04:00")
    assert timing.cooled([], (14, 30)) is None
    assert timing.cooled([first], ()) is None
    assert timing.cooled([first], (14, 30)) == first + 14 * DAY
    assert timing.cooled([second, first], (14, 30)) == second + 30 * DAY
    assert timing.cooled([first, second, third], (14, 30)) == third + 30 * DAY
    assert timing.cooled([first, first + DAY], (40, 1)) == first + 40 * DAY


def test_a_year_before_is_the_same_day_of_the_calendar() -> None:
    assert timing.a_year_before(z("2027-03-01T04:00")) == z("2026-03-01T04:00")
    assert timing.a_year_before(z("2028-02-29T04:00")) == z("2027-02-28T04:00")


@every
@given(instants, st.integers(1, 60), st.integers(1, 1000))
def test_what_is_held_never_outlives_the_cut_off(now: datetime, minutes: int, ahead: int) -> None:
    start, lasts = now + ahead * HOUR, timedelta(minutes=minutes)
    assert timing.held_until(start, now, lasts, 24) == min(now + lasts, timing.closes_at(start, 24))


def test_own_ends_and_overlaps_are_half_open() -> None:
    one = datetime(2027, 1, 1, 9, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert timing.own_end(one, one + hour, 125) == one + timedelta(minutes=75)
    assert timing.own_end(one, one + hour, 150) == one + timedelta(minutes=90)
    assert not timing.overlap((one, one + hour), (one + hour, one + 2 * hour))
    assert timing.overlap((one, timing.own_end(one, one + hour, 125)), (one + hour, one + 2 * hour))


def test_only_the_latest_due_step_is_said_and_none_from_before_the_booking() -> None:
    early = START - timedelta(days=60)
    assert timing.steps(START, START - timedelta(hours=169), HOURS, since=early) == timing.Steps(None, ())
    assert timing.steps(START, START - timedelta(hours=168), HOURS, since=early) == timing.Steps(168, ())
    assert timing.steps(START, START - timedelta(hours=30), HOURS, since=early) == timing.Steps(48, (168,))
    assert timing.steps(
        START, START - timedelta(hours=30), HOURS, since=early, written=[168, 48]
    ) == timing.Steps(None, ())
    # Booked 30 hours before: nothing is due until 24 hours before.
    booked = START - timedelta(hours=30)
    assert timing.steps(START, booked, HOURS, since=booked) == timing.Steps(None, (168, 48))
    assert timing.steps(START, START, HOURS, since=early, written=[168]) == timing.Steps(None, (48, 24, 1))


@given(st.lists(st.integers(0, 400), max_size=8))
def test_however_late_the_chore_runs_each_step_is_said_at_most_once(runs: list[int]) -> None:
    said: list[int] = []
    written: list[int] = []
    for before in sorted(runs, reverse=True):
        found = timing.steps(
            START, START - timedelta(hours=before), HOURS, since=START - timedelta(days=90), written=written
        )
        written += found.passed
        if found.due is not None:
            said.append(found.due)
            written.append(found.due)
    assert said == sorted(set(said), reverse=True)
    assert len(written) == len(set(written))
