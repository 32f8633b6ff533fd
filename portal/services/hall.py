"""Offers, quotes, contracts and engagements as `wiring.py` lets them in: pages, operations, words, what they hear of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal.core import catalogue
from portal.services.contracts import models as contract_models  # noqa: F401 - its tables
from portal.services.engagements import models as engagement_models  # noqa: F401 - its tables
from portal.services.offers import rows
from portal.services.quotes import (  # noqa: F401 - their handlers and tables
    accepting,
    buying,
    customer_orders,
    papers,
    seen,
    sending,
    term_models,
)
from portal.services.quotes.doors import offers, quote_office, quotes

BLUEPRINTS: list[Blueprint] = [offers, quotes, quote_office]
APIS: list[APIBlueprint] = []
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ()


def install() -> None:
    """Check the catalogue's rows, name the verbs, say what is kept of people, and stand on the rails."""
    catalogue.checked(rows.KIND, rows.check)
    customer_orders.install()
