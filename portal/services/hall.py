"""Services as `wiring.py` lets them in: offers, quotes, contracts, projects, support and licences, what they hear of."""

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
from portal.core import catalogue, nav, waiting
from portal.core.bounces import MailBounced
from portal.core.nav import Entry
from portal.services import duties, keeping, mine, words, work_api  # noqa: F401 - their routes
from portal.services.api import services_api
from portal.services.contracts import office as contract_office  # noqa: F401 - its routes
from portal.services.contracts import papers as contract_papers  # noqa: F401 - its handlers
from portal.services.contracts import verbs as contracts
from portal.services.contracts import views as contract_views  # noqa: F401 - its routes
from portal.services.engagements import hearing as project_hearing
from portal.services.engagements import office as engagement_pages  # noqa: F401 - its routes
from portal.services.engagements import opening, work_office  # noqa: F401 - its routes
from portal.services.engagements import papers as engagement_papers  # noqa: F401 - its handlers
from portal.services.engagements import views as engagement_views  # noqa: F401 - its routes
from portal.services.engagements.doors import engagement_office, engagements
from portal.services.licences import doors as licence_doors
from portal.services.offers import rows
from portal.services.offers import views as offer_views  # noqa: F401 - its routes
from portal.services.quotes import customer_orders, editor, office, papers, term_views, terms, views  # noqa: F401 - routes
from portal.services.quotes.doors import offers, quote_office, quotes
from portal.services.quotes.events import QuoteAccepted
from portal.services.support import hall as support_hall

BLUEPRINTS: list[Blueprint] = [
    *support_hall.BLUEPRINTS, *licence_doors.BLUEPRINTS, offers, quotes, quote_office, engagements, engagement_office,
]  # fmt: skip
APIS: list[APIBlueprint] = [*support_hall.APIS, *licence_doors.APIS, services_api]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (QuoteAccepted, contracts.on_accepted),
    (QuoteAccepted, terms.on_accepted),
    (QuoteAccepted, opening.on_accepted),
    (MailBounced, project_hearing.on_bounced),
    (OrganisationsMerged, keeping.on_merged),
    *support_hall.REACTIONS,
    *licence_doors.REACTIONS,
)


def _buys(reader: Reader) -> bool:
    return bool(reader.orgs(May.SEE_SERVICES))


def install() -> None:
    """Check the catalogue's rows, name the verbs, say what is kept of people, and stand on the rails."""
    support_hall.install()
    licence_doors.install()
    catalogue.checked(rows.KIND, rows.check)
    customer_orders.install()
    terms.install()
    words.install()
    keeping.install()
    waiting.add("services", duties.tasks)
    nav.add(
        Entry("member", 43, "quotes.services", _l("Services"), "briefcase", _buys),
        Entry(
            "office", 34, "quote_office.pipeline", _l("Quotes"), "file-earmark-check", staff_who_may(May.READ_SERVICES),
            office.count_asked,
        ),
        Entry(
            "office", 34, "engagement_office.board", _l("Projects"), "kanban", staff_who_may(May.READ_SERVICES)
        ),
    )  # fmt: skip
