"""What booking asks of awards and of the item bank, answered from their rows: `asking` holds the questions."""

from __future__ import annotations

from portal.certs import asking, awarding, exam_forms
from portal.certs.models.award import Award, Suspension
from portal.certs.models.booking import ExamSession
from portal.certs.standing import running
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused


def install() -> None:
    """Hand the answers to whoever asks."""
    asking.ask_awards(awards_of)
    asking.ask_faults(short_of)


def awards_of(person_id: int) -> list[asking.Award]:
    """Return the awards of a person as booking sees them; on hold is what a suspension holds now."""
    rows = db.session.query(Award).filter_by(person_id=person_id).order_by(Award.id).all()
    held = awarding.suspensions(rows)
    return [_seen(row, held[row.id]) for row in rows]


def _seen(row: Award, held: list[Suspension]) -> asking.Award:
    facts, now = awarding.facts_of(row, held), clock.now()
    return asking.Award(
        level=row.level, since=facts.valid_from, until=facts.valid_until, suspended=running(facts, now) is not None,
        revoked=facts.revoked_at is not None and facts.revoked_at <= now,
    )  # fmt: skip


def short_of(session: ExamSession) -> list[str]:
    """Return in words which topics the item bank cannot fill for a session, or of which items pictures are gone."""
    try:
        exam_forms.refuse_short(session.level, exam_forms.short_topics(session.level))
        exam_forms.refuse_lost(session.level)
    except Refused as short:
        return [str(short)]
    return []
