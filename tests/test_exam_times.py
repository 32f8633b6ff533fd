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
    assert timing.may_change(start, z("2027-03-27T07:59:59.999999"), CUTOFF)
    assert not timing.may_change(start, z("2027-03-27T08:00"), CUTOFF)
    with pytest.raises(Refused, match="does not exist"):
        timing.instant_of(datetime(2027, 3, 28, 2, 30), BERLIN)
    twice = datetime(2026, 10, 25, 2, 30)
    assert timing.meanings(twice, BERLIN) == (z("2026-10-25T00:30"), z("2026-10-25T01:30"))
    with pytest.raises(Refused, match="comes twice"):
        timing.instant_of(twice, BERLIN)
    assert timing.instant_of(twice, BERLIN, later=False) == z("2026-10-25T00:30")
    assert timing.instant_of(twice, BERLIN, later=True) == z("2026-10-25T01:30")


def test_an_eligibility_lasts_twelve_months_in_the_foundations_zone() -> None:
    right = timing.lasting(date(2026, 11, 22), 12, SHANGHAI)
    assert right.last == date(2027, 11, 21)
    assert z("2027-11-21T15:59") < right.until == z("2027-11-21T16:00")
    assert timing.lasting(date(2028, 2, 29), 12, SHANGHAI).last == date(2029, 2, 27)


def test_an_award_is_valid_through_its_last_day() -> None:
    right = timing.lasting(date(2026, 11, 20), 24, SHANGHAI)
    assert (right.last, right.until) == (date(2028, 11, 19), z("2028-11-19T16:00"))


def test_who_renews_early_loses_no_day_and_who_renews_late_begins_anew() -> None:
    end = date(2028, 11, 20)  # the day at whose beginning it is over
    early = timing.renewed(end, date(2028, 6, 1), 24, SHANGHAI)
    assert (early.first, early.last) == (date(2028, 6, 1), date(2030, 11, 19))
    assert timing.renewed(end, date(2028, 11, 19), 24, SHANGHAI).last == date(2030, 11, 19)
    assert timing.renewed(end, end, 24, SHANGHAI).last == date(2030, 11, 19)
    assert timing.renewed(end, date(2029, 1, 5), 24, SHANGHAI).last == date(2031, 1, 4)
    window = timing.renewal_window(end, before=180, after=90, zone=SHANGHAI)
    assert window.holds(timing.start_of(date(2028, 5, 24), SHANGHAI))
    assert not window.holds(timing.start_of(date(2028, 5, 24), SHANGHAI) - TICK)
    assert window.holds(timing.start_of(date(2029, 2, 18), SHANGHAI) - TICK)
    assert not window.holds(timing.start_of(date(2029, 2, 18), SHANGHAI))


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
        timing.may_change(datetime(2026, 1, 1), z("2026-01-01T00:00"), CUTOFF)


@every
@given(instants, st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(-200_000, 200_000))
def test_a_cutoff_is_elapsed_time_whatever_zone_the_instants_are_said_in(
    start: datetime, one: str, other: str, seconds: int
) -> None:
    now = start - CUTOFF + timedelta(seconds=seconds)
    said = timing.may_change(start.astimezone(ZoneInfo(one)), now.astimezone(ZoneInfo(other)), CUTOFF)
    same = timing.may_change(start.astimezone(ZoneInfo(one)), now.astimezone(ZoneInfo(one)), CUTOFF)
    assert said == same == (seconds < 0)


def test_booking_opens_and_closes() -> None:
    start = z("2027-03-28T08:00")
    window = timing.booking_window(start, opens=90 * DAY, cutoff=CUTOFF)
    assert (window.opens, window.closes) == (z("2026-12-28T08:00"), z("2027-03-27T08:00"))
    assert timing.booking_window(start, opens=90 * DAY, cutoff=CUTOFF, earlier=7 * DAY).opens == z(
        "2026-12-21T08:00"
    )
    for now in (window.opens - TICK, window.opens, window.closes - TICK, window.closes):
        assert window.holds(now) == (window.opens <= now and timing.may_change(start, now, CUTOFF))
    later = timing.Window(window.closes, window.closes + DAY)
    assert not window.meets(later)
    assert window.meets(timing.Window(window.closes - TICK, window.closes + DAY))


def test_who_comes_late_is_let_in_for_half_an_hour() -> None:
    start, late = z("2027-01-01T08:00"), timedelta(minutes=30)
    assert timing.admits(start, start + late, late)
    assert not timing.admits(start, start + late + TICK, late)


def test_an_offer_never_outlives_the_cutoff_and_is_not_made_too_late() -> None:
    start = z("2027-01-10T08:00")

    def until(now: datetime, none_within: timedelta = 48 * HOUR) -> datetime | None:
        return timing.offer_until(start, now, lasts=12 * HOUR, none_within=none_within, cutoff=CUTOFF)

    assert until(z("2027-01-01T00:00")) == z("2027-01-01T12:00")
    assert until(start - 48 * HOUR) is None
    assert until(start - 48 * HOUR - TICK) == start - 36 * HOUR - TICK
    assert until(start - 30 * HOUR, HOUR) == start - CUTOFF
    assert until(start - CUTOFF, HOUR) is None


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


def test_three_attempts_in_twelve_months() -> None:
    starts = [z("2026-01-10T04:00"), z("2026-03-01T04:00"), z("2026-06-01T04:00")]
    assert timing.next_within(starts[:2], 3, 12, SHANGHAI) is None
    assert timing.next_within(starts, 3, 12, SHANGHAI) == timing.start_of(date(2027, 1, 10), SHANGHAI)
    assert timing.next_within([*starts, z("2027-01-09T16:00")], 3, 12, SHANGHAI) == timing.start_of(
        date(2027, 3, 1), SHANGHAI
    )


@every
@given(days, st.integers(1, 36), st.sampled_from(ZONES))
def test_a_right_is_whole_days_without_gap_or_overlap(first: date, months: int, name: str) -> None:
    zone = ZoneInfo(name)
    right = timing.lasting(first, months, zone)
    after = timing.lasting(right.last + DAY, months, zone)
    assert after.first == right.last + DAY
    assert timing.day_in(right.until, zone) == right.last + DAY
    assert timing.day_in(right.until - TICK, zone) <= right.last
