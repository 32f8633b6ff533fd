"""What both sides see of an engagement on one page: progress, next day, what waits and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.core import clock
from portal.core.catalogue import in_words
from portal.core.money import Money
from portal.services.engagements import delivering, seen, terminating, times, working
from portal.services.engagements.models import DONE, Engagement, Milestone, MilestoneState
from portal.services.engagements.work_models import Deliverable, WorkSubmission


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone as the pages show it."""

    row: Milestone
    title: str
    files: list[Deliverable]
    handed: list[WorkSubmission]
    until: date | None
    late: bool
    used: int


def steps(row: Engagement, *, customer: bool) -> list[Step]:
    """Return the milestones of an engagement with their files and submissions."""
    return [_step(one, row, customer=customer) for one in row.milestones]


def _step(one: Milestone, row: Engagement, *, customer: bool) -> Step:
    handed = delivering.submissions(one)
    waits = one.state is MilestoneState.SUBMITTED and row.deemed
    found = seen.shown_files(one) if customer else delivering.files_of(one)
    ours = one.state not in DONE and one.state is not MilestoneState.SUBMITTED
    late = ours and one.planned_on is not None and one.planned_on < clock.today()
    until = times.last_day(handed[0]) if waits and handed else None
    return Step(one, in_words(one.title), found, handed, until, late, 0 if customer else working.used(one))


def percent(row: Engagement) -> int:
    """Return how much of an engagement is accepted, weighed by what its lines are worth."""
    lines = terminating.lines_of(row)
    total = sum(line.net.minor for line in lines)
    done = sum(line.net.minor * delivering.accepted_percent(line, row) for line in lines)
    return done // total if total else 0


def next_day(row: Engagement) -> date | None:
    """Return the next planned day of an engagement."""
    days = [one.planned_on for one in row.milestones if one.state not in DONE and one.planned_on]
    return min(days, default=None)


def money(row: Engagement) -> tuple[Money, Money, Money]:
    """Return what was ordered first, by changes, and in all, with tax."""
    first = row.quote.gross
    own = {line.order_line_id for line in row.quote.lines}
    added = sum((line.gross for line in terminating.lines_of(row) if line.id not in own), Money(0))
    return first, added, first + added
