"""What certification tells the others about seats."""

from __future__ import annotations

from dataclasses import dataclass

from portal.certs.models.booking import ExamSession
from portal.certs.models.eligibility import Eligibility


@dataclass(frozen=True, slots=True)
class EligibilityOpened:
    """Somebody has a paid right to try."""

    eligibility: Eligibility


@dataclass(frozen=True, slots=True)
class SessionCalledOff:
    """A session will not take place; `reason` is told to its candidates."""

    session: ExamSession
    reason: str
