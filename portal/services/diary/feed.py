"""What a calendar reads (RFC 5545): milestones on their planned day, slots on their first, one entry over every move.

Days are days without a clock; instants are UTC. What was called off stays for a while and says that it is cancelled.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.core import clock, labels, web
from portal.core.catalogue import brand, in_words
from portal.core.db import db
from portal.core.settings import settings
from portal.services.engagements.models import DONE, Engagement, EngagementState, Milestone
from portal.services.slots.kinds import SlotState
from portal.services.slots.models import SlotRequest

BACK = timedelta(days=180)
MOST = 2000
E, S = EngagementState, SlotState


def text(reader: Reader) -> bytes:
    """Return the calendar of a reader: all that he may see as staff, else what is of his organisations."""
    from icalendar import Calendar  # noqa: PLC0415 - heavy

    host, since = urlsplit(settings().public_url).hostname or "localhost", clock.today() - BACK
    found = Calendar()
    found.add("prodid", f"-//{host}//portal//EN")
    found.add("version", "2.0")
    found.add("method", "PUBLISH")
    found.add("x-wr-calname", _("%(foundation)s: milestones and slots", foundation=brand().short))
    for row in _milestones(reader, since):
        found.add_component(_of_milestone(row, reader, host))
    for slot in _slots(reader, since):
        found.add_component(_of_slot(slot, reader, host))
    made: bytes = found.to_ical()
    return made


def _milestones(reader: Reader, since: date) -> list[Milestone]:
    rows = (
        select(Milestone)
        .join(Engagement, Milestone.engagement_id == Engagement.id)
        .options(contains_eager(Milestone.engagement))
        .where(Milestone.planned_on >= since)
        .order_by(Milestone.planned_on, Milestone.id)
        .limit(MOST)
    )
    if not reader.staff_may(May.READ_SERVICES):
        rows = rows.where(Engagement.org_id.in_(reader.orgs(May.SEE_SERVICES)))
    return list(db.session.scalars(rows))


def _slots(reader: Reader, since: date) -> list[SlotRequest]:
    booked = SlotRequest.state.in_((S.BOOKED, S.USED, S.RELEASED)) & (SlotRequest.starts_on >= since)
    offered = (SlotRequest.state == S.OFFERED) & SlotRequest.answer_by.is_not(None)
    rows = select(SlotRequest).where(or_(booked, offered)).order_by(SlotRequest.id).limit(MOST)
    if not reader.staff_may(May.READ_PLACES):
        rows = rows.where(SlotRequest.org_id.in_(reader.orgs(May.TAKE_SLOTS)))
    return list(db.session.scalars(rows))


def _event(uid: str, sequence: int, day: date, said: str, status: str, url: str) -> Any:
    from icalendar import Event  # noqa: PLC0415 - heavy

    event = Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", _stamp())
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", said)
    event.add("status", status)
    event.add("transp", "TRANSPARENT")
    event.add("url", url)
    return event


def _stamp() -> datetime:
    """Return the hour in which a calendar is made: within it the same question has the same bytes, and answers 304."""
    return clock.now().replace(minute=0, second=0, microsecond=0)


def _of_milestone(row: Milestone, reader: Reader, host: str) -> Any:
    work, day = row.engagement, row.planned_on
    assert day is not None
    if work.state is E.TERMINATED and row.state not in DONE:
        status = "CANCELLED"
    else:
        status = "TENTATIVE" if work.state is E.PAUSED else "CONFIRMED"
    said = _(
        "%(milestone)s – %(project)s (%(state)s)", milestone=in_words(row.title), project=_named(work.number, work.org, reader),
        state=labels.label(row.state),
    )  # fmt: skip
    ours = work.org_id not in reader.orgs(May.SEE_SERVICES)
    page = "engagement_office.engagement" if ours else "engagements.engagement"
    return _event(
        f"milestone-{row.uid}@{host}", work.edition, day, said, status, web.absolute(page, uid=work.uid)
    )


def _of_slot(row: SlotRequest, reader: Reader, host: str) -> Any:
    day = row.answer_by if row.state is S.OFFERED else row.starts_on
    assert day is not None
    status = {S.OFFERED: "TENTATIVE", S.RELEASED: "CANCELLED"}.get(row.state, "CONFIRMED")
    words = {"kind": labels.label(row.kind), "quarter": row.quarter.code if row.quarter is not None else ""}
    if row.state is S.OFFERED:
        said = _("Take the slot of %(quarter)s: %(kind)s", **words)
    else:
        said = _("Adaptation slot of %(quarter)s: %(kind)s", **words)
    ours = row.org_id not in reader.orgs(May.TAKE_SLOTS)
    return _event(
        f"slot-{row.uid}@{host}", row.edition, day, _named(said, row.org, reader), status,
        web.absolute("slots_office.listed" if ours else "slots.listed"),
    )  # fmt: skip


def _named(said: str, org: Any, reader: Reader) -> str:
    """Return words with whose it is, where a reader sees more than one organisation's."""
    several = reader.works_here() or len({one for one, _role in reader.contacts}) > 1
    return f"{said} · {org.name}" if several else said
