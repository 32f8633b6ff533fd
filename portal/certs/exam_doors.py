"""Exams as `wiring.py` lets them in: pages, operations, words and rails, and what booking is told of awards and of the bank."""

from __future__ import annotations

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal.certs import (  # noqa: F401 - their routes
    booking_office,
    bundle_views,
    exam_duties,
    exam_views,
    item_deeds,
    item_desk,
    item_words,
    mine_views,
    page_words,
    replying,
    sale_office,
    seat_keeping,
    seat_views,
    seat_words,
    session_office,
    sitting_doors,
    sitting_words,
    step_office,
)
from portal.certs.attempts_api import attempts_api
from portal.certs.doors import exam_office, exams
from portal.certs.exams_api import exams_api
from portal.certs.item_office import item_figures
from portal.certs.seats_api import seats_api
from portal.core import waiting

BLUEPRINTS: list[Blueprint] = [exams, exam_office, item_figures]
APIS: list[APIBlueprint] = [exams_api, seats_api, attempts_api]


def install() -> None:
    """Let the domain answer itself, say what it keeps, name its verbs, and stand on the rails."""
    for one in (replying, item_words, sitting_words, seat_words, seat_keeping, sitting_doors):
        one.install()
    waiting.add("exams", exam_duties.tasks)
