"""What happens to benefits as days pass: ends are announced, queues served, and what is no longer honoured is freed."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import or_, select

from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.members import benefit_changes as changes
from portal.members import benefit_letters as letters
from portal.members import deciding, granting, seating
from portal.members.belonging import Ending, Grant, Membership, Term
from portal.members.benefit_models import UNCONFIRMED, Claim, ClaimState, ExpiryNotice
from portal.members.granting import Held
from portal.members.honouring import GONE
from portal.members.standing import Standing

C = ClaimState
# Whoever was silent about an end for longer than this says nothing about it any more (imports of the past).
LATEST = timedelta(days=30)


def announce_benefit_expiry() -> int:
    """Say once before, and once on the day, what is left of grants that end."""
    steps = sorted((int(one) for one in catalogue.policy("benefits.expiry_days")), reverse=True)
    first = clock.today() - LATEST
    last = clock.today() + timedelta(days=max(steps) + 1)
    ended = select(Ending.term_id).where(Ending.on.between(first, last))
    near = select(Term.id).where(or_(Term.end.between(first, last), Term.id.in_(ended)))
    statement = (
        select(Grant.membership_id)
        .where(
            Grant.quantity.is_not(None),
            or_(Grant.term_id.in_(near), Grant.end.between(first, last), Grant.claim_by.between(first, last)),
        )
        .distinct()
        .order_by(Grant.membership_id)
    )
    return each("announce_benefit_expiry", ids_of(statement), lambda one: _announce(one, steps))


def _announce(membership_id: int, steps: list[int]) -> int:
    membership = db.session.get_one(Membership, membership_id, with_for_update={"of": Membership})
    due: list[tuple[date, int, Held]] = []
    for held in granting.held_by([membership]):
        step = _due_step(held, steps)
        if step is not None and held.claim_until is not None:
            due.append((held.claim_until, step, held))
    told = 0
    for (until, step), group in groupby(sorted(due, key=lambda one: one[:2]), key=lambda one: one[:2]):
        told += _tell(membership, until, step, [held for _until, _step, held in group])
    return told


def _due_step(held: Held, steps: list[int]) -> int | None:
    """Return the latest step that has come for a counted grant with something left, and was not said; None if none has."""
    row, until, today = held.grant, held.claim_until, clock.today()
    if row.quantity is None or until is None or not deciding.claimable(held.body) or held.superseded:
        return None
    last, left = until - timedelta(days=1), row.quantity - held.taken
    if left <= 0 or until <= row.start or today - until > LATEST or _goes_on(row):
        return None
    come = [step for step in steps if today >= (last - timedelta(days=step) if step else until)]
    return come[-1] if come and come[-1] not in _said(row) else None


def _goes_on(row: Grant) -> bool:
    """Whether a grant after a change of tier carries on what this one gave."""
    return db.session.scalar(select(Grant.id).where(Grant.follows_id == row.id)) is not None


def _said(row: Grant) -> set[int]:
    return set(db.session.scalars(select(ExpiryNotice.step).where(ExpiryNotice.grant_id == row.id)))


def _tell(membership: Membership, until: date, step: int, held: list[Held]) -> int:
    """Write the step, and those it passed over, for each grant; send one mail for all that end on this day."""
    steps = [int(one) for one in catalogue.policy("benefits.expiry_days")]
    for own in held:
        known = _said(own.grant)
        for earlier in sorted((one for one in steps if one >= step and one not in known), reverse=True):
            db.session.add(ExpiryNotice(grant=own.grant, step=earlier, sent=earlier == step))
    left = [(one.grant, (one.grant.quantity or 0) - one.taken) for one in held]
    last = until - timedelta(days=1)
    letters.expiring(membership, left, last, step)
    audit.record(
        "benefit.expiring" if step else "benefit.expired", membership, by="announce_benefit_expiry",
        org_id=membership.org_id, last=last, benefits=[one.grant.benefit for one in held],
    )  # fmt: skip
    db.session.flush()
    return 1


def serve_benefit_queues() -> int:
    """Carry queues over into new periods, give free places on, and free what time has taken."""
    open_or_confirmed = (*UNCONFIRMED, C.CONFIRMED)
    ended = (*GONE, Standing.EXPELLED)
    statement = (
        select(Membership.id)
        .join(Grant, Grant.membership_id == Membership.id)
        .join(Claim, Claim.grant_id == Grant.id)
        .where(
            or_(
                Claim.state == C.WAITING,
                (Membership.standing.in_(ended)) & Claim.state.in_(open_or_confirmed),
            )
        )
        .distinct()
        .order_by(Membership.id)
    )
    done = each("serve_benefit_queues", ids_of(statement), _free)
    waiting = (
        select(Grant.benefit).join(Claim).where(Claim.state == C.WAITING).distinct().order_by(Grant.benefit)
    )
    codes = list(db.session.scalars(waiting))
    db.session.rollback()
    return done + each("serve_benefit_queues", range(len(codes)), lambda n: _serve(codes[n]))


def _free(membership_id: int) -> int:
    row = db.session.get_one(Membership, membership_id, with_for_update={"of": Membership})
    return changes.drop_overdue(row) + changes.release_unhonoured(row)


def _serve(benefit: str) -> int:
    body = catalogue.entries("benefit").get(benefit, {})
    days = seating.round_of(body, clock.today())
    if days is None:  # the limit was taken off: whoever waits gets a place in the period he waits for
        return sum(len(seating.promote(one)) for one in seating.locked_rounds(benefit))
    row = seating.locked_round(benefit, *days)
    seating.carry_over(row)
    return len(seating.promote(row))
