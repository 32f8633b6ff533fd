"""The employer's and the public half of recruitment as it is let in: pages, rails, words, and what it hears of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal.jobs import board_models, keeping, modes  # noqa: F401 - their tables

BLUEPRINTS: list[Blueprint] = []
APIS: list[APIBlueprint] = []
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ()


def install() -> None:
    """Check the catalogue's rows, and say what is kept of people."""
    modes.install()
    keeping.install()
