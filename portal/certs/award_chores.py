"""What awards need as days pass: holds nobody confirmed fall away, holders are reminded of the end, the end is told once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, select

from portal.certs import award_letters, award_steps, awarding
from portal.certs.award_events import AwardExpired
from portal.certs.models.award import (
    Award,
    AwardNotice,
    AwardProposal,
    AwardState,
    AwardVerb,
    ProposalState,
    Suspension,
)
from portal.core import audit, catalogue, clock, rows
from portal.core.db import db
from portal.core.events import publish
from portal.core.states import move

EXPIRED = 1000  # the step of the end itself, beside the days of reminders


def lapse_holds() -> int:
    """Let urgent holds that nobody confirmed in time fall away; return how many did."""
    due = (
        select(Award.id)
        .join(Suspension)
        .where(
            Award.state == AwardState.SUSPENDED, Suspension.confirmed_at.is_(None), Suspension.confirm_by <= clock.now()
        )
        .distinct()
    )  # fmt: skip
    return rows.each("lapse_holds", rows.ids_of(due), _lapse)


def _lapse(number: int) -> int:
    row = awarding.locked(db.session.get_one(Award, number))
    award_steps.settle(row)
    if row.state is not AwardState.GRANTED:
        return 0  # a later hold runs
    waits = and_(AwardProposal.award_id == row.id, AwardProposal.verb == AwardVerb.CONFIRM)
    for one in db.session.scalars(
        select(AwardProposal).where(waits, AwardProposal.state == ProposalState.PROPOSED)
    ):
        one.decided_at = clock.now()
        move(one, ProposalState.LAPSED)
    return 1


def remind_renewals() -> int:
    """Send the reminder that is due before an award's end, and tell once that it has ended; return how many were done.

    After an outage only the nearest step is sent; a renewed, revoked or given-back award is left in peace.
    """
    steps = sorted(int(one) for one in catalogue.policy("renewal.reminders"))
    first = clock.today() + timedelta(days=max([*steps, 0]))
    last = clock.today() - timedelta(days=max([-one for one in steps] + [0]) + 60)
    due = select(Award.id).where(Award.state != AwardState.REVOKED, Award.end <= first, Award.end >= last)
    return rows.each("remind_renewals", rows.ids_of(due.order_by(Award.id)), _remind)


def _remind(number: int) -> int:
    row = awarding.locked(db.session.get_one(Award, number))
    done = {n for (n,) in db.session.execute(select(AwardNotice.step).where(AwardNotice.award_id == row.id))}
    left, told = (row.end - clock.today()).days, 0
    if left <= 0 and EXPIRED not in done:
        db.session.add(AwardNotice(award=row, step=EXPIRED))
        audit.record("award.expired", row, by="remind_renewals", level=row.level)
        publish(AwardExpired(row))
        told += 1
    passed = [one for one in catalogue.policy("renewal.reminders") if left <= one]
    step = min(passed, default=None)
    if step is None or step in done or renewed(row):
        return told
    for one in passed:
        if one not in done:
            db.session.add(AwardNotice(award=row, step=one))
    award_letters.ending(row, step)
    return told + 1


def renewed(award: Award) -> bool:
    """Whether a later award of the same person and level takes over."""
    later = select(Award.id).where(
        Award.person_id == award.person_id, Award.level == award.level, Award.end > award.end,
        Award.state != AwardState.REVOKED,
    )  # fmt: skip
    return db.session.scalar(later.limit(1)) is not None
