"""Licences as `wiring.py` lets them in: operations, pages, rails, words."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from flask_openapi3.blueprint import APIBlueprint

from portal.core import catalogue, personal, story
from portal.services.licences import hearing, licences_api, money_doors, nodes_api, plans

BLUEPRINTS: list[Blueprint] = []
APIS: list[APIBlueprint] = [nodes_api.nodes_api, licences_api.licences_api]
REACTIONS = hearing.REACTIONS
moved = hearing.on_merged  # before the memberships move: these would open licences anew


def install() -> None:
    """Let the domain name its verbs and check its catalogue."""
    catalogue.checked(plans.KIND, plans.check)
    money_doors.install()
    personal.no_person("licence.name", "licence_node.name")  # what a cluster and a machine are called
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
            "licence.node_unnamed": (_l("Node taken off the list"), "list"),
        },
        {},
    )
