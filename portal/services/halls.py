"""Quotes and projects, support, statements, sponsorship and slots as `wiring.py` lets them in, together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal.services import hall as work
from portal.services.slots import hall as slots
from portal.services.sponsors import hall as sponsors
from portal.services.statements import hall as statements
from portal.services.support import hall as support

BLUEPRINTS: list[Blueprint] = [
    *work.BLUEPRINTS,
    *support.BLUEPRINTS,
    *statements.BLUEPRINTS,
    *sponsors.BLUEPRINTS,
    *slots.BLUEPRINTS,
]
APIS: list[APIBlueprint] = [*work.APIS, *support.APIS, *statements.APIS]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    *support.REACTIONS,
    *work.REACTIONS,
    *statements.REACTIONS,
    *sponsors.REACTIONS,
    *slots.REACTIONS,
)


def install() -> None:
    """Let each stand on the rails."""
    for hall in (work, support, statements, sponsors, slots):
        hall.install()
