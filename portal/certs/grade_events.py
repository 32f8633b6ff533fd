"""What certification tells the others about results."""

from __future__ import annotations

from dataclasses import dataclass

from portal.certs.models.deciding import ExamDecision
from portal.certs.models.grading import ExamCase


@dataclass(frozen=True, slots=True)
class ResultReleased:
    """A candidate was told a result; `passed` is what it says."""

    case: ExamCase
    passed: bool


@dataclass(frozen=True, slots=True)
class AwardDecided:
    """Somebody without a part in it has granted or refused the certificate of a case."""

    decision: ExamDecision
