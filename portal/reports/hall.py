"""Everything of reports as `wiring.py` lets it in: the figures of members, and what the foundation earned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from portal.reports import member_files, outlook_hall  # noqa: F401 - its routes
from portal.reports.income import hall as income
from portal.reports.office import figures

BLUEPRINTS: list[Blueprint] = [figures, *income.BLUEPRINTS]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = income.REACTIONS


def install() -> None:
    """Let each stand on the rails."""
    income.install()
    outlook_hall.install()
