"""When what may be done around a session: elapsed time between instants, and local times that exist; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class NoSuchTime(ValueError):
    """A local time that a clock change leaves out."""


class TwoSuchTimes(ValueError):
    """A local time that a clock change brings twice: `instants` are both, the earlier first."""

    def __init__(self, instants: tuple[datetime, datetime]) -> None:
        super().__init__("this local time comes twice")
        self.instants = instants


def local_to_utc(wall: datetime, zone: str, *, second: bool | None = None) -> datetime:
    """Return the instant of a naive local time; `second` says which where the clock shows it twice.

    Raises NoSuchTime, and TwoSuchTimes where `second` is not said.
    """
    here = ZoneInfo(zone)
    early, late = (wall.replace(tzinfo=here, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(here).replace(tzinfo=None) != wall:
        raise NoSuchTime(f"{wall} does not exist in {zone}")
    if early == late:
        return early
    if second is None:
        raise TwoSuchTimes((early, late))
    return late if second else early


def offset(moment: datetime, zone: str) -> str:
    """Return a zone's distance from UTC at an instant, such as `UTC+08:00`."""
    minutes = int((moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds()) // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def changeable(start: datetime, now: datetime, hours: int) -> bool:
    """Whether a booking may still be changed: start − now > the cut-off, strictly, as elapsed time."""
    return start.astimezone(UTC) - now.astimezone(UTC) > timedelta(hours=hours)


def opens_at(start: datetime, days: int) -> datetime:
    """Return the instant from which a session can be booked, so many times 24 hours before its start."""
    return start.astimezone(UTC) - timedelta(days=days)


def closes_at(start: datetime, hours: int) -> datetime:
    """Return the cut-off: the first instant at which nothing can be changed any more."""
    return start.astimezone(UTC) - timedelta(hours=hours)


def deadline(start: datetime, now: datetime, lasts: timedelta, hours: int) -> datetime:
    """Return until when a hold or an offer lasts: `lasts` from now, and never past the cut-off."""
    return min(now + lasts, closes_at(start, hours))


def own_end(start: datetime, end: datetime, factor: int) -> datetime:
    """Return a candidate's own end with `factor` per cent of the time."""
    return start + (end - start) * factor / 100


def overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    """Whether two half-open spans have an instant in common."""
    return one[0] < other[1] and other[0] < one[1]


def free_again(fails: Iterable[datetime], days: Sequence[int]) -> datetime | None:
    """Return from when a next attempt may start: after the n-th released fail `days[n]` (the last for all after)."""
    told = sorted(fails)
    if not told or not days:
        return None
    return told[-1] + timedelta(days=days[min(len(told), len(days)) - 1])


def a_year_before(moment: datetime) -> datetime:
    """Return the same instant of the year before; 29 February gives the 28th."""
    try:
        return moment.replace(year=moment.year - 1)
    except ValueError:
        return moment.replace(year=moment.year - 1, day=28)


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
