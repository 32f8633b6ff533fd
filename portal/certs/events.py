"""What certification tells the others about seats and attempts."""

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


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """All parts of an attempt are over: it can be marked."""

    attempt_id: int


@dataclass(frozen=True, slots=True)
class AttemptInvalidated:
    """A decider confirmed that an attempt counts for nothing; it may have been released before."""

    attempt_id: int
