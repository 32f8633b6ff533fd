"""What lines have earned and no entry says yet, by the month of service: the answer is the same whenever the chore ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import BigInteger, func, select, type_coerce

from portal.billing import months
from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import clock, heap
from portal.core.db import db
from portal.reports import owing
from portal.reports.facts import Facts, Planned
from portal.reports.journal import INCOME
from portal.reports.stored import reading as stored

AT_ONCE = 10_000
Plan = Sequence[Planned]


class Late(NamedTuple):
    """Fen of a line earned in a month of service and not booked, with the month they are posted in; the line's stream and payer."""

    line_id: int
    service: date
    month: date
    amount: int
    stream: str
    party_id: int


def through(facts: Facts) -> date:
    """Return the last day whose income counts: the earlier of the period's end, the day known and today."""
    return min(facts.end, facts.known, clock.today())


def earned_by(plan: Plan, day: date) -> int:
    """Return the fen that a plan has earned when a day has ended."""
    return sum(part.earned_by(day) for part in plan)


def late(facts: Facts) -> list[Late]:
    """Return what lines have earned and no entry says yet.

    Nearly always it is the days of the running month alone; a month that is over and not booked yet counts in its own
    month, or, if that is closed, in the first open one after it. Where a stored month says that nothing was owed at
    its end, only what moved since is read.
    """
    day = through(facts)
    month, base = months.first_of(day), stored.base(facts.until, day)
    owed: list[Late] = []
    behind: dict[int, owing.Owing] = {}
    with heap.filling():
        for one in owing.lines(facts.until, base, month, day):
            whole = base is not None and month == base.month
            if not whole and one.missing == one.within:
                owed.append(Late(one.line, month, month, one.missing, one.stream, one.party))
            else:
                behind[one.line] = one
        if behind:
            plans = owing.plans(sorted(behind), facts.until)
            for line, service, posting, fen in _by_month(facts, plans, day):
                owed.append(Late(line, service, posting, fen, behind[line].stream, behind[line].party))
    return owed


def _posted(facts: Facts, lines: Sequence[int]) -> dict[int, dict[date, int]]:
    """Return the income booked of lines by month of service."""
    posted: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for at in range(0, len(lines), AT_ONCE):
        total = -func.sum(type_coerce(JournalLine.amount, BigInteger))
        statement = (
            select(JournalLine.order_line_id, JournalEntry.service_month, total)
            .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
            .where(
                JournalLine.order_line_id.in_(lines[at : at + AT_ONCE]),
                INCOME,
                JournalEntry.known_at <= facts.until,
            )
            .group_by(JournalLine.order_line_id, JournalEntry.service_month)
            .order_by(JournalLine.order_line_id, JournalEntry.service_month)
        )
        for line_id, month, fen in db.session.execute(statement):
            posted[line_id or 0][month] += int(fen)
    return posted


def _by_month(facts: Facts, plans: Mapping[int, Plan], day: date) -> list[tuple[int, date, date, int]]:
    """Return line, month of service, posting month and fen of lines that owe more than the running month."""
    posted, shut = _posted(facts, list(plans)), _closed(facts)
    found = []
    for line_id, plan in plans.items():
        for service, amount in _due(plan, posted[line_id], day):
            month = service
            while month in shut:
                month = months.following(month)
            if month <= facts.end:
                found.append((line_id, service, month, amount))
    return found


def _due(plan: Plan, posted: Mapping[date, int], day: date) -> list[tuple[date, int]]:
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
    return {month for month, at in rows if at is None or at <= facts.until}
