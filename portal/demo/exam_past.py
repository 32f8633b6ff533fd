"""A session of the demo that is over: who came, who did not, who passed, failed, or still waits for the result."""

from __future__ import annotations

from datetime import date, timedelta

from portal.certs import attempts, booking, exam_deeds, sessions
from portal.certs.models.booking import Booking, ExamSession, Outcome
from portal.core import clock
from portal.core.db import db, transaction
from portal.demo import exams
from portal.demo.exams import Who

CAME = ("he", "denis", "fu", "yan")
MISSED = "rosa"
RESULTS = {"he": Outcome.PASSED, "denis": Outcome.FAILED, "fu": Outcome.PASSED}


def fill(who: Who, today: date) -> None:
    """Live the session from its publication to its first results."""
    with clock.stopped_at(today - timedelta(days=44)):
        with transaction():
            place = exams.drawn(who, today, exams.PAST)
        made = {}
        for key in (*CAME, MISSED):
            with transaction():
                made[key] = exams.book(exams.candidate(key), place.id)
    _exam_day(who, place, made)
    with clock.stopped_at(today - timedelta(days=18)), transaction():
        exam_deeds.propose_excuse(
            made[MISSED],
            by=who("certs"),
            reason="illness",
            evidence="Letter of a hospital, seen on the day after.",
        )
    for key, outcome in RESULTS.items():
        with clock.stopped_at(today - timedelta(days=17)), transaction():
            attempts.finish(made[key], outcome, at=clock.now(), by=who("certs"))


def _exam_day(who: Who, place: ExamSession, made: dict[str, Booking]) -> None:
    with clock.stopped_at(place.starts_at - timedelta(minutes=5)):
        for key in CAME:
            with transaction():
                attempts.used(booking.check_in(made[key], by=who("proctor")), on=clock.today())
    with clock.stopped_at(place.starts_at + timedelta(minutes=31)), transaction():
        attempts.miss(made[MISSED].id, by="mark_no_shows")
    with clock.stopped_at(place.ends_at), transaction():
        sessions.close(place.id, by="close_sessions")
    db.session.remove()
