"""Whether claims keep within what was granted and within the capacity of all: counted anew from the rows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import func, select

from portal.core.db import db
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import SEATED, TAKEN, UNCONFIRMED, Claim, ClaimState, Round
from portal.members.standing import Standing

C = ClaimState


def verify_claims() -> tuple[int, list[str]]:
    """Check every claim against its grant, its period and its membership; return how many and what is wrong."""
    count = db.session.scalar(select(func.count(Claim.id))) or 0
    return count, [*_quantities(), *_capacities(), *_lives()]


def _quantities() -> list[str]:
    """Find grants of which more is taken than they, and what they follow, ever gave."""
    grants = {row.id: row for row in db.session.execute(select(Grant.id, Grant.uid, Grant.benefit, Grant.quantity, Grant.follows_id))}  # fmt: skip
    taken: dict[int, list[Any]] = defaultdict(list)
    rows = select(Claim.grant_id, Claim.quantity, Claim.state).where(Claim.state.in_(TAKEN))
    for claim in db.session.execute(rows):
        taken[claim.grant_id].append(claim)
    followed = {row.follows_id for row in grants.values()}
    found: list[str] = []
    for row in grants.values():
        if row.id in followed:
            continue
        chain = [row]
        while chain[-1].follows_id is not None:
            chain.append(grants[chain[-1].follows_id])
        claims = [claim for one in chain for claim in taken[one.id]]
        total = sum(claim.quantity for claim in claims)
        whole = [1 if one.quantity is None else int(one.quantity) for one in chain]
        if total > max(whole):
            found.append(
                f"benefits: {total} of {row.benefit} are taken from grant {row.uid}, which gives {max(whole)}"
            )
        elif total > whole[0] and any(claim.state in UNCONFIRMED for claim in claims):
            found.append(
                f"benefits: grant {row.uid} of {row.benefit} has claims beyond its {whole[0]} that nobody confirmed"
            )
    return found  # fmt: skip


def _capacities() -> list[str]:
    """Find periods in which more is taken than was ever offered, and claims in a period of another benefit."""
    held = (
        select(Round, func.coalesce(func.sum(Claim.quantity), 0))
        .outerjoin(Claim, (Claim.round_id == Round.id) & Claim.state.in_(SEATED))
        .group_by(Round.id)
        .order_by(Round.id)
    )
    found = [
        f"benefits: {total} of {row.benefit} are taken from {row.start} on, {row.most} were offered"
        for row, total in db.session.execute(held)
        if total > row.most
    ]
    strange = (
        select(Claim.uid)
        .join(Grant, Claim.grant_id == Grant.id)
        .join(Round, Claim.round_id == Round.id)
        .where(Round.benefit != Grant.benefit)
    )
    return [
        *found,
        *(
            f"benefits: claim {uid} stands in a period of another benefit"
            for uid in db.session.scalars(strange)
        ),
    ]


def _lives() -> list[str]:
    """Find claims in a state that their circumstances do not allow."""
    early = select(Claim.uid).where(Claim.provisional, Claim.state.in_([C.CONFIRMED, C.USED]))
    nowhere = select(Claim.uid).where(Claim.state == C.WAITING, Claim.round_id.is_(None))
    barred = (
        select(Claim.uid)
        .join(Grant, Claim.grant_id == Grant.id)
        .join(Membership, Grant.membership_id == Membership.id)
        .where(Membership.standing == Standing.EXPELLED, Claim.state.in_([*UNCONFIRMED, C.CONFIRMED]))
    )
    return [
        f"benefits: claim {uid} {wrong}"
        for statement, wrong in (
            (early, "is provisional and confirmed"),
            (nowhere, "waits for no period"),
            (barred, "is open although its member is expelled"),
        )
        for uid in db.session.scalars(statement)
    ]
