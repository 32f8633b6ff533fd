"""Entries as staff check them: accepted with points or refused with a reason; some are drawn for a second look by another person."""

from __future__ import annotations

import hmac

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.certs.education import entries, letters, rules
from portal.certs.models.education import EducationEntry, EducationState
from portal.core import audit, clock, vault
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move

E = EducationState
DIGITS = 16


def draw_of(uid: str) -> str:
    """Return what the draw gives for an entry: a digest under a key nobody sees, of an address that was drawn at random.

    Neither the holder nor who checks can know or change it beforehand: points, words and the time have no part in it.
    """
    return hmac.digest(vault.derived("second look"), uid.encode(), "sha256").hex()[:DIGITS]


def drawn(draw: str, share: int) -> bool:
    """Whether a draw lies within a share in per cent."""
    whole: int = 16**DIGITS
    return int(draw, 16) * 100 < share * whole


def may_check(row: EducationEntry, by: Person) -> bool:
    """Whether somebody may check an entry as it stands: never his own, and never what he has accepted before."""
    if by.id == row.person_id or row.state not in entries.OPEN:
        return False
    return row.state is E.SUBMITTED or by.id != row.first_id


def _open(row: EducationEntry, by: Person) -> EducationEntry:
    fresh = entries.fresh(row)
    if fresh.person_id == by.id:
        raise Forbidden(_l("This is your own entry: somebody else checks it."))
    if fresh.state not in entries.OPEN:
        raise Refused(_l("Somebody has checked this entry meanwhile. Please look again."))
    if fresh.state is E.SECOND_LOOK and fresh.first_id == by.id:
        raise Forbidden(_l("You accepted this entry: the second look belongs to somebody else."))
    return fresh


def accept(row: EducationEntry, points: int, *, by: Person) -> EducationEntry:
    """Accept an entry with points, at most those claimed; the first acceptance is drawn, and may ask for a second look."""
    row = _open(row, by)
    if not 1 <= points <= row.claimed:
        raise Refused(_l("Between 1 and %(most)s points: no more than were claimed.", most=row.claimed), field="points", status=422)  # fmt: skip
    row.points = points
    if row.state is E.SECOND_LOOK:
        _seen_twice(row, by)
        move(row, E.ACCEPTED)
        audit.record("education.confirmed", row, by=by, credit=points)
    else:
        row.first, row.first_at = by, clock.now()
        row.draw, row.share = draw_of(row.uid), rules.share()
        looked_at_again = drawn(row.draw, row.share)
        move(row, E.SECOND_LOOK if looked_at_again else E.ACCEPTED)
        audit.record(
            "education.accepted", row, by=by, credit=points, second_look=looked_at_again, draw=row.draw, drawn_of=row.share
        )  # fmt: skip
    db.session.flush()
    if row.state is E.ACCEPTED:
        letters.accepted(row)
    return row


def refuse(row: EducationEntry, *, by: Person, reason: str) -> EducationEntry:
    """Refuse an entry, at the first look or the second; its holder reads the reason and may write it down anew."""
    row = _open(row, by)
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    if row.state is E.SECOND_LOOK:
        _seen_twice(row, by)
    else:
        row.first, row.first_at = by, clock.now()
    row.points, row.reason, row.closed_at = None, reason.strip()[:500], clock.now()
    move(row, E.REFUSED)
    audit.record("education.refused", row, by=by, reason=row.reason)
    db.session.flush()
    letters.refused(row)
    return row


def _seen_twice(row: EducationEntry, by: Person) -> None:
    row.second, row.second_at = by, clock.now()


def waiting() -> Select[EducationEntry]:
    """Select the entries that somebody must look at, the oldest first."""
    return (
        select(EducationEntry)
        .where(EducationEntry.state.in_(entries.OPEN))
        .order_by(EducationEntry.created_at, EducationEntry.id)
    )


def count_waiting() -> int:
    """Return how many entries wait."""
    asked = select(func.count(EducationEntry.id)).where(EducationEntry.state.in_(entries.OPEN))
    return int(db.session.scalar(asked) or 0)
