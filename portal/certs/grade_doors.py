"""Marking to decision as `wiring.py` lets it in: pages, rails, words, what booking may ask."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.certs import (
    appeal_office,
    appealing,
    asking,
    case_office,
    grade_duties,
    grade_privacy,
    grade_words,
    marking_office,
    panel_office,
    panels,
    result_views,
    review_office,
    reviewing,
)
from portal.certs import live_office as _live  # noqa: F401 - its routes
from portal.certs import rekey_office as _rekeys  # noqa: F401 - its routes
from portal.core import nav, waiting
from portal.core.nav import Entry

BLUEPRINTS: list[Blueprint] = [
    marking_office.marking, case_office.exam_cases, review_office.exam_reviews, appeal_office.exam_appeals,
    panel_office.cut_panels, result_views.results, review_office.reviews,
]  # fmt: skip


def install() -> None:
    """Let marking say what it keeps and answer booking, name its deeds, and stand on the rails."""
    grade_privacy.install()
    grade_words.install()
    asking.ask_pending(appealing.pending)
    waiting.add("marking", grade_duties.tasks)
    nav.add(
        Entry("member", 58, "results.listed", _l("Exam results"), "clipboard-check", lambda _r: True),
        Entry("office", 37, "marking.listed", _l("Works to mark"), "pencil-square", staff_who_may(May.MARK)),
        Entry(
            "office", 38, "exam_cases.listed", _l("Exam results"), "clipboard-check", staff_who_may(May.READ_EXAMS),
            case_office.count_to_release,
        ),
        Entry("office", 38, "exam_reviews.listed", _l("Works to review"), "people", staff_who_may(May.VOTE_ON_WORK), reviewing.count_open),
        Entry(
            "office", 38, "exam_appeals.listed", _l("Exam appeals"), "megaphone", staff_who_may(May.DECIDE_EXAM_APPEALS),
            appealing.count_waiting,
        ),
        Entry(
            "office", 39, "cut_panels.listed", _l("Cut panels"), "sliders", staff_who_may(May.LEAD_EXAMS, May.DECIDE_AWARDS),
            panels.count_waiting,
        ),
    )  # fmt: skip
