"""What booking must know of awards, appeals and forms; who knows it hands the answer over in `wiring.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.certs.models.booking import ExamSession


@dataclass(frozen=True, slots=True)
class Award:
    """A standing as booking sees it: a level for `[since, until)`, whatever happened to it since."""

    level: str
    since: datetime
    until: datetime
    suspended: bool = False
    revoked: bool = False

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at an instant."""
        return self.since <= at < self.until and not (self.suspended or self.revoked)


Awards = Callable[[int], Sequence[Award]]
Pending = Callable[[int, str], bool]
Faults = Callable[[ExamSession], Sequence[str]]
_awards: list[Awards] = []
_pending: list[Pending] = []
_faults: list[Faults] = []


def ask_awards(of: Awards) -> None:
    """Let somebody say which awards a person has."""
    _awards[:] = [of]


def ask_pending(of: Pending) -> None:
    """Let somebody say whether a result or appeal of a person at a level is still open."""
    _pending[:] = [of]


def ask_faults(of: Faults) -> None:
    """Let somebody say, in words, why a session cannot be published."""
    _faults[:] = [of]


def awards(person_id: int) -> list[Award]:
    """Return the awards of a person."""
    return [one for of in _awards for one in of(person_id)]


def pending(person_id: int, level: str) -> bool:
    """Whether a result or an appeal of a person at a level is still open."""
    return any(of(person_id, level) for of in _pending)


def faults(session: ExamSession) -> list[str]:
    """Return in words what keeps a session from being published, beside its own figures."""
    return [one for of in _faults for one in of(session)]
