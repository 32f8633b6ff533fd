"""A session of the demo that is under way: one candidate writes, one is let in, one has not come yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.certs import sessions
from portal.certs.models.booking import ExamSession, Mode
from portal.certs.models.delivery import Attempt
from portal.core import clock
from portal.core.db import db, transaction
from portal.demo import exam_room, exams
from portal.demo.exam_room import MINUTE, Who

SITS, READY, AWAITED = "bai", "omar", "xu"
DAY = timedelta(days=1)


def fill(who: Who) -> None:
    """Publish, book and begin the session by the clock on the wall."""
    start = _start(clock.now())
    with clock.stopped_at(start - 10 * DAY), transaction():
        place = _drawn(who, start)
    made = {}
    for key in (SITS, READY, AWAITED):
        with clock.stopped_at(start - 5 * DAY), transaction():
            made[key] = exams.book(exams.candidate(key), place.id)
    with clock.stopped_at(start - 5 * MINUTE), transaction():
        found = [
            exam_room.let_in(made[key], who, four=four).id for key, four in ((SITS, "3316"), (READY, "90X1"))
        ]
    with clock.stopped_at(start + MINUTE), transaction():
        exam_room.begin(db.session.get_one(Attempt, found[0]), 6)
    db.session.remove()


def _start(now: datetime) -> datetime:
    """Return a start some minutes ago, on a mark of five minutes."""
    ago = now - 8 * MINUTE
    return ago.replace(minute=ago.minute // 5 * 5, second=0, microsecond=0)


def _drawn(who: Who, start: datetime) -> ExamSession:
    row = sessions.draw_up(
        level="OPDEV", starts_at=start, ends_at=start + timedelta(hours=1), tz=exams.SHANGHAI, mode=Mode.ONLINE,
        place="https://exam.flagos.example", capacity=10, languages=["zh_Hans_CN", "en"], proctors=[who("proctor")],
        by=who("certs"),
    )  # fmt: skip
    sessions.publish_session(row, by=who("certs"))
    return row
