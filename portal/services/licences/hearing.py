"""What follows when something happens to a licence: mail to people, messages to their programs; and merged companies."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import hooks, merging
from portal.accounts.merging import OrganisationsMerged
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.services.licences import letters
from portal.services.licences.events import LicenceHappened
from portal.services.licences.models.licence import Licence, LicenceTool
from portal.services.licences.models.record import LicenceEvent


def on_happened(news: LicenceHappened) -> None:
    """Tell people and programs of an event, in the transaction that made it."""
    event = news.event
    letters.tell(event)
    hooks.tell(
        event.licence.org_id, event.kind, message=event.uid, stream=event.licence.uid, sequence=event.sequence, at=event.at,
        data=told(event),
    )  # fmt: skip


def told(event: LicenceEvent) -> dict[str, Any]:
    """Return an event as programs hear of it: never a key, and nobody's name."""
    return {
        "id": event.uid, "sequence": event.sequence, "licence": event.licence.uid, "organisation": event.licence.org.uid,
        "node": event.node.uid if event.node else None, "detail": event.detail,
    }  # fmt: skip


def in_the_way(one: Organisation, other: Organisation) -> object | None:
    """Say why two entries cannot become one: each has a live licence for the same tool."""
    tools = [
        set(
            db.session.scalars(
                select(LicenceTool.tool).where(LicenceTool.org_id == org.id, LicenceTool.ended_at.is_(None))
            )
        )
        for org in (one, other)
    ]
    if tools[0] & tools[1]:
        return _l("Both have a licence for the same tool: one of them has to end first.")
    return None


def on_merged(event: OrganisationsMerged) -> None:
    """Let the licences of a merged entry belong to the one that is kept."""
    merge = event.merge
    for table in (Licence, LicenceTool):
        for row in db.session.scalars(
            select(table).where(table.org_id == merge.duplicate.id).order_by(table.id)
        ):
            merging.move(merge, row, "org_id", merge.kept.id)
