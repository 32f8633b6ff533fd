"""What licences tell: one kind of news, numbered per licence."""

from __future__ import annotations

from dataclasses import dataclass

from portal.services.licences.models.record import LicenceEvent


@dataclass(frozen=True, slots=True)
class LicenceHappened:
    """Something changed about a licence."""

    event: LicenceEvent
