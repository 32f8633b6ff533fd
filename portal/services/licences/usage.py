"""How a licence was used, step by step: read from the stays of its nodes, which are never deleted.

What a node's last lease covers counts as reporting. A renewal leaves no trace but that lease, so a node which was
silent for a while and came back counts throughout: of the past the figure is an upper bound, of now it is exact.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.core import clock, labels
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.periods import nth
from portal.services.licences.judge import Span, limit_at
from portal.services.licences.locking import spans
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceRefusal


class Interval(StrEnum):
    """How long a step is: an hour, or a day or month of the office's calendar."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


labels.name(
    Interval,
    {Interval.HOUR: _l("By the hour"), Interval.DAY: _l("By the day"), Interval.MONTH: _l("By the month")},
)
MOST_STEPS = 800


@dataclass(frozen=True, slots=True)
class Step:
    """One step of time: the most nodes live at once, the most reporting, the limit at that peak, refused claims."""

    start: datetime
    end: datetime
    live: int
    reporting: int
    limit: int
    refused: int


@dataclass(frozen=True, slots=True)
class Stay:
    """From when until when a node held a seat, and until when it reported."""

    start: datetime
    end: datetime | None
    reported: datetime


def steps(start: datetime, end: datetime, interval: Interval) -> list[tuple[datetime, datetime]]:
    """Return the steps that cover a period; refused if they are too many."""
    found: list[tuple[datetime, datetime]] = []
    for one, following in _edges(start, interval):
        if one >= end:
            break
        found.append((one, following))
        if len(found) > MOST_STEPS:
            raise Refused(_l("This period has too many steps: choose longer ones, or a shorter period."), field="interval", status=422)  # fmt: skip
    return found


def _edges(start: datetime, interval: Interval) -> Iterator[tuple[datetime, datetime]]:
    if interval is Interval.HOUR:
        at = start.replace(minute=0, second=0, microsecond=0)
        while True:
            yield at, (at := at + timedelta(hours=1))
    day = clock.day_of(start)
    first = day.replace(day=1) if interval is Interval.MONTH else day
    n = 0
    while True:
        yield clock.start_of(_nth(first, n, interval)), clock.start_of(_nth(first, n + 1, interval))
        n += 1


def _nth(first: date, n: int, interval: Interval) -> date:
    return nth(first, 1, n) if interval is Interval.MONTH else first + timedelta(days=n)


def of(row: Licence, start: datetime, end: datetime, interval: Interval) -> list[Step]:
    """Return how a licence was used in each step of a period, up to now."""
    edges = [(one, following) for one, following in steps(start, min(end, clock.now()), interval)]
    if not edges:
        return []
    terms, stays = spans(row.id), list(_stays(row, edges[0][0], edges[-1][1]))
    live = peaks(edges, ((one.start, one.end) for one in stays))
    reporting = peaks(edges, ((one.start, min(one.reported, one.end or one.reported)) for one in stays))
    refused = _refused(row, edges)
    return [
        Step(a, b, most, said, _limit(terms, at), refused[n])
        for n, ((a, b), (most, at), (said, _at)) in enumerate(zip(edges, live, reporting, strict=True))
    ]


def _limit(terms: tuple[Span, ...], at: datetime) -> int:
    return limit_at(terms, at)


def _stays(row: Licence, start: datetime, end: datetime) -> Iterator[Stay]:
    columns = (Node.activated_at, Node.released_at, Node.lease_until, Node.offline_until)
    found = select(*columns).where(
        Node.licence_id == row.id,
        Node.activated_at < end,
        or_(Node.released_at.is_(None), Node.released_at > start),
    )
    for begun, released, lease, offline in db.session.execute(found.order_by(Node.activated_at, Node.id)):
        yield Stay(begun, released, lease if offline is None else max(lease, offline))


def peaks(
    edges: Iterable[tuple[datetime, datetime]], periods: Iterable[tuple[datetime, datetime | None]]
) -> list[tuple[int, datetime]]:
    """Return for each step `[a, b)` the most half-open periods that run at one instant of it, and the first such instant."""
    waiting = sorted(
        ((one, until) for one, until in periods if until is None or until > one), key=lambda pair: pair[0]
    )
    found, n, ends = list[tuple[int, datetime]](), 0, list[datetime]()
    open_ended = 0
    for a, b in edges:
        while n < len(waiting) and waiting[n][0] <= a:
            open_ended += _begin(waiting[n][1], ends)
            n += 1
        _drop(ends, a)
        most, at = len(ends) + open_ended, a
        while n < len(waiting) and waiting[n][0] < b:
            begun, until = waiting[n]
            _drop(ends, begun)
            open_ended += _begin(until, ends)
            n += 1
            if len(ends) + open_ended > most:
                most, at = len(ends) + open_ended, begun
        found.append((most, at))
    return found


def _begin(until: datetime | None, ends: list[datetime]) -> int:
    """Count a period that begins: among those that end, or as one without an end (1)."""
    if until is None:
        return 1
    heapq.heappush(ends, until)
    return 0


def _drop(ends: list[datetime], at: datetime) -> None:
    while ends and ends[0] <= at:
        heapq.heappop(ends)


def _refused(row: Licence, edges: list[tuple[datetime, datetime]]) -> list[int]:
    hours = select(LicenceRefusal.hour, LicenceRefusal.count).where(
        LicenceRefusal.licence_id == row.id,
        LicenceRefusal.hour >= edges[0][0],
        LicenceRefusal.hour < edges[-1][1],
    )
    found, n = [0] * len(edges), 0
    for hour, count in db.session.execute(hours.order_by(LicenceRefusal.hour, LicenceRefusal.id)):
        while hour >= edges[n][1]:
            n += 1
        found[n] += count
    return found
