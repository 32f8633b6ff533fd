"""By what a report was worked out: the list of streams, the catalogue, the formulas and the release."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import metadata
from typing import Any

from sqlalchemy import func, select

from portal.billing.book_models import PastRecord
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db

# Raised whenever a formula of the reports gives another figure for the same facts.
FORMULAS = "formulas@1"


@cache
def release() -> str:
    """Return the release that runs here."""
    try:
        return metadata.version("foundation-portal")
    except metadata.PackageNotFoundError:
        return "unreleased"


def streams(on: date) -> str:
    """Return which list of streams counts on a day: that of imported books, or which of the catalogue's."""
    own = select(PastRecord.id).where(PastRecord.kind == "streams").limit(1)
    if db.session.scalar(own) is not None:
        return "streams@books"
    lists = select(func.count(CatalogueEntry.valid_from.distinct())).where(
        CatalogueEntry.kind == "stream", CatalogueEntry.valid_from <= on
    )
    return f"streams@{db.session.scalar(lists) or 0}"


def in_force(on: date) -> dict[str, Any]:
    """Return all four for a report as known on a day; the catalogue by its newest row."""
    return {
        "streams": streams(on),
        "catalogue": int(db.session.scalar(select(func.max(CatalogueEntry.id))) or 0),
        "formulas": FORMULAS,
        "release": release(),
    }
