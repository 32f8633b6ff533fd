"""How the history of slots reads, what waits for staff, and what follows when companies merge."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import audit_office, merging
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.core import labels, story, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.services.slots.kinds import SlotState, Why
from portal.services.slots.models import SlotRequest

MOST = 50


def _request(number: int) -> str | None:
    row = db.session.get(SlotRequest, number)
    return url_for("slots_office.listed", quarter=row.quarter.code if row.quarter else "") if row else None


def why(value: Any) -> str:
    """Return why a slot was given, in words."""
    known = {one.value for one in Why}
    return labels.label(Why(value)) if value in known else str(value)


def install() -> None:
    """Name the verbs, their details, and the page that an entry opens."""
    audit_office.opens("slot_request", _request)
    story.words(_VERBS, _DETAILS)
    story.values({"slot_why": why})


def tasks(reader: Any) -> list[Task]:
    """Return the booked slots whose day has come and whose work has not begun."""
    if not reader.staff_may(May.SELL_PLACES):
        return []
    rows = select(SlotRequest).where(SlotRequest.state == SlotState.BOOKED).order_by(SlotRequest.starts_on)
    return [
        waiting.task(
            _("Slot of %(org)s: %(kind)s", org=one.org.name, kind=labels.label(one.kind)), _("Begin the work"),
            url_for("slots_office.listed", quarter=one.quarter.code), detail=one.wish[:120],
        )
        for one in db.session.scalars(rows.limit(MOST))
        if one.quarter is not None
    ]  # fmt: skip


def on_merged(event: OrganisationsMerged) -> None:
    """Let the requests of a merged company belong to the one that is kept."""
    merge = event.merge
    rows = select(SlotRequest).where(SlotRequest.org_id == merge.duplicate.id).order_by(SlotRequest.id)
    for row in db.session.scalars(rows).all():
        merging.move(merge, row, "org_id", merge.kept.id)


_DETAILS = {
    "wish": _l("Wish"), "slot_why": _l("Why now"), "quarter": _l("Quarter"), "slots": _l("Slots"),
    "person_days": _l("Person-days behind them"), "starts_on": _l("Begins on"), "silent": _l("By silence"),
    "kept": _l("Place kept"),
}  # fmt: skip
_VERBS = {
    "slots.capacity": (_l("Capacity of a quarter written down"), "calendar3"),
    "slot.asked": (_l("Slot asked for"), "hourglass"),
    "slot.offered": (_l("Slot offered"), "gift"),
    "slot.booked": (_l("Slot booked"), "bookmark-check"),
    "slot.passed": (_l("Offer passed"), "skip-forward"),
    "slot.withdrawn": (_l("Slot no longer wanted"), "x-circle"),
    "slot.used": (_l("Slot used"), "play-circle"),
    "slot.released": (_l("Slot released"), "arrow-counterclockwise"),
}
