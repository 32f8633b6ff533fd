"""Licences as `wiring.py` lets them in: operations, pages, rails, words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.accounts import frame, hooks
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.core import catalogue, labels, nav, personal, story, waiting
from portal.core.nav import Entry
from portal.services.licences import (  # noqa: F401 - their routes
    changes_api,
    deal_views,
    deciding,
    duties,
    event_words,
    figures_api,
    file_views,
    giving_office,
    hearing,
    key_views,
    licences_api,
    money_doors,
    node_views,
    nodes_api,
    office,
    plans,
    queue_office,
    staff_api,
    telling,
    transfer_views,
    usage_views,
    views,
)
from portal.services.licences.events import LicenceHappened
from portal.services.licences.kinds import ClosedWhy, HoldReason, TermKind
from portal.services.licences.pages import licence_office, licences

BLUEPRINTS: list[Blueprint] = [licences, licence_office]
APIS: list[APIBlueprint] = [nodes_api.nodes_api, licences_api.licences_api]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (LicenceHappened, telling.on_happened),
    *hearing.REACTIONS,
)
moved = hearing.on_merged  # before the memberships move: these would open licences anew


def install() -> None:
    """Let the domain name its verbs and check its catalogue."""
    catalogue.checked(plans.KIND, plans.check)
    money_doors.install()
    personal.no_person("licence.name", "licence_node.name")  # what a cluster and a machine are called
    hooks.offers(event_words.GROUPS, event_words.kinds)
    waiting.add("licences", duties.tasks)
    nav.add(
        Entry("member", 46, "licences.listed", _l("Licences"), "hdd-network", frame.acts),
        Entry("office", 36, "licence_office.listed", _l("Licences"), "hdd-network", staff_who_may(May.READ_LICENCES),
              deciding.count_waiting),
    )  # fmt: skip
    _say()


def _say() -> None:
    """Name the verbs of licences, and how their details read."""
    story.words(
        {
            "licence.ordered": (_l("Licence ordered"), "cart"),
            "licence.term_added": (_l("Term of a licence written"), "calendar-plus"),
            "licence.term_closed": (_l("Term of a licence ended early"), "calendar-x"),
            "licence.suspended": (_l("Licence suspended"), "pause-circle"),
            "licence.hold_lifted": (_l("Suspension lifted"), "play-circle"),
            "licence.revoked": (_l("Licence revoked"), "slash-circle"),
            "licence.cancelled": (_l("Order of a licence cancelled"), "x-circle"),
            "licence.changed": (_l("Licence named, or its lease chosen"), "pencil"),
            "licence.key_made": (_l("Key of a licence made"), "key"),
            "licence.key_ended": (_l("Key of a licence ended"), "key"),
            "licence.node_released": (_l("Node released"), "box-arrow-right"),
            "licence.node_moved": (_l("Node moved"), "arrow-left-right"),
            "licence.node_blocked": (_l("Node blocked"), "slash-circle"),
            "licence.node_unblocked": (_l("Node let in again"), "check-circle"),
            "licence.node_kept": (_l("Node kept first, or no longer"), "pin"),
            "licence.node_named": (_l("Node put on the list"), "list-check"),
            "licence.file_issued": (_l("Offline file signed"), "file-earmark-lock"),
            "licence.file_returned": (_l("Offline file taken back"), "file-earmark-x"),
            "key.step_proposed": (_l("Step with a signing key proposed"), "people"),
            "key.step_confirmed": (_l("Step with a signing key confirmed"), "check2-all"),
            "key.step_declined": (_l("Step with a signing key declined"), "x-circle"),
            "licence.node_unnamed": (_l("Node taken off the list"), "list"),
        },
        {
            "term_kind": _l("Kind"),
            "closed_why": _l("Why"),
            "fingerprint": _l("Node"),
            "hint": _l("Begins with"),
        },
    )
    story.values(
        {
            "licence.term_added/term_kind": lambda one: labels.label(TermKind(one)),
            "licence.term_closed/closed_why": lambda one: labels.label(ClosedWhy(one)),
            "licence.suspended/reason": lambda one: labels.label(HoldReason(one)),
            "licence.hold_lifted/reason": lambda one: labels.label(HoldReason(one)),
        }
    )
