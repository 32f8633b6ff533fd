"""What a proctor sees of a session: one line a candidate, read with the same few statements however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from portal.certs import levels
from portal.certs.models.booking import Booking, BookingState, ExamSession
from portal.certs.models.delivery import Answer, Attempt, AttemptPart, AttemptState, PartState
from portal.certs.models.watching import HINTS, Incident, ResultHold
from portal.core import clock
from portal.core.db import db

K = BookingState
SHOWN = (K.CONFIRMED, K.PRESENT, K.SAT, K.NO_SHOW, K.EXCUSED)


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate of a session: how far he is, when his browser was last heard of, what was noted."""

    booking: Booking
    attempt: Attempt | None
    part: AttemptPart | None
    answered: int = 0
    asked: int = 0
    hints: int = 0
    incidents: int = 0
    held: bool = False
    silent: bool = False

    def left(self, now: datetime) -> int | None:
        """Return the seconds left of the part that runs."""
        due = self.part.due_at if self.part is not None else None
        return None if due is None else max(0, int((due - now).total_seconds()))


@dataclass(slots=True)
class _Counts:
    answered: dict[int, tuple[int, int]] = field(default_factory=dict)
    hints: dict[int, int] = field(default_factory=dict)
    incidents: dict[int, int] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)


def _attempts(session: ExamSession) -> dict[int, Attempt]:
    statement = (
        select(Attempt)
        .join(Booking, Attempt.booking_id == Booking.id)
        .where(Booking.session_id == session.id)
        .options(selectinload(Attempt.parts))
        .execution_options(populate_existing=True)
    )
    return {row.booking_id: row for row in db.session.scalars(statement)}


def _counts(ids: Iterable[int]) -> _Counts:
    found, mine = _Counts(), list(ids)
    said = select(Answer.attempt_id, func.count(Answer.id), func.count(Answer.value)).where(
        Answer.attempt_id.in_(mine)
    )
    for attempt, asked, answered in db.session.execute(said.group_by(Answer.attempt_id)):
        found.answered[attempt] = (answered, asked)
    noted = select(Incident.attempt_id, Incident.kind, func.count(Incident.id)).where(
        Incident.attempt_id.in_(mine)
    )
    for attempt, kind, count in db.session.execute(noted.group_by(Incident.attempt_id, Incident.kind)):
        into = found.hints if kind in HINTS else found.incidents
        into[attempt] = into.get(attempt, 0) + count
    held = select(ResultHold.attempt_id).where(
        ResultHold.attempt_id.in_(mine), ResultHold.lifted_at.is_(None)
    )
    found.held = set(db.session.scalars(held))
    return found


def lines(session: ExamSession) -> list[Line]:
    """Return every candidate of a session, in the order of their names."""
    rows = db.session.scalars(
        select(Booking).where(Booking.session_id == session.id, Booking.state.in_(SHOWN))
    ).all()
    attempts = _attempts(session)
    counts = _counts(one.id for one in attempts.values())
    quiet = clock.now() - timedelta(minutes=levels.number("device.silence_minutes"))
    return [_line(row, attempts.get(row.id), counts, quiet) for row in sorted(rows, key=lambda one: one.name)]


def _line(row: Booking, attempt: Attempt | None, counts: _Counts, quiet: datetime) -> Line:
    if attempt is None:
        return Line(row, None, None)
    runs = attempt.state is AttemptState.RUNNING
    part = next((one for one in attempt.parts if runs and one.state is PartState.RUNNING), None)
    answered, asked = counts.answered.get(attempt.id, (0, 0))
    heard = attempt.heard_at
    silent = part is not None and part.written and (heard is None or heard <= quiet)
    return Line(
        row, attempt, part, answered, asked, counts.hints.get(attempt.id, 0), counts.incidents.get(attempt.id, 0),
        attempt.id in counts.held, silent,
    )  # fmt: skip


def incidents(session: ExamSession, attempt: Attempt | None = None) -> list[Incident]:
    """Return what was noted in a session, or of one candidate, the newest first; hints of browsers only of one."""
    statement = select(Incident).options(selectinload(Incident.by)).order_by(Incident.id.desc())
    if attempt is not None:
        return list(db.session.scalars(statement.where(Incident.attempt_id == attempt.id)))
    mine = statement.where(Incident.session_id == session.id, Incident.kind.not_in(HINTS))
    return list(db.session.scalars(mine.options(selectinload(Incident.attempt)).limit(200)))


def tally(rows: Iterable[Line]) -> dict[str, Any]:
    """Return how many are expected, checked in, at work, silent and done."""
    found = {"expected": 0, "present": 0, "working": 0, "silent": 0, "done": 0}
    for one in rows:
        found["expected"] += one.booking.state is K.CONFIRMED
        found["present"] += one.attempt is not None and one.attempt.state is AttemptState.READY
        found["working"] += one.part is not None
        found["silent"] += one.silent
        written_over = one.attempt is not None and any(
            part.written and part.state is PartState.ENDED for part in one.attempt.parts
        )
        found["done"] += written_over and one.part is None
    return found
