"""Sitting an exam: checked in, opened, started part by part, handed in, or ended by the clock. The server's clock alone counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.people import Person
from portal.certs import (
    attempts,
    booking,
    case_rules,
    exam_forms,
    guards,
    learning,
    levels,
    schemes,
    seats,
    tasks,
    timing,
)
from portal.certs import sitting_letters as letters
from portal.certs.events import AttemptEnded
from portal.certs.models.bank import ItemVersion
from portal.certs.models.booking import Booking, Outcome
from portal.certs.models.delivery import (
    Answer,
    Attempt,
    AttemptPart,
    AttemptState,
    Ending,
    PartState,
    TimeGrant,
)
from portal.certs.models.watching import IdentityCheck, Opening, Paper
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move

A, P = AttemptState, PartState


def attempt_of(row: Booking) -> Attempt | None:
    """Return the attempt of a booking, once it was checked in."""
    return db.session.scalars(select(Attempt).where(Attempt.booking_id == row.id)).first()


def under_way(person_id: int) -> Select[Attempt]:
    """Select a candidate's attempts that can be sat now: let in, or running."""
    return (
        select(Attempt)
        .where(Attempt.person_id == person_id, Attempt.state.in_((A.READY, A.RUNNING)))
        .order_by(Attempt.id)
    )


def locked(attempt_id: int) -> Attempt:
    """Return an attempt as it stands now, under its lock; parts and answers are changed under no other."""
    row = db.session.scalars(
        select(Attempt)
        .where(Attempt.id == attempt_id)
        .with_for_update(of=Attempt)
        .execution_options(populate_existing=True)
    ).one()
    mine = select(AttemptPart).where(AttemptPart.attempt_id == row.id)
    db.session.scalars(mine.execution_options(populate_existing=True)).all()
    return row


def check_in(row: Booking, *, paper: Paper, last_four: str, by: Person) -> Attempt:
    """Let a candidate in whose document the proctor compared with the booking's names; his attempt is ready from now on."""
    four = last_four.strip().upper()
    if len(four) != 4 or not (four.isascii() and four.isalnum()):
        raise Refused(
            _l("Please give the last four characters of the document’s number."),
            field="last_four",
            status=422,
        )
    row = booking.check_in(row, by=by)
    db.session.add(IdentityCheck(booking=row, kind=paper, last_four=four, by=by))
    scheme = schemes.pinned(row.level, row.eligibility.scheme, sold=row.eligibility.bought_on)
    made = Attempt(
        booking=row, person=row.person, level=row.level, scheme=scheme.version, language=row.language, factor=row.factor
    )  # fmt: skip
    db.session.add(made)
    for place, part in enumerate(scheme.parts, 1):
        db.session.add(
            AttemptPart(
                attempt=made, place=place, code=part.code, written=bool(part.topics), minutes=part.minutes
            )
        )
    db.session.flush()
    audit.record("attempt.ready", made, by=by, level=made.level)
    return made


def opening_of(session_id: int) -> Opening | None:
    """Return that a session was opened, if a proctor has done so."""
    return db.session.scalars(select(Opening).where(Opening.session_id == session_id)).first()


def grace() -> timedelta:
    """Return how long after the deadline an answer still comes in time."""
    return timedelta(seconds=levels.number("sitting.grace_seconds"))


def in_time(part: AttemptPart, now: datetime) -> bool:
    """Whether a part runs and its clock, with the grace, is not over."""
    return part.state is P.RUNNING and part.due_at is not None and timing.accepts(now, part.due_at, grace())


def running(row: Attempt) -> AttemptPart | None:
    """Return the part that runs, as far as the rows say; its clock may be over."""
    return next((one for one in row.parts if one.state is P.RUNNING), None)


def asked_now(row: Attempt, *, device_hash: str) -> list[ItemVersion]:
    """Return the items that an attempt asks at this moment, in the browser in which it is sat: none before, after or elsewhere."""
    part = running(row)
    if row.state is not A.RUNNING or part is None or part.form is None:
        return []
    if part.due_at is None or clock.now() >= part.due_at:
        return []
    if part.written and (not device_hash or row.device_hash != device_hash):
        return []
    return [one.version for one in exam_forms.places(part.form)]


def coming(row: Attempt) -> AttemptPart | None:
    """Return the part that is to be opened next."""
    return next((one for one in row.parts if one.state is P.TO_COME), None)


def deadline(part: AttemptPart, started: datetime | None = None) -> datetime:
    """Return started + minutes × factor + what was granted: nothing pauses the clock."""
    begin = started or part.started_at
    if begin is None:
        raise ValueError("a part that was not started has no deadline")
    granted = db.session.scalars(select(TimeGrant.minutes).where(TimeGrant.part_id == part.id))
    return timing.deadline(
        begin, timedelta(minutes=part.minutes), factor=Decimal(part.attempt.factor) / 100,
        grants=[timedelta(minutes=one) for one in granted],
    )  # fmt: skip


def _own(row: Attempt, by: Person) -> None:
    if row.person_id != by.id:
        raise Forbidden(_l("Only the candidate does this."))


