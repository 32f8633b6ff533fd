"""What lies ahead: terms that end within ninety days by the step they have reached, and dues at risk today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select

from portal.core import catalogue, clock
from portal.core.db import db
from portal.members.belonging import Membership
from portal.members.spans import Span
from portal.members.standing import EndingCause, Standing
from portal.reports import holders as who
from portal.reports.movement import Holders, Row

AT_RISK = (Standing.AT_RISK, Standing.GRACE)
RESIGNED = "resigned"


@dataclass(slots=True)
class Step:
    """The terms that have reached a step: so many days or fewer before their end (None: resigned, so nobody is asked)."""

    days: int | None
    rows: list[Row] = field(default_factory=list)

    @property
    def code(self) -> str:
        """What the step is called in an address."""
        return RESIGNED if self.days is None else str(self.days)

    @property
    def value(self) -> int:
        """The dues of a year that hang on them."""
        return sum(row.value for row in self.rows)


def ending(holders: Holders, today: date, steps: Sequence[int]) -> list[Step]:
    """Return the terms that end within the first step's days and are not followed yet, by the step reached."""
    borders = sorted(steps)
    found = {days: Step(days) for days in reversed(borders)}
    resigned = Step(None)
    for holder, spans in holders.items():
        for one in spans:
            if one.stop is None or not one.covers(today) or one.cause not in {None, EndingCause.RESIGNED}:
                continue
            left = (one.stop - today).days
            border = next((days for days in borders if left <= days), None)
            if border is None or any(other.covers(one.stop) for other in spans):
                continue
            step = resigned if one.cause else found[border]
            step.rows.append(Row(holder, one.stop, one.tier, one.value))
    rows = [*found.values(), resigned]
    for step in rows:
        step.rows.sort(key=lambda row: (row.day, row.holder))
    return rows


def risked(holders: Holders, standings: Mapping[int, Standing], today: date) -> dict[Standing, list[Row]]:
    """Return who is at risk or in grace today, with the dues of the term that runs or ran out last."""
    found: dict[Standing, list[Row]] = {one: [] for one in AT_RISK}
    for holder, standing in sorted(standings.items()):
        last = _last(holders.get(holder, ()), today)
        if standing in found and last is not None:
            found[standing].append(
                Row(holder, last.stop or today, last.tier, last.value, kind=standing.value)
            )
    return found


def _last(spans: Iterable[Span], today: date) -> Span | None:
    begun = [one for one in spans if one.held and one.start <= today]
    return max(begun, key=lambda one: (one.covers(today), one.start, one.term), default=None)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What the page of the next days shows."""

    today: date
    days: int
    steps: list[Step]
    risks: dict[Standing, list[Row]]


def look() -> Ahead:
    """Return what lies ahead as of today."""
    today = clock.today()
    holders = who.holders()
    rows = db.session.execute(
        select(Membership.id, Membership.standing).where(Membership.standing.in_(AT_RISK))
    )
    steps = [int(days) for days in catalogue.policy("figures.steps")]
    standings = {int(holder): Standing(standing) for holder, standing in rows}
    return Ahead(today, max(steps), ending(holders, today, steps), risked(holders, standings, today))
