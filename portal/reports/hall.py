"""Everything of reports as `wiring.py` lets it in: the figures of members, what the foundation earned, what a close leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from portal.billing.events import PeriodClosed
from portal.reports import member_files, outlook_hall  # noqa: F401 - its routes
from portal.reports.closed import hall as closed
from portal.reports.income import hall as income
from portal.reports.office import figures
from portal.reports.stored import building

BLUEPRINTS: list[Blueprint] = [figures, *income.BLUEPRINTS, *closed.BLUEPRINTS]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    *income.REACTIONS,
    *closed.REACTIONS,
    (PeriodClosed, building.on_closed),
)


def install() -> None:
    """Let each stand on the rails."""
    income.install()
    closed.install()
    outlook_hall.install()
