"""Answers while the clock runs: the greatest number in time stands, from the one browser that is bound to the attempt."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.certs import levels, sitting
from portal.certs.gift_answers import Kind
from portal.certs.models.bank import ItemVersion
from portal.certs.models.delivery import Answer, AnswerSave, Attempt, AttemptPart, AttemptState
from portal.certs.models.watching import HINTS, Incident, IncidentKind, Notice, Severity
from portal.core import audit, clock, vault
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused

LONGEST = 500
MOST_HINTS = 50
GREATEST_SEQ = 10**9


class Elsewhere(Refused):
    """The exam is open in another browser: this one may look at nothing and write nothing."""


class Over(Refused):
    """The part is over: what comes now comes too late."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a browser wants to be saved at a place of the form: its number grows with each change."""

    position: int
    value: str | list[str] | None
    seq: int
    flagged: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands at a place after a save; `taken` says whether it is what this browser said."""

    position: int
    seq: int
    value: str | list[str] | None
    flagged: bool
    saved_at: datetime | None
    taken: bool


def new_device() -> tuple[str, str]:
    """Return a new key for a browser, of 192 bits, and the digest that is stored of it."""
    key = secrets.token_urlsafe(24)
    return key, vault.digest(key)


def heard(row: Attempt, device_hash: str, now: datetime) -> None:
    """Note that the bound browser is there; refuse another one."""
    if not device_hash or row.device_hash != device_hash:
        raise Elsewhere(_l("This exam is open in another browser."), status=409)
    row.heard_at = now


def save(
    attempt_id: int,
    said: Sequence[Said],
    *,
    device_hash: str,
    by: Person,
    hints: Iterable[str] = (),
    place: int | None = None,
) -> list[Kept]:
    """Save answers: repeated or older numbers change nothing, and nothing is taken after the deadline and its grace.

    Without answers it says that the browser is there. `place` names the part that the page shows.
    """
    row, now = sitting.locked(attempt_id), clock.now()
    if row.person_id != by.id:
        raise Missing(_l("There is no such entry, or it is not yours."))
    part = _part(row, place, now)
    heard(row, device_hash, now)
    known = {one.position: one for one in _answers(part, [one.position for one in said])}
    kept = [_keep(known, one, now) for one in said]
    _note_hints(row, hints)
    db.session.flush()
    return kept


def _part(row: Attempt, place: int | None, now: datetime) -> AttemptPart:
    part = sitting.running(row)
    if row.state is not AttemptState.RUNNING or part is None or place not in (None, part.place):
        raise Over(_l("This part is over: what was saved before is handed in."), status=409)
    if not part.written or not sitting.in_time(part, now):
        raise Over(_l("Time is up: this answer came too late and was not taken."), status=409)
    return part


def _answers(part: AttemptPart, positions: list[int]) -> list[Answer]:
    statement = select(Answer).where(Answer.part_id == part.id, Answer.position.in_(positions))
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def _keep(known: dict[int, Answer], said: Said, now: datetime) -> Kept:
    row = known.get(said.position)
    if row is None or not 0 < said.seq <= GREATEST_SEQ:
        raise Refused(_l("There is no such question in your exam."), status=422)
    value = fitting(row.item_version, said.value)
    if said.seq > row.seq:
        row.value, row.flagged, row.seq, row.saved_at = value, said.flagged, said.seq, now
        db.session.add(AnswerSave(answer=row, seq=said.seq, value=value, at=now))
        db.session.flush()  # a message that names a place twice is judged in its order
    same = row.seq == said.seq and row.value == value and row.flagged == said.flagged
    return Kept(row.position, row.seq, row.value, row.flagged, row.saved_at, same)


def fitting(version: ItemVersion, value: object) -> str | list[str] | None:
    """Return an answer as it is stored, if it fits the kind of item; `Refused` if it cannot be one."""
    codes = [one["code"] for one in version.options]
    if value is None or value in ("", []):
        return None
    if version.kind is Kind.MULTIPLE and isinstance(value, list):
        if all(one in codes for one in value):
            return [one for one in codes if one in value] or None
    elif isinstance(value, str):
        if version.kind is Kind.SINGLE and value in codes:
            return value
        text = "".join(char for char in value if char.isprintable()).strip()
        if version.kind in (Kind.NUMERIC, Kind.SHORT) and len(text) <= LONGEST:
            return text or None
    raise Refused(_l("This is no possible answer to that question."), status=422)


def _note_hints(row: Attempt, hints: Iterable[str]) -> None:
    """Note what the browser says of itself, so many times; people look at it, no rule ever judges it."""
    found = [IncidentKind(one) for one in hints if one in {kind.value for kind in HINTS}]
    if not found:
        return
    mine = select(func.count(Incident.id)).where(Incident.attempt_id == row.id, Incident.kind.in_(HINTS))
    room = max(0, MOST_HINTS - int(db.session.scalar(mine) or 0))
    for kind in found[:room]:
        db.session.add(
            Incident(
                session=row.booking.session, attempt=row, kind=kind, severity=Severity.HINT, note="", by=None
            )
        )


def silent(row: Attempt, now: datetime) -> bool:
    """Whether the bound browser was not heard of for a while."""
    least = timedelta(minutes=levels.number("device.silence_minutes"))
    return row.heard_at is None or now - row.heard_at >= least


def take_over(row: Attempt, *, device_hash: str, signed_in_at: datetime | None, by: Person) -> None:
    """Go on in this browser: freed by the proctor, or signed in anew after the other fell silent. The old key dies."""
    row, now = sitting.locked(row.id), clock.now()
    if row.person_id != by.id:
        raise Forbidden(_l("Only the candidate does this."))
    if row.state is not AttemptState.RUNNING:
        raise Refused(_l("This exam is not under way."))
    anew = row.heard_at is None or (signed_in_at is not None and signed_in_at > row.heard_at)
    if not row.device_free and not silent(row, now):
        raise Elsewhere(
            _l("The other browser is still connected. Close it and wait two minutes, or ask the proctor."),
            status=409,
        )
    if not row.device_free and not anew:
        raise Elsewhere(
            _l("Please sign in anew, so that we know it is you; or ask the proctor to free the exam."),
            status=409,
        )
    freed = row.device_free
    row.device_hash, row.device_free, row.heard_at = device_hash, False, now
    db.session.add(
        Incident(
            session=row.booking.session, attempt=row, kind=IncidentKind.TAKEOVER, severity=Severity.MINOR,
            note="", by=None,
        )
    )  # fmt: skip
    db.session.flush()
    audit.record("attempt.taken_over", row, by=by, by_proctor=freed)


def notices(row: Attempt) -> list[Notice]:
    """Return what the proctor told this candidate or the whole session, the newest first; what was said of a part goes with it."""
    over = max(
        (one.ended_at for one in row.parts if one.ended_at is not None),
        default=row.booking.session.created_at,
    )
    statement = (
        select(Notice)
        .where(
            Notice.session_id == row.booking.session_id,
            (Notice.attempt_id.is_(None)) | (Notice.attempt_id == row.id),
            Notice.at >= over,
        )
        .order_by(Notice.id.desc())
        .limit(20)
    )
    return list(db.session.scalars(statement))
