"""Lines whose months are over: what they have earned and not booked, found for many at once, booked one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import structlog
from sqlalchemy import BigInteger, func, select, type_coerce

from portal.billing import ledger, months
from portal.billing.book_models import Segment
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.plans import due_by_month, earned_by
from portal.billing.recognition import catch_up, locked_line
from portal.core import clock
from portal.core.db import db, reading, transaction

log = structlog.get_logger(__name__)
AT_ONCE = 500
INCOME = JournalLine.account.startswith(f"{ledger.INCOME}.", autoescape=True)


def _plain(column: Any) -> Any:
    return func.sum(type_coerce(column, BigInteger)).label("sum")


def unposted() -> list[int]:
    """Return the lines whose plan and income differ: those that may owe a month, now or later."""
    planned = select(Segment.order_line_id, _plain(Segment.amount)).group_by(Segment.order_line_id)
    booked = (
        select(JournalLine.order_line_id, _plain(JournalLine.amount))
        .where(INCOME)
        .group_by(JournalLine.order_line_id)
    )
    a, b = planned.subquery(), booked.subquery()
    statement = (
        select(a.c.order_line_id)
        .outerjoin(b, b.c.order_line_id == a.c.order_line_id)
        .where(func.coalesce(b.c.sum, 0) + a.c.sum != 0)
    )
    return list(db.session.scalars(statement.order_by(a.c.order_line_id)))


def _plans(ids: Sequence[int]) -> dict[int, list[Segment]]:
    found: dict[int, list[Segment]] = defaultdict(list)
    for part in db.session.scalars(
        select(Segment).where(Segment.order_line_id.in_(ids)).order_by(Segment.id)
    ):
        found[part.order_line_id].append(part)
    return found


def _booked(ids: Sequence[int]) -> dict[int, dict[date, int]]:
    """Return the income booked for lines, by line and month of service, in fen."""
    statement = (
        select(JournalLine.order_line_id, JournalEntry.service_month, _plain(JournalLine.amount))
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(JournalLine.order_line_id.in_(ids), INCOME)
        .group_by(JournalLine.order_line_id, JournalEntry.service_month)
    )
    found: dict[int, dict[date, int]] = defaultdict(dict)
    for line_id, month, amount in db.session.execute(statement):
        found[line_id][month] = -int(amount)
    return found


def behind(ids: Sequence[int], *, until: date) -> list[int]:
    """Return those of some lines that owe entries for months before `until`, a month's first."""
    found: list[int] = []
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        booked = _booked(some)
        found += [
            line_id
            for line_id, plan in _plans(some).items()
            if due_by_month(plan, booked.get(line_id, {}), until=until)
        ]
    return sorted(found)


def recognise() -> int:
    """Post what every line has earned in the months that are over; return how many entries."""
    done = 0
    with reading():
        owing = behind(unposted(), until=months.first_of(clock.today()))
    for line_id in owing:
        try:
            with transaction():
                done += catch_up(locked_line(line_id))
        except Exception:
            log.exception("recognise.failed", line=line_id)
    return done


def missing_by(end: date) -> dict[int, int]:
    """Return what lines have earned by a day (a month's last) and not booked, in fen."""
    found: dict[int, int] = {}
    ids = unposted()
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        booked = _booked(some)
        for line_id, plan in _plans(some).items():
            known = sum(amount for month, amount in booked.get(line_id, {}).items() if month <= end)
            if due := earned_by(plan, end) - known:
                found[line_id] = due
    return found
