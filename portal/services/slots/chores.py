"""What happens to slots as time passes: offers end, and what is free is offered in the order of the rule."""

from __future__ import annotations

from sqlalchemy import select

from portal.core import clock
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.services.slots import giving
from portal.services.slots.kinds import SlotState
from portal.services.slots.models import SlotQuarter, SlotRequest

AHEAD = 2  # the quarter that runs and the next one


def offer_slots() -> int:
    """Let offers pass whose days are over, then offer what the running quarter and the next one have left."""
    over = select(SlotRequest.id).where(
        SlotRequest.state == SlotState.OFFERED, SlotRequest.answer_by < clock.today()
    )
    count = each("offer_slots", ids_of(over.order_by(SlotRequest.id)), _pass)
    return count + each("offer_slots", _ahead(), _offer)


def _ahead() -> list[int]:
    rows = list(db.session.scalars(select(SlotQuarter).order_by(SlotQuarter.start)))
    found = [one.id for one in rows if one.end > clock.today()][:AHEAD]
    return ids_of(select(SlotQuarter.id).where(SlotQuarter.id.in_(found)).order_by(SlotQuarter.start))


def _pass(number: int) -> int:
    return int(giving.pass_by(db.session.get_one(SlotRequest, number), by="offer_slots", silent=True))


def _offer(number: int) -> int:
    return len(giving.offer(db.session.get_one(SlotQuarter, number), by="offer_slots"))
