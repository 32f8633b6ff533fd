"""Times of exams: local and real ones, cut-offs, windows, ends of rights, deadlines; pure functions of instants.

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
from portal.core.periods import nth

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


# ---- Local and real times


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> ZoneInfo:
    """Return an IANA zone by its name, like Europe/Berlin; `Refused` if there is none."""
    if name not in _zones():
        raise Refused(_l("“%(name)s” is no time zone.", name=name), field="zone", status=422)
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
            field="starts_at", status=422,
        )  # fmt: skip
    if len(found) == 2 and later is None:
        first, second = (f"{one:%H:%M}" for one in found)
        raise Refused(
            _l(
                "%(time)s comes twice in %(zone)s, as the clocks go back: at %(first)s and at %(second)s UTC. Please say which.",
                first=first, second=second, **words,
            ),
            field="later", status=422,
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


def may_change(start: datetime, now: datetime, cutoff: timedelta) -> bool:
    """Whether a booking may still change: strictly more than the cut-off is left before the start."""
    return _real(start) - _real(now) > cutoff


def _real(instant: datetime) -> datetime:
    """Return an instant in UTC: two datetimes of one zone would be subtracted as the wall shows them."""
    if instant.tzinfo is None:
        raise TypeError("an instant has an offset")
    return instant.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """A range of instants `[opens, closes)`."""

    opens: datetime
    closes: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether an instant lies within."""
        return self.opens <= instant < self.closes

    def meets(self, other: Window) -> bool:
        """Whether two ranges have an instant in common."""
        return self.opens < other.closes and other.opens < self.closes


def booking_window(
    start: datetime, *, opens: timedelta, cutoff: timedelta, earlier: timedelta = timedelta()
) -> Window:
    """Return when a session can be booked; `earlier` is the head start of who may book sooner."""
    return Window(_real(start) - opens - earlier, _real(start) - cutoff)


def admits(start: datetime, now: datetime, late: timedelta) -> bool:
    """Whether a candidate may still come in: up to `late` after the start; afterwards it is a no-show."""
    return _real(now) - _real(start) <= late


def offer_until(
    start: datetime, now: datetime, *, lasts: timedelta, none_within: timedelta, cutoff: timedelta
) -> datetime | None:
    """Return until when a freed seat stays offered, never past the cut-off; None if it is too late to offer one."""
    left = _real(start) - _real(now)
    if left <= none_within or left <= cutoff:
        return None
    return min(_real(now) + lasts, _real(start) - cutoff)


# ---- Rights that end


@dataclass(frozen=True, slots=True)
class Right:
    """What lasts whole days: from its first day, through its last one, and the instant at which it is over."""

    first: date
    last: date
    until: datetime


def lasting(first: date, months: int, zone: ZoneInfo) -> Right:
    """Return a right of so many months from a day on: an eligibility from its purchase, an award from its decision."""
    end = nth(first, months, 1)
    return Right(first, end - DAY, start_of(end, zone))


def renewed(end: date, decided: date, months: int, zone: ZoneInfo) -> Right:
    """Return the award that follows one which ends with the eve of `end`: nobody loses days by being early."""
    after = nth(max(end, decided), months, 1)
    return Right(decided, after - DAY, start_of(after, zone))


def renewal_window(end: date, *, before: int, after: int, zone: ZoneInfo) -> Window:
    """Return when an award can be renewed, in days around the day at whose beginning it is over."""
    return Window(start_of(end - before * DAY, zone), start_of(end + after * DAY, zone))


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


def next_within(starts: Sequence[datetime], most: int, months: int, zone: ZoneInfo) -> datetime | None:
    """Return from when on another attempt can start, with at most so many in so many months; None if there is room already."""
    days = sorted((day_in(one, zone) for one in starts), reverse=True)
    if len(days) < most:
        return None
    return start_of(nth(days[most - 1], months, 1), zone)
