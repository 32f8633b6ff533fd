"""By what a report was worked out: the list of streams, the catalogue, the formulas and the release."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import metadata
from typing import Any

from sqlalchemy import func, select

from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.reports import lists
from portal.reports.income import files

# Raised (where the files of reports say it) whenever a formula gives another figure for the same facts.
FORMULAS = f"formulas@{files.FORMULAS}"


@cache
def release() -> str:
    """Return the release that runs here."""
    try:
        return metadata.version("foundation-portal")
    except metadata.PackageNotFoundError:
        return "unreleased"


def in_force(on: date) -> dict[str, Any]:
    """Return all four for a report as known on a day; the catalogue by its newest row."""
    return {
        "streams": lists.in_force(on).version,
        "catalogue": int(db.session.scalar(select(func.max(CatalogueEntry.id))) or 0),
        "formulas": FORMULAS,
        "release": release(),
    }
