"""What happens to engagements as days pass: reminders of what was handed in, deemed acceptance, the end of warranties."""

from __future__ import annotations

from sqlalchemy import select

from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.services.engagements import delivering
from portal.services.engagements.models import Engagement, EngagementState
from portal.services.engagements.work_models import Outcome, WorkSubmission

CHORE = "deem_acceptance"


def deem_acceptance() -> int:
    """Remind of submissions that wait, deem accepted whose days are over, and close projects after their warranty."""
    waits = select(WorkSubmission.id).where(WorkSubmission.outcome == Outcome.WAITING)
    done = each(CHORE, ids_of(waits.order_by(WorkSubmission.id)), _go_on)
    over = select(Engagement.id).where(Engagement.state == EngagementState.DELIVERED)
    return done + each(CHORE, ids_of(over.order_by(Engagement.id)), _close)


def _go_on(number: int) -> int:
    row = db.session.get_one(WorkSubmission, number)
    return int(delivering.deem(row) or delivering.remind(row))


def _close(number: int) -> int:
    return int(delivering.close(db.session.get_one(Engagement, number), by=CHORE))
