"""Adaptation slots as `wiring.py` lets them in: pages, rails, words, and what they hear of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts.access import Reader
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.accounts.merging import OrganisationsMerged
from portal.core import nav, waiting
from portal.core.nav import Entry
from portal.services.slots import office, views, words  # noqa: F401 - their routes
from portal.services.slots.doors import slots, slots_office

BLUEPRINTS: list[Blueprint] = [slots, slots_office]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ((OrganisationsMerged, words.on_merged),)


def takes_slots(reader: Reader) -> bool:
    """Whether a reader takes slots for some organisation."""
    return bool(reader.orgs(May.TAKE_SLOTS))


def install() -> None:
    """Name the verbs and stand on the rails."""
    words.install()
    waiting.add("slots", words.tasks)
    nav.add(
        Entry("member", 46, "slots.listed", _l("Adaptation slots"), "calendar3", takes_slots),
        Entry(
            "office", 36, "slots_office.listed", _l("Adaptation slots"), "calendar3",
            staff_who_may(May.READ_PLACES),
        ),
    )  # fmt: skip
