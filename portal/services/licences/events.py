"""What licences tell: one kind of news, numbered per licence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.services.licences.models.record import LicenceEvent


@dataclass(frozen=True, slots=True)
class LicenceHappened:
    """Something changed about a licence."""

    event: LicenceEvent


def instant(value: Any) -> datetime | None:
    """Return an instant that an event tells by RFC 3339; None if it tells none, or something else."""
    try:
        return datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
