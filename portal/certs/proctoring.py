"""What proctors do in their session: open it, give time, note incidents, tell candidates, free a browser, hold, end, report."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from portal.accounts.people import Person
from portal.certs import seats, sitting
from portal.certs.models.booking import Booking, ExamSession, SessionState
from portal.certs.models.delivery import (
    ENDED,
    Attempt,
    AttemptPart,
    AttemptState,
    Ending,
    TimeGrant,
)
from portal.certs.models.watching import (
    Incident,
    IncidentKind,
    Notice,
    Opening,
    ResultHold,
    SessionReport,
    Severity,
)
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.files import Content, StoredFile
from portal.core.states import move

EARLY = timedelta(minutes=10)
MOST_MINUTES = 24 * 60
HELD = (AttemptState.RUNNING, *ENDED)


def _watches(session: ExamSession, by: Person) -> None:
    if by.id not in {one.person_id for one in session.proctors}:
        raise Forbidden(_l("Only the proctors of this session do this."))


def open_session(session: ExamSession, *, by: Person) -> Opening:
    """Let the candidates of a session start, from ten minutes before it; twice is once."""
    seats.lock(session.id)
    session, now = seats.fresh(session.id), clock.now()
    _watches(session, by)
    if (known := sitting.opening_of(session.id)) is not None:
        return known
    if session.state not in {SessionState.OPEN, SessionState.CLOSED}:
        raise Refused(_l("This session does not take place."))
    if now < session.starts_at - EARLY:
        raise Refused(_l("A session is opened ten minutes before its start at the earliest."))
    row = Opening(session=session, by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("session.opened", session, by=by, level=session.level)
    return row


def _running(row: Attempt) -> AttemptPart:
    part = sitting.running(row)
    if row.state is not AttemptState.RUNNING or part is None:
        raise Refused(_l("No part of this exam is running."))
    return part


def grant(row: Attempt, minutes: int, *, reason: str, by: Person) -> TimeGrant:
    """Give minutes to the part that runs, also in the grace after its deadline; the deadline moves by them."""
    _watches(row.booking.session, by)
    _refuse_minutes(minutes, reason)
    row, now = sitting.locked(row.id), clock.now()
    part = _running(row)
    if not sitting.in_time(part, now):
        raise Refused(_l("The time of this part is over."))
    return _grant(part, minutes, reason=reason, by=by)


def _refuse_minutes(minutes: int, reason: str) -> None:
    if not 0 < minutes <= MOST_MINUTES:
        raise Refused(_l("Please give a number of minutes from 1 to 1440."), field="minutes", status=422)
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)


def _grant(part: AttemptPart, minutes: int, *, reason: str, by: Person) -> TimeGrant:
    made = TimeGrant(part=part, minutes=minutes, reason=reason.strip()[:300], by=by)
    db.session.add(made)
    db.session.flush()
    part.due_at = sitting.deadline(part)
    audit.record("attempt.time_granted", part.attempt, by=by, minutes=minutes, reason=made.reason)
    return made


def outage(session: ExamSession, minutes: int, *, reason: str, by: Person) -> int:
    """Give the same minutes to everybody whose written part runs, since all were cut off; return to how many."""
    _watches(session, by)
    _refuse_minutes(minutes, reason)
    ids = select(Attempt.id).join(Booking, Attempt.booking_id == Booking.id)
    mine = ids.where(Booking.session_id == session.id, Attempt.state == AttemptState.RUNNING)
    given = 0
    for one in db.session.scalars(mine.order_by(Attempt.id)).all():
        row, now = sitting.locked(one), clock.now()
        part = sitting.running(row)
        if part is not None and part.written and sitting.in_time(part, now):
            _grant(part, minutes, reason=reason, by=by)
            given += 1
    note(session, IncidentKind.OUTAGE, Severity.MAJOR, words=f"{reason} (+{minutes} min)", by=by)
    return given


def note(
    session: ExamSession, kind: IncidentKind, severity: Severity, *, words: str, by: Person,
    attempt: Attempt | None = None, evidence: tuple[Content, str] | None = None,
) -> Incident:  # fmt: skip
    """Write down what happened in a session, to all or to one candidate, with the file that shows it."""
    _watches(session, by)
    if not words.strip():
        raise Refused(_l("Please say what happened."), field="note", status=422)
    if attempt is not None and attempt.booking.session_id != session.id:
        raise Refused(_l("This candidate sits in another session."), status=422)
    row = Incident(
        session=session, kind=kind, severity=severity, note=words.strip()[:1000], attempt=attempt, by=by,
        file=None if evidence is None else _kept(*evidence, attempt),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    about = attempt if attempt is not None else session
    audit.record("session.incident", about, by=by, happened=kind, severity=severity)
    return row


def _kept(content: Content, name: str, attempt: Attempt | None) -> StoredFile:
    row = StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="exam_incident",
        person_id=None if attempt is None else attempt.person_id,
    )  # fmt: skip
    db.session.add(row)
    return row


def tell(
    session: ExamSession, *, zh: str, en: str, by: Person, attempt: Attempt | None = None
) -> Notice:  # fmt: skip
    """Tell the candidates of a session something, or one of them, in both languages."""
    _watches(session, by)
    if not zh.strip() or not en.strip():
        raise Refused(
            _l("Please write it in both languages: not everybody reads yours."), field="en", status=422
        )
    row = Notice(session=session, zh=zh.strip()[:500], en=en.strip()[:500], by=by, attempt=attempt)
    db.session.add(row)
    db.session.flush()
    audit.record("session.told", session, by=by)
    return row


def free_browser(row: Attempt, *, by: Person) -> None:
    """Let a candidate go on in another browser."""
    _watches(row.booking.session, by)
    row = sitting.locked(row.id)
    _running(row)
    row.device_free = True
    db.session.flush()
    audit.record("attempt.freed", row, by=by)


def end_part(row: Attempt, *, reason: str, severity: Severity, by: Person) -> None:
    """End the part that runs, with an incident that says why; what was saved is handed in."""
    note(row.booking.session, IncidentKind.CONDUCT, severity, words=reason, by=by, attempt=row)
    row, now = sitting.locked(row.id), clock.now()
    part = _running(row)
    if not sitting.in_time(part, now):
        raise Refused(_l("The time of this part is over."))
    sitting.finish(part, Ending.BY_PROCTOR, at=now, by=by)


def standing_hold(attempt_id: int) -> ResultHold | None:
    """Return what keeps a result from being released."""
    mine = select(ResultHold).where(ResultHold.attempt_id == attempt_id, ResultHold.lifted_at.is_(None))
    return db.session.scalars(mine).first()


def hold(row: Attempt, *, reason: str, by: Person) -> ResultHold:
    """Keep a result from being released until somebody looked at what happened; the candidate is told the reason."""
    row = sitting.locked(row.id)
    if row.state not in HELD:
        raise Refused(_l("There is no result that could be held."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if standing_hold(row.id) is not None:
        raise Refused(_l("This result is held already."))
    made = ResultHold(attempt=row, reason=reason.strip()[:300], by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("attempt.held", row, by=by, reason=made.reason)
    return made


def lift(row: Attempt, *, by: Person) -> None:
    """Let a held result be released; whoever held it does not lift it."""
    row = sitting.locked(row.id)
    found = standing_hold(row.id)
    if found is None:
        raise Refused(_l("This result is not held."))
    if found.by_id == by.id:
        raise Forbidden(_l("You held this result: somebody else lifts it."))
    found.lifted_by, found.lifted_at = by, clock.now()
    db.session.flush()
    audit.record("attempt.hold_lifted", row, by=by)


def report(session: ExamSession, *, words: str, by: Person) -> SessionReport:
    """Sign the report of a session that is closed."""
    seats.lock(session.id)
    session = seats.fresh(session.id)
    _watches(session, by)
    move(session, SessionState.REPORTED)
    row = SessionReport(session=session, note=words.strip()[:2000], by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("session.reported", session, by=by, level=session.level)
    return row


def report_of(session_id: int) -> SessionReport | None:
    """Return the signed report of a session."""
    return db.session.scalars(select(SessionReport).where(SessionReport.session_id == session_id)).first()


def watched(person: Person) -> Select[ExamSession]:
    """Select the sessions that a proctor watches over, the next first."""
    mine = ExamSession.proctors.any(person_id=person.id)
    shown = ExamSession.state.in_((SessionState.OPEN, SessionState.CLOSED, SessionState.REPORTED))
    return (
        select(ExamSession).where(mine, shown).order_by(ExamSession.starts_at.desc(), ExamSession.id.desc())
    )


def grants_of(row: Attempt) -> list[TimeGrant]:
    """Return the minutes that were given to an attempt."""
    mine = select(TimeGrant).join(AttemptPart).where(AttemptPart.attempt_id == row.id).order_by(TimeGrant.id)
    return list(db.session.scalars(mine.options(joinedload(TimeGrant.by))))
