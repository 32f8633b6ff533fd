"""What would be: a deed is done as it will be done, looked at, and taken back before anything of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.core.db import transaction
from portal.services.licences import files, seats


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file before it is signed: its machines, which of them would take a free seat, until when all are held."""

    named: tuple[str, ...]
    fresh: tuple[str, ...]
    until: datetime


class _Seen(Exception):
    """Nothing failed: the way out of the transaction."""


def file(licence_id: int, fingerprints: Sequence[str], days: int, *, by: Any) -> FileSeen:
    """Return what signing a file would do; refused exactly as the signing would be."""
    held: list[FileSeen] = []
    try:
        with transaction():
            named = list(dict.fromkeys(fingerprints))
            fresh = tuple(one for one in named if seats.live_node(licence_id, one) is None)
            made = files.issue(licence_id, named, days, by=by)
            held.append(FileSeen(tuple(made.fingerprints), fresh, made.expires_at))
            raise _Seen
    except _Seen:
        return held[0]
