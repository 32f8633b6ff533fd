"""Everything of services as `wiring.py` lets it in: what is bought and delivered, statements, sponsorship, slots, what is consumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal.services import hall as work
from portal.services import moves
from portal.services.consumed import views as consumed
from portal.services.diary import hall as diary
from portal.services.slots import hall as slots
from portal.services.sponsors import hall as sponsors
from portal.services.statements import hall as statements

BLUEPRINTS: list[Blueprint] = [
    *work.BLUEPRINTS,
    *statements.BLUEPRINTS,
    *sponsors.BLUEPRINTS,
    *slots.BLUEPRINTS,
    *diary.BLUEPRINTS,
    consumed.consumed,
]
APIS: list[APIBlueprint] = [*work.APIS, *statements.APIS]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    *work.REACTIONS,
    *statements.REACTIONS,
    *sponsors.REACTIONS,
    *slots.REACTIONS,
    *diary.REACTIONS,
)


def install() -> None:
    """Let each stand on the rails."""
    for hall in (work, statements, sponsors, slots, diary, consumed):
        hall.install()
    moves.install()
