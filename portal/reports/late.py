"""What lines have earned and no entry says yet, by the month of service: the answer is the same whenever the chore ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, func, select, type_coerce

from portal.billing import months
from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.plans import DAY
from portal.core import clock
from portal.core.db import db
from portal.reports.facts import Facts, Planned
from portal.reports.journal import INCOME

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Late:
    """Fen of a line earned in a month of service and not booked, with the month they are posted in."""

    line_id: int
    service: date
    month: date
    amount: int


def through(facts: Facts) -> date:
    """Return the last day whose income counts: the earlier of the period's end, the day known and today."""
    return min(facts.end, facts.known, clock.today())


def earned_by(plan: Sequence[Planned], day: date) -> int:
    """Return the fen that a plan has earned when a day has ended."""
    return sum(part.earned_by(day) for part in plan)


def late(facts: Facts) -> list[Late]:
    """Return what lines have earned and no entry says yet.

    Nearly always it is the days of the running month alone; a month that is over and not booked yet counts in its own
    month, or, if that is closed, in the first open one after it.
    """
    day = through(facts)
    running, found, behind = months.first_of(day), [], []
    for line_id, plan in facts.plans.items():
        whole = earned_by(plan, day)
        missing = whole - facts.line(line_id).served
        if missing and missing == whole - earned_by(plan, running - DAY):
            found.append(Late(line_id, running, running, missing))
        elif missing:
            behind.append(line_id)
    return found + (_by_month(facts, sorted(behind), day) if behind else [])


def _by_month(facts: Facts, lines: list[int], day: date) -> list[Late]:
    until = months.end_of(facts.known)
    posted: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for at in range(0, len(lines), AT_ONCE):
        total = -func.sum(type_coerce(JournalLine.amount, BigInteger))
        statement = (
            select(JournalLine.order_line_id, JournalEntry.service_month, total)
            .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
            .where(
                JournalLine.order_line_id.in_(lines[at : at + AT_ONCE]),
                INCOME,
                JournalEntry.known_at <= until,
            )
            .group_by(JournalLine.order_line_id, JournalEntry.service_month)
            .order_by(JournalLine.order_line_id, JournalEntry.service_month)
        )
        for line_id, month, fen in db.session.execute(statement):
            posted[line_id or 0][month] += int(fen)
    shut = _closed(facts)
    found = []
    for line_id in lines:
        for service, amount in _due(facts.plans[line_id], posted[line_id], day):
            month = service
            while month in shut:
                month = months.following(month)
            if month <= facts.end:
                found.append(Late(line_id, service, month, amount))
    return found


def _due(plan: Sequence[Planned], posted: dict[date, int], day: date) -> list[tuple[date, int]]:
    """Return the months whose entries differ from the plan, and by how many fen: cumulative, as they are booked."""
    month, owed = months.first_of(min(part.starts for part in plan)), []
    before = sum(amount for at, amount in posted.items() if at < month)
    while month <= day:
        before += posted.get(month, 0)
        if due := earned_by(plan, min(day, months.last_of(month))) - before:
            owed.append((month, due))
            before += due
        month = months.following(month)
    return owed


def _closed(facts: Facts) -> set[date]:
    """Return the months that were closed on the day known."""
    rows = db.session.execute(
        select(AccountingPeriod.month, AccountingPeriod.closed_at)
        .where(AccountingPeriod.state == PeriodState.CLOSED)
        .order_by(AccountingPeriod.month)
    )
    until = months.end_of(facts.known)
    return {month for month, at in rows if at is None or at <= until}
