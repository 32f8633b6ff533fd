"""Who waits and what a quarter has, read for the fair rule: weights by tier, the fast lane, groups, twelve months."""

from __future__ import annotations

from collections import Counter
from datetime import date

from sqlalchemy import select, update

from portal.accounts.groups import group_of
from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.periods import nth
from portal.members import terms
from portal.members.standing import Answer, Right
from portal.services.slots import fairness
from portal.services.slots.fairness import Placed, Quarter, Rule, Waiting
from portal.services.slots.kinds import GIVEN, SlotState, WorkKind
from portal.services.slots.models import SlotQuarter, SlotRequest

S = SlotState


def locked(quarter: SlotQuarter) -> SlotQuarter:
    """Return a quarter under its lock: whoever gives or frees a slot of it waits here in turn."""
    db.session.flush()
    db.session.execute(
        update(SlotQuarter)
        .where(SlotQuarter.id == quarter.id)
        .values(turn=SlotQuarter.turn + 1)
        .execution_options(synchronize_session=False)
    )
    return db.session.get_one(SlotQuarter, quarter.id, populate_existing=True)


def rule() -> Rule:
    """Return the numbers of the rule in force today."""
    return Rule(
        long_days=int(catalogue.policy("slots.long_days")), small_slots=int(catalogue.policy("slots.small")["slots"]),
        share_percent=int(catalogue.policy("slots.share_percent")),
    )  # fmt: skip


def group_key(org: Organisation) -> int:
    """Return the one number by which a corporate group is counted today."""
    return min(group_of(org))


def tier_of(org: Organisation) -> str:
    """Return the tier of a member that may claim today; empty for everybody else."""
    row = terms.membership_of(org)
    if row is None or terms.may(row, Right.NEW_CLAIMS) is not Answer.YES:
        return ""
    return row.tier or ""


def weight(tier: str, category: str, kind: WorkKind) -> int:
    """Return the weight of a request in halves: that of the tier, half as much again in the fast lane."""
    weights, fast = catalogue.policy("slots.weights"), catalogue.policy("slots.fast_lane")
    base = int(weights.get(tier, weights["other"]))
    return base * 3 if category in fast.get(kind.value, ()) else base * 2


def as_waiting(row: SlotRequest) -> Waiting:
    """Return a request as the rule reads it."""
    tier, small = tier_of(row.org), catalogue.policy("slots.small")
    is_small = bool(tier) and (tier in small["tiers"] or row.org.category in small["categories"])
    return Waiting(
        row.id,
        group_key(row.org),
        row.asked_on,
        weight(tier, row.org.category, row.kind),
        is_small,
        bool(tier),
    )


def waiting() -> list[SlotRequest]:
    """Return the requests that wait, the oldest first."""
    rows = select(SlotRequest).where(SlotRequest.state == S.WAITING)
    return list(
        db.session.scalars(
            rows.order_by(SlotRequest.asked_on, SlotRequest.id).execution_options(populate_existing=True)
        )
    )


def given_in(quarter: SlotQuarter) -> list[SlotRequest]:
    """Return the requests that have a slot of a quarter, in the order they got it."""
    rows = select(SlotRequest).where(SlotRequest.quarter_id == quarter.id, SlotRequest.state.in_(GIVEN))
    return list(
        db.session.scalars(
            rows.order_by(SlotRequest.offered_on, SlotRequest.id).execution_options(populate_existing=True)
        )
    )


def facts(quarter: SlotQuarter, today: date) -> Quarter:
    """Return what a quarter has, as the rule reads it."""
    here = [as_waiting(one) for one in given_in(quarter)]
    year = select(SlotRequest).where(
        SlotRequest.state.in_(GIVEN), SlotRequest.offered_on > nth(today, 12, -1)
    )
    in_year = Counter(group_key(one.org) for one in db.session.scalars(year.order_by(SlotRequest.id)))
    return Quarter(quarter.slots, Counter(one.group for one in here), sum(one.small for one in here), in_year)


def line(quarter: SlotQuarter) -> list[tuple[SlotRequest, Placed]]:
    """Return everybody who waits in the order of the rule for a quarter, each with the reason."""
    today, rows = clock.today(), waiting()
    by_id = {one.id: one for one in rows}
    passed = frozenset(one.id for one in rows if one.passed_id == quarter.id)
    placed = fairness.line(
        [as_waiting(one) for one in rows], facts(quarter, today), rule(), today, passed=passed
    )
    return [(by_id[one.one.id], one) for one in placed]


def quarters(*, over: bool = False) -> list[SlotQuarter]:
    """Return the quarters that are not over, the next first; all of them, the last first, with `over`."""
    rows = list(db.session.scalars(select(SlotQuarter).order_by(SlotQuarter.start)))
    return rows[::-1] if over else [one for one in rows if one.end > clock.today()]


def current() -> SlotQuarter | None:
    """Return the quarter for which slots are given next: the first that is not over and not full, else the last one."""
    rows = quarters()
    return next((one for one in rows if len(given_in(one)) < one.slots), rows[-1] if rows else None)
