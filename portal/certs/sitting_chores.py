"""What the clock does to attempts: parts whose time is up are handed in as saved, what nobody started is closed."""

from __future__ import annotations

from sqlalchemy import select

from portal.certs import sitting
from portal.certs.models.booking import Booking
from portal.certs.models.delivery import Attempt, AttemptPart, AttemptState, PartState
from portal.core import clock
from portal.core.rows import each, ids_of

P = PartState


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
    return done + each("close_sittings", ids_of(unstarted), sitting.abandon)