def start(row: Attempt, *, device_hash: str, rules: str, language: str, by: Person) -> AttemptPart:
    """Start the first part: rules accepted, form drawn and cut frozen, clock running, bound to this browser; the attempt is used."""
    _own(row, by)
    seats.lock(row.booking.session_id)
    seats.lock_candidate(row.person_id)
    row, now = locked(row.id), clock.now()
    if row.state is not A.READY:
        raise Refused(_l("This exam was started already. Please go on where you were."))
    if opening_of(row.booking.session_id) is None:
        raise Refused(_l("The proctor has not opened the session yet. Please wait."))
    if now >= row.booking.until_at:
        raise Refused(_l("The session is over: nothing can be started any more."))
    if (wanting := guards.prerequisite(row.person_id, row.level, now)) is not None:
        raise Refused(wanting)
    row.rules, row.rules_language, row.rules_at = rules, language, now
    row.device_hash, row.heard_at, row.started_at = device_hash, now, now
    move(row, A.RUNNING)
    part = row.parts[0]
    _open(part, now, by=by)
    row.frozen = case_rules.freeze(row)
    attempts.used(row.booking, on=clock.day_of(now))
    audit.record("attempt.started", row, by=by, level=row.level)
    return part


def _open(part: AttemptPart, now: datetime, *, by: Person) -> None:
    """Draw what a part asks, and let its clock run."""
    attempt = part.attempt
    draw = exam_forms.draw_form if part.written else tasks.draw_task
    scheme = case_rules.scheme_of(attempt)
    part.form = draw(attempt.level, part.code, candidate=attempt.person, by=by, scheme=scheme)
    due = deadline(part, now)
    move(part, P.RUNNING)
    part.started_at, part.due_at, part.open_until = now, due, None
    if part.written:
        for one in exam_forms.places(part.form):
            db.session.add(
                Answer(attempt=attempt, part=part, position=one.position, item_version=one.version)
            )
    db.session.flush()


def open_next(row: Attempt, *, by: Person) -> AttemptPart:
    """Open the part that comes next, in the days it waits for the candidate; a practical asks for the learning path."""
    _own(row, by)
    row, now = locked(row.id), clock.now()
    part = coming(row)
    if row.state is not A.RUNNING or part is None or running(row) is not None:
        raise Refused(_l("There is no part to open now."))
    if part.open_until is None or now >= part.open_until:
        raise Refused(_l("The days in which this part could be opened are over."))
    if not part.written and not learning.path(row.level, row.person).ready:
        raise Refused(_l("Some required steps of the learning path are not confirmed yet."))
    _open(part, now, by=by)
    audit.record("attempt.part_opened", row, by=by, exam_part=part.code)
    return part


def finish(part: AttemptPart, how: Ending, *, at: datetime, by: Person | str) -> None:
    """End a part under its attempt's lock; with the last one the attempt is handed in and can be marked."""
    row = part.attempt
    move(part, P.ENDED)
    part.ended_at, part.ending, part.open_until = at, how, None
    db.session.flush()
    audit.record("attempt.part_ended", row, by=by, exam_part=part.code, ending=how)
    after = coming(row)
    if after is not None:
        after.open_until = at + timedelta(days=levels.number("practical.open_days"))
        db.session.flush()
        letters.part_over(row, after)
        return
    move(row, A.SUBMITTED)
    row.ended_at = at
    db.session.flush()
    audit.record("attempt.submitted", row, by=by, level=row.level)
    letters.handed_in(row)
    publish(AttemptEnded(row.id))


def hand_in(row: Attempt, *, place: int, device_hash: str | None, by: Person) -> bool:
    """Hand a part in; False if it was over already, so that two tries are one. `device_hash` is None for a practical."""
    _own(row, by)
    row, now = locked(row.id), clock.now()
    part = next((one for one in row.parts if one.place == place), None)
    if part is None or part.state is P.TO_COME:
        raise Refused(_l("This part has not begun."))
    if part.state is P.ENDED:
        return False
    if part.written and row.device_hash != device_hash:
        raise Refused(_l("This exam is open in another browser."), status=409)
    if not in_time(part, now):
        _time_up(part)
        return False
    finish(part, Ending.HANDED_IN, at=now, by=by)
    return True


def _time_up(part: AttemptPart) -> None:
    assert part.due_at is not None
    finish(part, Ending.TIME_UP, at=part.due_at, by="close_sittings")


def close(part_id: int) -> int:
    """Close a part whose time is up, with what was saved of it; or one that nobody opened in its days."""
    row = locked(db.session.get_one(AttemptPart, part_id).attempt_id)
    part, now = db.session.get_one(AttemptPart, part_id), clock.now()
    if row.state is not A.RUNNING:
        return 0
    if part.state is P.RUNNING and not in_time(part, now):
        _time_up(part)
        return 1
    if part.state is P.TO_COME and part.open_until is not None and part.open_until <= now:
        finish(part, Ending.NOT_OPENED, at=part.open_until, by="close_sittings")
        return 1
    return 0


def abandon(attempt_id: int) -> int:
    """Close an attempt that was never started by the session's end: it counts like an absence."""
    row = db.session.get_one(Attempt, attempt_id)
    seats.lock(row.booking.session_id)
    seats.lock_candidate(row.person_id)
    row, now = locked(attempt_id), clock.now()
    if row.state is not A.READY or now < row.booking.until_at:
        return 0
    move(row, A.ABANDONED)
    row.ended_at = row.booking.until_at
    db.session.flush()
    audit.record("attempt.abandoned", row, by="close_sittings", level=row.level)
    attempts.used(row.booking, on=clock.day_of(row.booking.until_at))
    attempts.finish(row.booking, Outcome.ABANDONED, at=now, by="close_sittings")
    return 1
