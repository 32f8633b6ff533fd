"""What the clock does to attempts: parts whose time is up are handed in as saved, what nobody started is closed, reports are asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, select

from portal.certs import sitting
from portal.certs import sitting_letters as letters
from portal.certs.models.booking import Booking, ExamSession, SessionState
from portal.certs.models.delivery import Attempt, AttemptPart, AttemptState, PartState
from portal.core import clock
from portal.core.db import db
from portal.core.rows import each, ids_of

P = PartState
REPORT, OLD = timedelta(hours=24), timedelta(days=7)


def close_sittings() -> int:
    """Close parts at deadline and grace, parts that nobody opened in their days, and attempts that were never started."""
    now = clock.now()
    late = select(AttemptPart.id).where(
        AttemptPart.state == P.RUNNING, AttemptPart.due_at < now - sitting.grace()
    )
    unopened = select(AttemptPart.id).where(AttemptPart.state == P.TO_COME, AttemptPart.open_until <= now)
    unstarted = (
        select(Attempt.id)
        .join(Booking, Attempt.booking_id == Booking.id)
        .where(Attempt.state == AttemptState.READY, Booking.until_at <= now)
        .order_by(Attempt.id)
    )
    done = each("close_sittings", ids_of(late.order_by(AttemptPart.id)), sitting.close)
    done += each("close_sittings", ids_of(unopened.order_by(AttemptPart.id)), sitting.close)
    done += each("close_sittings", ids_of(unstarted), sitting.abandon)
    return done + each("close_sittings", ids_of(_unreported(now)), _ask_report)


def _unreported(now: datetime) -> Select[int]:
    """Select the sessions whose report nobody has signed a day after the end; those of old are left in peace."""
    return (
        select(ExamSession.id)
        .where(
            ExamSession.state == SessionState.CLOSED, ExamSession.ends_at <= now - REPORT, ExamSession.ends_at > now - OLD
        )
        .order_by(ExamSession.id)
    )  # fmt: skip


def _ask_report(number: int) -> int:
    return int(letters.report_due(db.session.get_one(ExamSession, number)))
