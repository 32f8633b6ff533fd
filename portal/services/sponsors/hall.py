"""Sponsorship as `wiring.py` lets it in: pages, rails, words, and what it hears of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts import frame
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.core import nav, waiting
from portal.core.nav import Entry
from portal.services.sponsors import duties, office, views, words  # noqa: F401 - their routes
from portal.services.sponsors.doors import sponsors, sponsors_office

BLUEPRINTS: list[Blueprint] = [sponsors, sponsors_office]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ((OrganisationsMerged, words.on_merged),)


def install() -> None:
    """Name the verbs and stand on the rails."""
    words.install()
    waiting.add("sponsorship", duties.tasks)
    nav.add(
        Entry("member", 47, "sponsors.listed", _l("Sponsorship"), "trophy", frame.acts),
        Entry(
            "office", 36, "sponsors_office.listed", _l("Sponsorship"), "trophy", staff_who_may(May.READ_PLACES)
        ),
    )  # fmt: skip
