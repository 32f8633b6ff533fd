"""Sitting exams as `wiring.py` lets it in: pages of candidates and proctors, rails, the words of its history."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l

from portal.accounts import audit_office
from portal.accounts.events import PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.certs import (  # noqa: F401 - their routes
    console_views,
    doubt_views,
    picture_views,
    practical_views,
    schemes,
    sitting_keeping,
    sitting_views,
    task_views,
)
from portal.certs.invalidating import count_waiting
from portal.certs.models.delivery import Attempt, Ending
from portal.certs.models.watching import IncidentKind, Severity
from portal.core import events, labels, nav, story
from portal.core.db import db
from portal.core.nav import Entry


def install() -> None:
    """Let the part say what it keeps, name its verbs, and stand on the rails."""
    events.on(PersonErased, sitting_keeping.on_erased)
    sitting_keeping.install()
    audit_office.opens("exam_attempt", _page)
    _words()
    nav.add(
        Entry("office", 36, "exam_office.watched", _l("Sessions I watch over"), "eye", staff_who_may(May.PROCTOR)),
        Entry(
            "office", 37, "exam_office.doubts", _l("Attempts in doubt"), "question-octagon",
            staff_who_may(May.LEAD_EXAMS, May.DECIDE_AWARDS), count_waiting,
        ),
    )  # fmt: skip


def _page(number: int) -> str | None:
    row = db.session.get(Attempt, number)
    return url_for("exam_office.attempt", uid=row.uid) if row is not None else None


def _words() -> None:
    story.words(
        {
            "attempt.ready": (_l("Let in to the exam"), "person-check"),
            "attempt.started": (_l("Exam started"), "play-circle"),
            "attempt.part_opened": (_l("Part opened"), "play-circle"),
            "attempt.part_ended": (_l("Part over"), "stop-circle"),
            "attempt.submitted": (_l("Exam handed in"), "send"),
            "attempt.abandoned": (_l("Exam never started"), "x-circle"),
            "attempt.taken_over": (_l("Went on in another browser"), "arrow-left-right"),
            "attempt.freed": (_l("Freed for another browser"), "unlock"),
            "attempt.time_granted": (_l("Time given"), "clock-history"),
            "attempt.file_received": (_l("File received"), "file-earmark-arrow-up"),
            "attempt.work_handed_in": (_l("Practical work handed in"), "send-check"),
            "attempt.held": (_l("Result held"), "pause-circle"),
            "attempt.hold_lifted": (_l("Result no longer held"), "play-circle"),
            "attempt.invalidation_proposed": (_l("Proposed to declare it invalid"), "question-octagon"),
            "attempt.heard": (_l("The candidate answered"), "chat-left-text"),
            "attempt.invalidated": (_l("Attempt declared invalid"), "x-octagon"),
            "attempt.stands": (_l("Attempt stands"), "check-circle"),
            "session.opened": (_l("Session opened"), "door-open"),
            "session.incident": (_l("Incident noted"), "journal-text"),
            "session.told": (_l("Candidates told something"), "megaphone"),
            "session.reported": (_l("Session report signed"), "pen"),
            "item.file_attached": (_l("File attached to a task"), "paperclip"),
            "item.picture_added": (_l("Picture added to an item"), "image"),
            "item.picture_removed": (_l("Picture removed from an item"), "image"),
        },
        {
            "exam_part": _l("Part of the exam"), "ending": _l("How it ended"), "minutes": _l("Minutes"),
            "happened": _l("Kind of incident"), "severity": _l("How grave"), "submission": _l("Submission"),
            "by_proctor": _l("By the proctor"), "files": _l("Files"),
        },
    )  # fmt: skip
    story.values(
        {
            "attempt.part_opened/exam_part": schemes.part_name,
            "attempt.part_ended/exam_part": schemes.part_name,
            "attempt.part_ended/ending": lambda value: labels.label(Ending(str(value))),
            "session.incident/happened": lambda value: labels.label(IncidentKind(str(value))),
            "session.incident/severity": lambda value: labels.label(Severity(str(value))),
        }
    )
