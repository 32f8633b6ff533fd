"""Times of exams: local and real ones, cut-offs, deadlines, reminders; pure functions of instants.

Instants are aware. A cut-off is the time that passes between two instants, whatever the clocks on a wall do meanwhile;
months and whole days are those of the calendar in the foundation's zone, and every range is half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import lazy_gettext as _l

from portal.core.errors import Refused

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


# ---- Local and real times


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> ZoneInfo:
    """Return an IANA zone by its name, like Europe/Berlin; `Refused` if there is none."""
    if name not in _zones():
        raise Refused(_l("“%(name)s” is no time zone.", name=name), field="tz", status=422)
    return ZoneInfo(name)


def meanings(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants (UTC, earlier first) that a wall clock of the zone shows so: none, one, or two."""
    if local.tzinfo is not None:
        raise TypeError("a local time has no offset of its own")
    found = set()
    for fold in (0, 1):
        real = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if real.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(fold=0):
            found.add(real)
    return tuple(sorted(found))


def instant_of(local: datetime, zone: ZoneInfo, *, later: bool | None = None) -> datetime:
    """Return the instant that a local time means; `later` says which one where the clocks show it twice.

    `Refused` for a time that the clocks skip, and for one that they show twice as long as nobody said which.
    """
    found, words = meanings(local, zone), {"time": f"{local:%Y-%m-%d %H:%M}", "zone": zone.key}
    if not found:
        raise Refused(
            _l("%(time)s does not exist in %(zone)s: the clocks skip it. Please choose another time.", **words),
            field="start", status=422,
        )  # fmt: skip
    if len(found) == 2 and later is None:
        first, second = (f"{one:%H:%M}" for one in found)
        raise Refused(
            _l(
                "%(time)s comes twice in %(zone)s, as the clocks go back: at %(first)s and at %(second)s UTC. Please say which.",
                first=first, second=second, **words,
            ),
            field="which", status=422,
        )  # fmt: skip
    return found[-1 if later else 0]


def offset_of(instant: datetime, zone: ZoneInfo) -> str:
    """Return the zone's offset at an instant as people write it: UTC+08:00, UTC−04:30, UTC."""
    seconds = int((instant.astimezone(zone).utcoffset() or timedelta()).total_seconds())
    if not seconds:
        return "UTC"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'+' if seconds > 0 else '−'}{hours:02d}:{minutes:02d}"


def day_in(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of the zone on which an instant falls."""
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day of the zone, in UTC, also where midnight is skipped or comes twice."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


# ---- Cut-offs and windows of a session


def _real(instant: datetime) -> datetime:
    """Return an instant in UTC: two datetimes of one zone would be subtracted as the wall shows them."""
    if instant.tzinfo is None:
        raise TypeError("an instant has an offset")
    return instant.astimezone(UTC)


def changeable(start: datetime, now: datetime, hours: int) -> bool:
    """Whether a booking may still be changed: start − now > the cut-off, strictly, as elapsed time."""
    return _real(start) - _real(now) > hours * HOUR


def opens_at(start: datetime, days: int) -> datetime:
    """Return the instant from which a session can be booked, so many times 24 hours before its start."""
    return _real(start) - days * DAY


def closes_at(start: datetime, hours: int) -> datetime:
    """Return the cut-off: the first instant at which nothing can be changed any more."""
    return _real(start) - hours * HOUR


def held_until(start: datetime, now: datetime, lasts: timedelta, hours: int) -> datetime:
    """Return until when a hold or an offer lasts: `lasts` from now, and never past the cut-off."""
    return min(_real(now) + lasts, closes_at(start, hours))


def overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    """Whether two half-open spans have an instant in common."""
    return one[0] < other[1] and other[0] < one[1]


def admits(start: datetime, now: datetime, late: timedelta) -> bool:
    """Whether a candidate may still come in: up to `late` after the start; afterwards it is a no-show."""
    return _real(now) - _real(start) <= late


def through(moment: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Return the instant at which so many whole days after the day of something are over: to appeal, to excuse."""
    return start_of(day_in(moment, zone) + (days + 1) * DAY, zone)


# ---- The clock of an attempt


def stretched(duration: timedelta, factor: Decimal) -> timedelta:
    """Return a duration times an accommodation's factor, exactly, up to the next microsecond."""
    if factor < 1:
        raise ValueError("an accommodation never shortens")
    exact = Fraction(duration // timedelta(microseconds=1)) * Fraction(factor)
    return timedelta(microseconds=-(-exact.numerator // exact.denominator))


def own_end(start: datetime, end: datetime, factor: int) -> datetime:
    """Return a candidate's own end of a session with `factor` per cent of its time."""
    return start + stretched(end - start, Decimal(factor) / 100)


def deadline(
    started: datetime, duration: timedelta, *, factor: Decimal = Decimal(1), grants: Iterable[timedelta] = ()
) -> datetime:
    """Return started + duration × factor + Σ time grants: nothing pauses the clock."""
    return _real(started) + stretched(duration, factor) + sum(grants, timedelta())


def accepts(now: datetime, due: datetime, grace: timedelta) -> bool:
    """Whether an answer is still taken: up to the deadline plus the grace, that instant included."""
    return _real(now) <= _real(due) + grace


def left(now: datetime, due: datetime) -> timedelta:
    """Return the time left, never below nothing."""
    return max(timedelta(), _real(due) - _real(now))


# ---- Trying again


def cooled(fails: Sequence[datetime], days: Sequence[int]) -> datetime | None:
    """Return from when on the next try is open, by the releases of the failed ones; None if nothing was failed.

    `days` are for the first fail, the next, and so on; the last one holds for all that follow.
    """
    if not fails or not days:
        return None
    ordered = sorted(_real(one) for one in fails)
    return max(one + days[min(n, len(days) - 1)] * DAY for n, one in enumerate(ordered))


def a_year_before(moment: datetime) -> datetime:
    """Return the same instant of the year before; 29 February gives the 28th."""
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:
        return moment.replace(year=moment.year - 1, day=28)


# ---- Reminders


@dataclass(frozen=True, slots=True)
class Steps:
    """Which step of words is due now (hours before the start; None: none), and which were passed over."""

    due: int | None
    passed: tuple[int, ...]


def steps(
    start: datetime, now: datetime, hours: Iterable[int], *, since: datetime, written: Iterable[int] = ()
) -> Steps:
    """Return what of the reminders has come: the latest one is said, those before it and before `since` are not."""
    known = set(written)
    come = [
        one for one in sorted(hours, reverse=True) if start - timedelta(hours=one) <= now and one not in known
    ]
    if not come or now >= start:
        return Steps(None, tuple(come))
    last = come[-1]
    if start - timedelta(hours=last) < since:
        return Steps(None, tuple(come))
    return Steps(last, tuple(come[:-1]))
