"""What a tier gives to those who recruit: posts, days, searches, requests, referrals; rows of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, true

from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock
from portal.core.db import db
from portal.members import terms
from portal.members.belonging import Membership
from portal.members.facts import facts_of
from portal.members.standing import Answer, Right, Standing, answer, standing_of
from portal.members.steady import surely_active

KIND = "job_quota"


@dataclass(frozen=True, slots=True)
class Quota:
    """Numbers of a tier; who is no member has none of any."""

    posts: int = 0
    days: int = 0
    searches_a_day: int = 0
    contacts_a_month: int = 0
    referrals_a_quarter: int = 0


NOTHING = Quota()


def of_tier(tier: str, *, on: date | None = None) -> Quota:
    """Return what a tier gives on a day."""
    body = catalogue.entries(KIND, on=on).get(tier)
    if body is None:
        return NOTHING
    return Quota(**{name: int(body.get(name, 0)) for name in Quota.__slots__})


def right(org: Organisation, *, on: date | None = None) -> Answer:
    """Return whether an organisation may use what members get: yes, keeps what it has, or no."""
    membership = terms.membership_of(org)
    return Answer.NO if membership is None else terms.may(membership, Right.USE_BENEFITS, on=on)


def of(org: Organisation, *, on: date | None = None) -> Quota:
    """Return what an organisation has on a day, by the tier of its membership; nothing once that is not in force."""
    membership = terms.membership_of(org)
    if membership is None or terms.may(membership, Right.USE_BENEFITS, on=on) is Answer.NO:
        return NOTHING
    return of_tier(membership.tier, on=on)


def doubtful(org_id: Any, *, on: date) -> Any:
    """Return the condition that only facts can say whether the organisation of a column may use what members get."""
    if answer(Standing.ACTIVE, Right.USE_BENEFITS, catalogue.entries("rights")) is Answer.NO:
        return true()
    return ~surely_active(org_id, on=on)


def fallen(orgs: Iterable[int], *, on: date | None = None) -> set[int]:
    """Return those of some organisations, by id, whose membership is not in force on a day: they show no posts."""
    day, ids = on or clock.today(), set(orgs)
    found = select(Membership).where(Membership.org_id.in_(ids)).order_by(Membership.id)
    rows = db.session.scalars(found).all() if ids else []
    facts, policy, table = facts_of(rows), terms.policy_on(day), catalogue.entries("rights")
    good = {
        row.org_id
        for row in rows
        if answer(standing_of(facts[row.id], day, policy), Right.USE_BENEFITS, table) is not Answer.NO
    }
    return ids - good
