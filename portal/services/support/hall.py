"""Support as `wiring.py` lets it in: pages, operations, rails, words, and what it hears of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts.events import PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.billing.events import InvoiceSettled
from portal.core import nav, waiting
from portal.core.nav import Entry
from portal.services.support import (  # noqa: F401 - their routes
    desk_office,
    duties,
    keeping,
    knowledge_office,
    monthly_views,
    office,
    people_views,
    showing,
    views,
    words,
)
from portal.services.support.api import tickets_api
from portal.services.support.doors import support, support_office
from portal.services.support.knowledge_views import knowledge

BLUEPRINTS: list[Blueprint] = [support, support_office, knowledge]
APIS: list[APIBlueprint] = [tickets_api]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (InvoiceSettled, keeping.on_settled),
    (PersonErased, keeping.on_erased),
    (OrganisationsMerged, keeping.on_merged),
)


def install() -> None:
    """Name the verbs, say what is kept of people, and stand on the rails."""
    words.install()
    keeping.install()
    waiting.add("support", duties.tasks)
    nav.add(
        Entry("member", 45, "support.listed", _l("Support"), "life-preserver", lambda _r: True),
        Entry(
            "office", 36, "support_office.queue", _l("Tickets"), "life-preserver", staff_who_may(May.READ_TICKETS),
            showing.count_new,
        ),
    )  # fmt: skip
