"""What recruitment asks of certification: two questions, answered by whoever wires the domains together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select

from portal.accounts.people import Person


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate as it is worth at the moment of asking: `state` as the public check says it, `number` opens that check."""

    level: str
    rank: int
    state: str
    number: str
    until: date

    @property
    def valid(self) -> bool:
        """Whether it is in force."""
        return self.state == "valid"


@dataclass(frozen=True, slots=True)
class Answers:
    """The two questions: all credentials of some people by person, and (person_id, rank) of every award in force."""

    credentials: Callable[[Sequence[Person], date | None], Mapping[int, list[Credential]]]
    levels_in_force: Callable[[date | None, int | None], Select[Any]]


_held: list[Answers] = []


def ask(answers: Answers) -> None:
    """Let `answers` say what is asked from now on."""
    _held[:] = [answers]


def credentials(people: Sequence[Person], *, on: date | None = None) -> Mapping[int, list[Credential]]:
    """Return the newest credential of every level for each of some people, the highest first; one call a page."""
    return _held[0].credentials(people, on)


def levels_in_force(*, on: date | None = None, rank: int | None = None) -> Select[Any]:
    """Select (person_id, rank) of every award in force on a day, or of those of one rank, for searching and sorting in SQL."""
    return _held[0].levels_in_force(on, rank)
