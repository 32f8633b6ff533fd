"""What awards hear: the attempt that they rest on counts for nothing any more."""

from __future__ import annotations

from sqlalchemy import select

from portal.certs import award_proposals, cases, deciding, invalidating
from portal.certs.award_proposals import Wanted
from portal.certs.events import AttemptInvalidated
from portal.certs.models.award import Award, AwardState, AwardVerb, RevokeCause
from portal.certs.models.grading import ExamCase
from portal.certs.models.watching import IncidentKind
from portal.core.db import db

# What a candidate did; all else that makes an attempt invalid is nobody's misconduct.
DONE_BY_CANDIDATES = {IncidentKind.CONDUCT, IncidentKind.IDENTITY, IncidentKind.MATERIAL}


def resting_on(case: ExamCase) -> list[Award]:
    """Return the awards that a case led to and that are not revoked: its own, those it renewed below, those granted again."""
    found: list[Award] = []
    named = [one.subject for one in deciding.of_case(case)]
    while named:
        rows = db.session.scalars(select(Award).where(Award.decision.in_(named)).order_by(Award.id)).all()
        found += rows
        named = [f"{one.subject}:again" for one in rows]
    return [one for one in found if one.state is not AwardState.REVOKED]


def on_invalidated(event: AttemptInvalidated) -> None:
    """Propose to revoke the awards of an attempt in the name of who proposed to declare it invalid.

    The holder is heard once more, now about the award, and a decider confirms it: nothing is revoked by itself.
    """
    case = cases.of_attempt(event.attempt_id)
    why = invalidating.confirmed(event.attempt_id)
    if case is None or why is None:
        return
    cause = RevokeCause.MISCONDUCT if why.incident.kind in DONE_BY_CANDIDATES else RevokeCause.ERROR
    for award in resting_on(case):
        if not any(one.verb is AwardVerb.REVOKE for one in award_proposals.open_for(award)):
            award_proposals.propose(
                award, AwardVerb.REVOKE, Wanted(reason=why.reason, cause=cause), by=why.by
            )
