"""The catalogue as it was known on a day: what is set later changes no report of then."""

from __future__ import annotations

from datetime import date
from typing import Any

from portal.core import catalogue


def policy(name: str, known: date) -> Any:
    """Return a setting as known on a day; before the catalogue began, that of today."""
    try:
        return catalogue.policy(name, on=known)
    except KeyError:
        return catalogue.policy(name)


def entries(kind: str, known: date) -> dict[str, dict[str, Any]]:
    """Return the rows of a kind as known on a day; before the catalogue began, those of today."""
    return catalogue.entries(kind, on=known) or catalogue.entries(kind)
