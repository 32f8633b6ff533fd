"""Recruitment as `wiring.py` lets it in, and what it asks of certification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint
from sqlalchemy import Select

from portal.accounts.people import Person
from portal.certs import awarding, queries
from portal.certs.award_events import AwardExpired, AwardRevoked, VisibilityChanged
from portal.certs.naming import Shown
from portal.jobs import board_hall, gateway, people_hall, people_hearing
from portal.jobs.gateway import Credential

BLUEPRINTS: list[Blueprint] = [*board_hall.BLUEPRINTS, *people_hall.BLUEPRINTS]
APIS: list[APIBlueprint] = [*board_hall.APIS, *people_hall.APIS]


def _shown(event: VisibilityChanged) -> None:
    award = event.award
    people_hearing.name_shown(award.person, award.subject, award.level, full=event.shown is Shown.FULL)


def _ended(event: AwardRevoked | AwardExpired) -> None:
    people_hearing.certificate_ended(event.award.person, event.award.level, event.award.uid)


REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    *board_hall.REACTIONS,
    *people_hall.REACTIONS,
    (VisibilityChanged, _shown),
    (AwardRevoked, _ended),
    (AwardExpired, _ended),
)


def _credentials(people: Sequence[Person], on: date | None) -> dict[int, list[Credential]]:
    return {
        person: [Credential(one.level, one.rank, one.state.value, one.number, one.end) for one in held]
        for person, held in queries.badges(people, on=on).items()
    }


def _levels(on: date | None, rank: int | None) -> Select[Any]:
    return awarding.levels_in_force(on=on, rank=rank)


def install() -> None:
    """Answer what recruitment asks, and let it stand on the rails."""
    gateway.ask(gateway.Answers(_credentials, _levels))
    board_hall.install()
    people_hall.install()
