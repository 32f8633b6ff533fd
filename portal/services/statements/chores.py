"""What happens to compute statements as time passes: months are asked for, reminded of, and silence confirms."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from portal.billing.months import following
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.services.statements import letters, sellers, settling
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeNotice, ComputeSeller, ComputeStatement

S = StatementState
ASKED = 0


def ask_statements() -> int:
    """Ask for the months that are over, remind of those not told, and let silence confirm what was sent."""
    count = each("ask_statements", ids_of(select(ComputeSeller.id).order_by(ComputeSeller.id)), _expect)
    for state, do in ((S.EXPECTED, _remind), (S.SENT, _deem)):
        rows = select(ComputeStatement.id).where(ComputeStatement.state == state)
        count += each("ask_statements", ids_of(rows.order_by(ComputeStatement.id)), do)
    return count


def _expect(number: int) -> int:
    seller = sellers.locked(db.session.get_one(ComputeSeller, number))
    made = [sellers.expect(seller, month) for month in sellers.months_of(seller, clock.today())]
    return sum(one is not None for one in made)


def steps_of(month: date) -> list[tuple[int, date]]:
    """Return the steps of asking for a month, with their days: at once, the reminders, and last the managers."""
    days = [int(one) for one in catalogue.policy("compute.reminder_days")]
    manager = int(catalogue.policy("compute.manager_day"))
    first = following(month)
    return [(ASKED, first), *((one, first + timedelta(days=one - 1)) for one in sorted({*days, manager}))]


def _remind(number: int) -> int:
    """Say the latest step that is due; earlier ones that nobody said are passed over, and written all the same."""
    row = db.session.get_one(ComputeStatement, number)
    sellers.locked(row.seller)
    db.session.refresh(row)
    if row.state is not S.EXPECTED:
        return 0
    there = set(db.session.scalars(select(ComputeNotice.step).where(ComputeNotice.statement_id == row.id)))
    due = [step for step, day in steps_of(row.month) if day <= clock.today()]
    fresh = [step for step in due if step not in there]
    tell = fresh[-1] if fresh and fresh[-1] > max(there, default=-1) else None
    for step in fresh:
        db.session.add(ComputeNotice(statement=row, step=step, sent=step == tell))
    db.session.flush()
    if tell is None:
        return 0
    if tell == int(catalogue.policy("compute.manager_day")):
        letters.missing(row)
    letters.asked(row, tell)
    return 1


def _deem(number: int) -> int:
    return int(settling.deem(db.session.get_one(ComputeStatement, number), by="ask_statements"))
