"""Continuing education as `wiring.py` lets it in: pages, rails, words, what waits, what is kept of people."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts.events import PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.certs import levels
from portal.certs.award_events import AwardRevoked
from portal.certs.education import duties, privacy, renewing, rules
from portal.certs.education.office import count_waiting, office
from portal.certs.education.views import education
from portal.core import events, nav, story, waiting
from portal.core.nav import Entry

BLUEPRINTS: list[Blueprint] = [education, office]


def install() -> None:
    """Let it say what it keeps, hear of awards and erasures, name its deeds, and stand on the rails."""
    privacy.install()
    events.on(PersonErased, privacy.on_erased)
    events.on(AwardRevoked, renewing.on_revoked)
    waiting.add("education", duties.tasks)
    _words()
    nav.add(
        Entry(
            "office", 39, "education_office.listed", _l("Continuing education"), "mortarboard", staff_who_may(May.READ_EXAMS),
            count_waiting,
        )
    )  # fmt: skip


def _words() -> None:
    story.words(
        {
            "education.submitted": (_l("Entry written down"), "pencil-square"),
            "education.withdrawn": (_l("Entry taken back"), "arrow-counterclockwise"),
            "education.accepted": (_l("Entry accepted"), "check2"),
            "education.confirmed": (_l("Second look: accepted"), "check2-all"),
            "education.refused": (_l("Entry refused"), "x-circle"),
            "education.asked": (_l("Renewal asked for"), "arrow-repeat"),
            "education.taken_back": (_l("Renewal taken back"), "arrow-counterclockwise"),
            "education.decided": (_l("Renewal decided"), "patch-check"),
            "education.lapsed": (_l("Renewal fell away with the award"), "slash-circle"),
            "education.file_opened": (_l("File opened"), "paperclip"),
        },
        {
            "work": _l("Kind of entry"), "done_on": _l("Done on"), "claimed": _l("Points claimed"), "credit": _l("Credit points"),
            "second_look": _l("Drawn for a second look"), "draw": _l("What the draw gave"), "drawn_of": _l("Share drawn, per cent"),
            "renewed_so": _l("Renewed"), "needed": _l("Points needed"),
        },
    )  # fmt: skip
    story.values({"education.asked/level": levels.name_of, "education.submitted/work": rules.name_of})
