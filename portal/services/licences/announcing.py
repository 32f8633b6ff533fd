"""What time brings to licences, said once each: ends soon, ended, expired. It only tells; validity is never decided here.

A run says what is due and was not said. Of the steps before an end that were missed only the last is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.services.licences.judge import Span, limit_at, period_at
from portal.services.licences.locking import lock, note, span, spans
from portal.services.licences.models.licence import FINAL, Licence, LicenceTerm
from portal.services.licences.models.record import LicenceEvent

STEPS = (60, 30, 14, 7)
MARK = "end:"
BY = "licences"
QUIET = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class News:
    """Something to be said once: its name among the events, its kind, what it says."""

    once: str
    kind: str
    detail: dict[str, Any] = field(default_factory=dict)


def due(terms: Sequence[Span], now: datetime) -> list[News]:
    """Return what is to be said of a licence's terms at an instant, in order."""
    period = period_at(terms, now)
    if period is None:
        return []
    name = f"{MARK}{period.end:%Y%m%dT%H%M%S}"
    if now < period.end:
        reached = [
            days for days in STEPS if period.start < period.end - timedelta(days=days) <= now
        ]  # a trial of a month is not called short on its first day
        if not reached:
            return []
        days = min(reached)
        return [News(f"{name}:{days}", "licence.expiring", {"days": days, "ends_at": period.end})]
    found = []
    if period.over > period.end:
        found.append(News(f"{name}:grace", "licence.grace_started", {"at": period.end, "until": period.over}))
    if now >= period.over:
        found.append(News(f"{name}:expired", "licence.expired", {"at": period.over}))
    return found


def announce_licences() -> int:
    """Say of every licence what is due and was not said; return how much that was."""
    with reading():
        numbers = _with_news(clock.now())
    said = 0
    for number in numbers:
        with transaction():
            said += _announce(number)
    return said


def _with_news(now: datetime) -> list[int]:
    """Return the licences of which something is to be said, looked at without their locks."""
    alive = select(Licence.id, Licence.live_nodes).where(Licence.state.not_in(FINAL)).order_by(Licence.id)
    terms: dict[int, list[Span]] = defaultdict(list)
    for term in db.session.scalars(select(LicenceTerm).order_by(LicenceTerm.id)):
        terms[term.licence_id].append(span(term))
    said: dict[int, set[str]] = defaultdict(set)
    names = select(LicenceEvent.licence_id, LicenceEvent.once).where(LicenceEvent.once.startswith(MARK))
    for number, once in db.session.execute(names):
        said[number].add(str(once))
    return [
        number
        for number, live in db.session.execute(alive)
        if any(one.once not in said[number] for one in due(terms[number], now))
        or _fell_below(terms[number], live, now)
    ]


def _fell_below(terms: Sequence[Span], live: int, now: datetime) -> bool:
    """Whether more nodes are live than a limit that fell by itself: no claim would notice that."""
    limit = limit_at(terms, now)
    return bool(limit) and live > limit


def _announce(number: int) -> int:
    row, now = lock(number), clock.now()
    terms = spans(row.id)
    said = sum(note(row, one.kind, by=BY, once=one.once, **one.detail) for one in due(terms, now))
    if _fell_below(terms, row.live_nodes, now) and not _said_lately(row, now):
        said += note(row, "licence.limit_reached", by=BY, limit=limit_at(terms, now), live=row.live_nodes)
    return said


def _said_lately(row: Licence, now: datetime) -> bool:
    lately = select(LicenceEvent.id).where(
        LicenceEvent.licence_id == row.id,
        LicenceEvent.kind == "licence.limit_reached",
        LicenceEvent.at > now - QUIET,
    )
    return db.session.scalar(lately.limit(1)) is not None
