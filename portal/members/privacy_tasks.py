"""What waits for staff about privacy and the wall: requests to be erased by their day, removals to be released."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from portal.accounts import erasing
from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.accounts.privacy_models import Erasure
from portal.core import clock
from portal.core.db import db
from portal.core.words import day
from portal.members import editions

MOST = 50


def tasks(reader: Reader) -> list[dict[str, Any]]:
    """Return what waits for this member of staff."""
    found = _erasures(reader) if reader.staff_may(May.ERASE_PEOPLE) else []
    return found + (_removals(reader) if reader.staff_may(May.PUBLISH_WALL) else [])


def _erasures(reader: Reader) -> list[dict[str, Any]]:
    """Return the requests this reader can take a step further."""
    rows = (
        select(Erasure)
        .where(Erasure.state.in_(erasing.OPEN))
        .order_by(Erasure.due_on, Erasure.id)
        .limit(MOST)
    )
    return [
        {
            "title": _("To be erased: %(name)s", name=row.person.name),
            "action": _("See the dry run"),
            "href": url_for("privacy_desk.person", uid=row.person.uid),
            "detail": _("The answer is due by %(day)s.", day=day(row.due_on)),
            "since": row.asked_at,
            "overdue": row.due_on < clock.today(),
        }
        for row in db.session.scalars(rows)
        if reader.person.id not in (row.proposed_by_id, row.person_id)
    ]  # fmt: skip


def _removals(reader: Reader) -> list[dict[str, Any]]:
    rows = [row for row in editions.waiting() if row.held_by and row.held_by.by_id != reader.person.id]
    if not rows:
        return []
    title = ngettext(
        "%(num)s removal from the member wall waits for a check",
        "%(num)s removals from the member wall wait for a check",
        len(rows),
    )
    first = rows[0].held_by
    return [
        {
            "title": title, "action": _("See what waits"), "href": url_for("walls.desk"), "detail": "",
            "since": first.published_at if first else None, "overdue": False,
        }
    ]  # fmt: skip
