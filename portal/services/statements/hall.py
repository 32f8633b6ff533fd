"""Compute statements as `wiring.py` lets them in: pages, operations, rails, words, and what they hear of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts.access import Reader
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.core import nav, waiting
from portal.core.nav import Entry
from portal.services.statements import (  # noqa: F401 - their routes and handlers
    duties,
    keeping,
    office,
    papers,
    showing,
    views,
    words,
)
from portal.services.statements.api import statements_api
from portal.services.statements.doors import statements, statements_office

BLUEPRINTS: list[Blueprint] = [statements, statements_office]
APIS: list[APIBlueprint] = [statements_api]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ((OrganisationsMerged, keeping.on_merged),)


def reports(reader: Reader) -> bool:
    """Whether a reader reports sales for some organisation."""
    return bool(reader.orgs(May.REPORT_SALES))


def install() -> None:
    """Name the verbs, say what is kept of people, and stand on the rails."""
    words.install()
    keeping.install()
    waiting.add("statements", duties.tasks)
    nav.add(
        Entry("member", 48, "compute.listed", _l("Compute sales"), "hdd-stack", reports),
        Entry(
            "office", 55, "compute_office.listed", _l("Compute statements"), "hdd-stack",
            staff_who_may(May.READ_MONEY), showing.count_waiting,
        ),
    )  # fmt: skip
