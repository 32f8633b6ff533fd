"""Support, statements, sponsorship, slots and what is consumed as `wiring.py` lets them in, together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal.services.consumed import views as consumed
from portal.services.slots import hall as slots
from portal.services.sponsors import hall as sponsors
from portal.services.statements import hall as statements
from portal.services.support import hall as support

BLUEPRINTS: list[Blueprint] = [
    *support.BLUEPRINTS,
    *statements.BLUEPRINTS,
    *sponsors.BLUEPRINTS,
    *slots.BLUEPRINTS,
    consumed.consumed,
]
APIS: list[APIBlueprint] = [*support.APIS, *statements.APIS]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    *support.REACTIONS,
    *statements.REACTIONS,
    *sponsors.REACTIONS,
    *slots.REACTIONS,
)


def install() -> None:
    """Let each stand on the rails."""
    for hall in (support, statements, sponsors, slots, consumed):
        hall.install()
