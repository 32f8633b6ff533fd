"""What a certificate is worth at an instant: a pure function of facts, exactly one state at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels


class CertificateState(StrEnum):
    """The states of a certificate, the first that holds wins; `expired` is derived from time and never stored."""

    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    VALID = "valid"


S = CertificateState
labels.name(
    CertificateState,
    {
        S.REVOKED: _l("Revoked"), S.SUPERSEDED: _l("Replaced"), S.EXPIRED: _l("Expired"), S.SUSPENDED: _l("On hold"),
        S.VALID: _l("Valid now"),
    },
    {S.REVOKED: "bad", S.SUPERSEDED: "warn", S.EXPIRED: "mute", S.SUSPENDED: "warn", S.VALID: "good"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides: the award's span, its revocation, its suspensions [start, end), and the document's successor."""

    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None = None
    superseded_at: datetime | None = None
    suspensions: tuple[tuple[datetime, datetime | None], ...] = ()


def running(facts: Facts, at: datetime) -> datetime | None:
    """Return since when a suspension runs at an instant; None if none does."""
    starts = [start for start, end in facts.suspensions if start <= at and (end is None or at < end)]
    return min(starts, default=None)


def standing(facts: Facts, at: datetime) -> tuple[CertificateState, datetime]:
    """Return the state at an instant and since when it holds, certs.md §8: the first line that fits wins."""
    if facts.revoked_at is not None and facts.revoked_at <= at:
        return S.REVOKED, facts.revoked_at
    if facts.superseded_at is not None and facts.superseded_at <= at:
        return S.SUPERSEDED, facts.superseded_at
    if at >= facts.valid_until:
        return S.EXPIRED, facts.valid_until
    if (since := running(facts, at)) is not None:
        return S.SUSPENDED, since
    return S.VALID, max([facts.valid_from, *(end for _start, end in facts.suspensions if end and end <= at)])
