"""What follows when something happens to a licence: mail to people, messages to their programs."""

from __future__ import annotations

from typing import Any

from portal.accounts import hooks
from portal.services.licences import letters, overage
from portal.services.licences.events import LicenceHappened
from portal.services.licences.models.record import LicenceEvent


def on_happened(news: LicenceHappened) -> None:
    """Tell people and programs of an event, in the transaction that made it."""
    event = news.event
    letters.tell(event, overage.ready(event) if event.kind == overage.STARTED else None)
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
