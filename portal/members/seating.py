"""The capacity that all members share: one locked row per benefit and period, and a queue that nobody jumps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.members import allotment, terms
from portal.members import benefit_letters as letters
from portal.members.allotment import Group, Waiting
from portal.members.belonging import Grant
from portal.members.benefit_models import SEATED, Claim, ClaimState, Round
from portal.members.deciding import settle_by_rule
from portal.members.standing import Answer, Right

C = ClaimState
WAIT, REFUSE = "wait", "refuse"


def capacity(body: Mapping[str, Any]) -> int | None:
    """Return how many all members may have together in a period; None without a limit."""
    said = body.get("capacity")
    return None if said is None else int(said["quantity"])


def round_of(body: Mapping[str, Any], day: date) -> tuple[date, date] | None:
    """Return the period of capacity a day lies in; None where there is no limit."""
    said = body.get("capacity")
    return None if said is None else allotment.span(str(said.get("per", "year")), day)


def locked_round(benefit: str, start: date, end: date) -> Round:
    """Return the row of a benefit's period under its lock, made on first need."""
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(
        build(Round).values(benefit=benefit, start=start, end=end, most=0).on_conflict_do_nothing()
    )
    return db.session.scalars(
        select(Round)
        .where(Round.benefit == benefit, Round.start == start, Round.end == end)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def locked(claim: Claim) -> Claim:
    """Return a claim under the lock of its period and its own: the order in which everybody takes them."""
    number = claim.round_id
    while True:
        if number is not None:
            db.session.scalars(select(Round).where(Round.id == number).with_for_update()).one()
        row = db.session.scalars(
            select(Claim)
            .where(Claim.id == claim.id)
            .with_for_update(of=Claim)
            .execution_options(populate_existing=True)
        ).one()
        if row.round_id == number:
            return row
        number = row.round_id  # carried over into another period meanwhile


def take_place(claim: Claim, body: Mapping[str, Any]) -> None:
    """Give a new claim its place in the present period; without one left it waits, or is refused."""
    benefit = claim.grant.benefit
    now = _today(benefit) or body
    most, days = capacity(now), round_of(now, clock.today())
    if most is None or days is None:
        return
    row = locked_round(benefit, *days)
    carry_over(row)
    claim.round = row
    if not _queue(row) and seated(row) + claim.quantity <= most:
        row.most = max(row.most, most)
        return
    if claim.quantity > most:
        raise Refused(
            _l("All members together have %(most)s of this in a period.", most=most),
            field="quantity",
            status=422,
        )
    if now["capacity"].get("beyond", WAIT) == REFUSE:
        raise Refused(_l("All places of this period are taken."), field="quantity")
    claim.state = C.WAITING


def _today(benefit: str) -> dict[str, Any] | None:
    return catalogue.entries("benefit").get(benefit)


def seated(row: Round) -> int:
    """Return how much of a period's capacity is taken."""
    held = select(func.coalesce(func.sum(Claim.quantity), 0)).where(
        Claim.round_id == row.id, Claim.state.in_(SEATED)
    )
    return int(db.session.scalar(held) or 0)


def _queue(row: Round) -> list[Claim]:
    """Return who waits in a period, each row locked, in order of claiming."""
    return list(
        db.session.scalars(
            select(Claim)
            .where(Claim.round_id == row.id, Claim.state == C.WAITING)
            .order_by(Claim.claimed_at, Claim.id)
            .with_for_update(of=Claim)
            .execution_options(populate_existing=True)
        )
    )


def carry_over(row: Round) -> int:
    """Take whoever still waits in other periods of the benefit into this one, with their place in the queue."""
    others = (
        select(Claim)
        .join(Round, Claim.round_id == Round.id)
        .where(Round.benefit == row.benefit, Round.id != row.id, Claim.state == C.WAITING)
        .order_by(Claim.id)
        .with_for_update(of=Claim)
        .execution_options(populate_existing=True)
    )
    found = list(db.session.scalars(others))
    for claim in found:
        claim.round = row
    db.session.flush()
    return len(found)


def held_by_group(row: Round) -> dict[Group, int]:
    """Return what each tier and category holds of a period's capacity."""
    rows = db.session.execute(
        select(Claim.tier, Claim.category, func.sum(Claim.quantity))
        .where(Claim.round_id == row.id, Claim.state.in_(SEATED))
        .group_by(Claim.tier, Claim.category)
    )
    return Counter({(tier, category): int(total) for tier, category, total in rows})


def line(row: Round, body: Mapping[str, Any], *, waiting: list[Claim] | None = None) -> list[Claim]:
    """Return who waits in a period in the order in which places are given."""
    claims = waiting_in(row) if waiting is None else waiting
    queue = [Waiting(one.id, one.claimed_at, one.quantity, (one.tier, one.category)) for one in claims]
    order = allotment.in_line(queue, held_by_group(row), allotment.shares_of(body))
    by_id = {one.id: one for one in claims}
    return [by_id[one.id] for one in order]


def waiting_in(row: Round) -> list[Claim]:
    """Return who waits in a period, in order of claiming, without a lock."""
    statement = select(Claim).where(Claim.round_id == row.id, Claim.state == C.WAITING)
    return list(db.session.scalars(statement.order_by(Claim.claimed_at, Claim.id)))


def promote(row: Round | None) -> list[Claim]:
    """Give freed places of a running period to whoever is next; the caller holds the period's lock."""
    today = clock.today()
    body = _today(row.benefit) if row is not None else None
    if row is None or body is None:
        return []
    most = capacity(body)
    if most is not None and round_of(body, today) != (row.start, row.end):
        return []
    waiting = [one for one in _queue(row) if _may_be_served(one)]
    order = line(row, body, waiting=waiting)
    queue = [Waiting(one.id, one.claimed_at, one.quantity, (one.tier, one.category)) for one in order]
    free = sum(one.quantity for one in queue) if most is None else most - seated(row)
    ids = {one.id for one in allotment.served(queue, free)}
    found = [one for one in order if one.id in ids]
    for claim in found:
        move(claim, C.CLAIMED)
        _tell(claim)
    db.session.flush()
    row.most = max(row.most, seated(row) if most is None else most) if found else row.most
    for claim in found:
        settle_by_rule(claim)
    return found


def _tell(claim: Claim) -> None:
    audit.record(
        "benefit.place_given", claim, by="queue", org_id=claim.grant.membership.org_id,
        benefit=claim.grant.benefit, quantity=claim.quantity,
    )  # fmt: skip
    letters.place_given(claim)


def _may_be_served(claim: Claim) -> bool:
    """Whether a claim in the queue can have a place now: a suspended member keeps its rank and is passed over."""
    if claim.provisional:
        return True
    return terms.may(claim.grant.membership, Right.USE_BENEFITS) is not Answer.NO


def rounds_of(benefit: str) -> list[Round]:
    """Return the periods of a benefit, the newest first."""
    return list(
        db.session.scalars(
            select(Round).where(Round.benefit == benefit).order_by(Round.start.desc(), Round.id)
        )
    )


def locked_rounds(benefit: str) -> list[Round]:
    """Return every period of a benefit in which somebody waits, under its lock."""
    waits = select(Claim.round_id).where(Claim.state == C.WAITING)
    return list(
        db.session.scalars(
            select(Round)
            .where(Round.benefit == benefit, Round.id.in_(waits))
            .order_by(Round.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


@dataclass(frozen=True, slots=True)
class Places:
    """A benefit's present period as pages show it: its days, how many there are, taken and waiting."""

    start: date
    end: date
    most: int
    taken: int
    waiting: int
    row: Round | None


def places(benefit: str, body: Mapping[str, Any]) -> Places | None:
    """Return the present period of a benefit without a lock; None where capacity has no limit."""
    most, days = capacity(body), round_of(body, clock.today())
    if most is None or days is None:
        return None
    row = db.session.scalars(
        select(Round).where(Round.benefit == benefit, Round.start == days[0], Round.end == days[1])
    ).first()
    waits = select(func.count(Claim.id)).join(Grant, Claim.grant_id == Grant.id)
    waiting = db.session.scalar(waits.where(Grant.benefit == benefit, Claim.state == C.WAITING)) or 0
    return Places(*days, most, seated(row) if row is not None else 0, waiting, row)


def number_in_line(claim: Claim) -> int | None:
    """Return at which place of its queue a waiting claim stands, from 1; None if it does not wait."""
    if claim.state is not C.WAITING or claim.round is None:
        return None
    order = line(claim.round, _today(claim.grant.benefit) or {})
    return next((n for n, one in enumerate(order, 1) if one.id == claim.id), None)
