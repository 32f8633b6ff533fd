"""What waits for finance of compute statements: reports to check, disputes to answer, confirmed ones to invoice."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.may import May
from portal.core import clock, labels, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.core.words import month
from portal.services.statements.chores import steps_of
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeStatement

S = StatementState
MOST = 50


def _task(row: ComputeStatement, action: str, *, overdue: bool = False) -> Task:
    return waiting.task(
        _("Compute %(month)s: %(org)s", month=month(row.month), org=row.seller.org.name), action,
        url_for("compute_office.statement", uid=row.uid),
        since=row.confirmed_at or row.sent_at or row.reported_at or clock.start_of(steps_of(row.month)[0][1]),
        detail=labels.label(row.state), overdue=overdue,
    )  # fmt: skip


def tasks(reader: Any) -> list[Task]:
    """Return what compute statements ask of a reader."""
    found: list[Task] = []
    if reader.staff_may(May.SELL):
        words = {S.DRAFT: _("Check and send it"), S.DISPUTED: _("Answer"), S.CONFIRMED: _("Invoice")}
        rows = select(ComputeStatement).where(
            ComputeStatement.state.in_(list(words)), ComputeStatement.into_id.is_(None)
        )
        found += [
            _task(one, words[one.state])
            for one in db.session.scalars(
                rows.order_by(ComputeStatement.month, ComputeStatement.id).limit(MOST)
            )
            if one.state is not S.CONFIRMED or one.net.minor >= 0
        ]
    if reader.staff_may(May.MANAGE_PLACES):
        late = select(ComputeStatement).where(ComputeStatement.state == S.EXPECTED)
        found += [
            _task(one, _("Ask the seller"), overdue=True)
            for one in db.session.scalars(
                late.order_by(ComputeStatement.month, ComputeStatement.id).limit(MOST)
            )
            if steps_of(one.month)[-1][1] <= clock.today()
        ]
    return found
