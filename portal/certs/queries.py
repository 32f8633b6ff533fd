"""What other domains ask of certificates: what some people hold, each with its state at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import awarding, levels
from portal.certs.models.award import Award
from portal.certs.models.document import Certificate
from portal.certs.spans import DAY, TICK
from portal.certs.standing import CertificateState, standing
from portal.core import clock
from portal.core.db import db


@dataclass(frozen=True, slots=True)
class Shown:
    """An award as others may show it: its level and rank, its state, the number that opens the public check."""

    level: str
    rank: int
    state: CertificateState
    number: str
    end: date


def badges(people: Sequence[Person], *, on: date | None = None) -> dict[int, list[Shown]]:
    """Return of each person the award of every level that lasts the longest, whatever its state, the highest level first."""
    day = on or clock.today()
    at = clock.now() if day == clock.today() else clock.start_of(day + DAY) - TICK
    ranks = {one.code: one.rank for one in levels.levels(on=day)}
    found: dict[int, dict[str, Shown]] = {one.id: {} for one in people}
    rows = db.session.execute(
        select(Award, Certificate.number)
        .join(Certificate, (Certificate.award_id == Award.id) & Certificate.superseded_at.is_(None))
        .where(Award.person_id.in_(found), Award.start <= day, Certificate.erased_at.is_(None))
        .order_by(Award.end.desc(), Award.id.desc())
    ).all()
    held = awarding.suspensions(award for award, _number in rows)
    for award, number in rows:
        state, _since = standing(awarding.facts_of(award, held[award.id]), at)
        shown = Shown(award.level, ranks.get(award.level, 0), state, number, award.end)
        old = found[award.person_id].get(award.level)
        if old is None or (old.state is not CertificateState.VALID and state is CertificateState.VALID):
            found[award.person_id][award.level] = shown
    return {
        person: sorted(own.values(), key=lambda one: (-one.rank, one.level)) for person, own in found.items()
    }
