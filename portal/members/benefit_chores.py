"""What happens to benefits as days pass: ends are announced, queues served, and what is no longer honoured is freed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select

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
    statement = (
        select(Grant.membership_id)
        .where(Grant.quantity.is_not(None), or_(*(_unsaid(step) for step in steps)))
        .distinct()
        .order_by(Grant.membership_id)
    )
    return each("announce_benefit_expiry", ids_of(statement), lambda one: _announce(one, steps))


def _come(until: date, step: int) -> bool:
    """Whether a step has come: so many days before the last day, or the first day after it."""
    return clock.today() >= (until - timedelta(days=step + 1) if step else until)


def _unsaid(step: int) -> ColumnElement[bool]:
    """Return the condition that a grant ends so soon that a step has come, and nothing was written about it."""
    first, today = clock.today() - LATEST, clock.today()
    last = today + timedelta(days=step + 1) if step else today
    ended = select(Ending.term_id).where(Ending.on.between(first, last))
    near = select(Term.id).where(or_(Term.end.between(first, last), Term.id.in_(ended)))
    written = exists().where(ExpiryNotice.grant_id == Grant.id, ExpiryNotice.step == step)
    ends = or_(
        Grant.term_id.in_(near), Grant.end.between(first, last),
        Grant.claim_by.between(first - timedelta(days=1), last - timedelta(days=1)),
    )  # fmt: skip
    return and_(ends, ~written)


def _announce(membership_id: int, steps: list[int]) -> int:
    membership = db.session.get_one(Membership, membership_id, with_for_update={"of": Membership})
    due: dict[tuple[date, int], list[Held]] = defaultdict(list)
    for held in granting.held_by([membership]):
        step = _due_step(held, steps)
        if step is not None and held.claim_until is not None:
            _write(held.grant, step, steps, sent=_worth_saying(held))
            if _worth_saying(held):
                due[held.claim_until, step].append(held)
    for (until, step), some in sorted(due.items(), key=lambda one: one[0]):
        _tell(membership, until, step, some)
    return len(due)


def _due_step(held: Held, steps: list[int]) -> int | None:
    """Return the latest step that has come for a counted grant and was not written; None if none has."""
    row, until = held.grant, held.claim_until
    if row.quantity is None or until is None or until <= row.start or clock.today() - until > LATEST:
        return None
    come = [step for step in steps if _come(until, step)]
    return come[-1] if come and come[-1] not in _said(row) else None


def _worth_saying(held: Held) -> bool:
    """Whether something claimable is left that no grant after a change of tier carries on."""
    left = (held.grant.quantity or 0) - held.taken
    goes_on = select(Grant.id).where(Grant.follows_id == held.grant.id)
    return left > 0 and deciding.claimable(held.body) and db.session.scalar(goes_on) is None


def _said(row: Grant) -> set[int]:
    return set(db.session.scalars(select(ExpiryNotice.step).where(ExpiryNotice.grant_id == row.id)))


def _write(row: Grant, step: int, steps: list[int], *, sent: bool) -> None:
    """Write a step, and those it passed over."""
    known = _said(row)
    for one in steps:
        if one >= step and one not in known:
            db.session.add(ExpiryNotice(grant=row, step=one, sent=sent and one == step))
    db.session.flush()


def _tell(membership: Membership, until: date, step: int, held: list[Held]) -> None:
    """Send one mail for all that ends on a day."""
    last = until - timedelta(days=1)
    letters.expiring(
        membership, [(one.grant, (one.grant.quantity or 0) - one.taken) for one in held], last, step
    )
    audit.record(
        "benefit.expiring" if step else "benefit.expired", membership, by="announce_benefit_expiry",
        org_id=membership.org_id, last=last, benefits=[one.grant.benefit for one in held],
    )  # fmt: skip


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
