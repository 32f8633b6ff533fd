"""Licences that come with a membership: opened with it, their terms and holds follow it, and they wake when it returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.periods import nth
from portal.members.belonging import Membership, Term
from portal.members.facts import facts_of
from portal.members.standing import Answer, Facts, stops
from portal.services.licences import deal_letters, life, plans
from portal.services.licences.denial import Denied
from portal.services.licences.included import answer_for, benefit_terms, of_tier
from portal.services.licences.kinds import ClosedWhy, HoldReason, TermKind
from portal.services.licences.locking import lock
from portal.services.licences.models.licence import Hold, Licence, LicenceState, LicenceTerm

FOR_LIFE = 100  # years that stand for "without an end"
BY = "membership"
WORDS = (
    "The membership does not give the right to use its benefits now.",
    "会员资格目前不享有使用权益的权利。",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A term that a membership term calls for: nodes over `[start, stop)`; none where its tier has no licence."""

    term: Term
    nodes: int
    start: datetime
    stop: datetime


def follow(membership: Membership) -> list[Licence]:
    """Let the licences of a member have just the terms and holds its membership calls for; return those it has.

    Said again it changes nothing: it compares what there is with what the facts of the membership ask.
    """
    facts, answer = facts_of([membership])[membership.id], answer_for(membership.org)
    found = []
    for plan in plans.every():
        tools = [one["tool"] for one in plan.tools]
        live, wanted = live_of(membership.org, tools), _wanted(facts, plan.code)
        if live is None:
            now = clock.now()
            if answer is Answer.NO or not any(one.nodes and now < one.stop for one in wanted):
                continue
            live = _opened(membership.org, plan.code, tools)
        if live.plan == plan.code:
            row = lock(live.id)
            _compare(row, wanted, answer)
            _hold(row, answer)
            found.append(row)
    return found


def live_of(org: Organisation, tools: list[str]) -> Licence | None:
    """Return the live licence of an organisation for one of some tools."""
    return next((row for tool in tools if (row := life.live_for(org, tool))), None)


def _opened(org: Organisation, plan: str, tools: list[str]) -> Licence:
    """Open the licence of a member, or find the one that somebody ordered at the same moment."""
    try:
        return life.order(org, plan, by=BY)
    except Denied:
        live = live_of(org, tools)
        if live is None:
            raise
        return live


def _wanted(facts: Facts, plan: str) -> list[Wanted]:
    until, found = stops(facts), []
    for fact in facts.terms:
        term = db.session.get_one(Term, fact.id)
        stop = until[fact.id][0] or nth(fact.start, 12, FOR_LIFE)
        nodes = of_tier(term.tier, plan, on=max(fact.start, clock.today())).free
        found.append(Wanted(term, nodes, clock.start_of(fact.start), clock.start_of(max(stop, fact.start))))
    return found


def _compare(row: Licence, wanted: list[Wanted], answer: Answer) -> None:
    now = clock.now()
    for one in wanted:
        source = f"benefit:{row.uid}:{one.term.uid}:"
        there = benefit_terms(row.id, source)
        for term in there:
            if term.closed_at is None and one.stop < term.ends_at:
                life.close_term(term, max(one.stop, term.starts_at), ClosedWhy.TIER, by=BY)
        reached = max((term.closed_at or term.ends_at for term in there), default=one.start)
        start = max(reached, now) if there else one.start
        held = answer is Answer.NO and start <= now
        if one.nodes and not held and reached < one.stop and max(start, now) < one.stop:
            _add(row, one, start, f"{source}{len(there)}")


def _add(row: Licence, one: Wanted, start: datetime, source: str) -> None:
    lent = select(LicenceTerm).where(
        LicenceTerm.licence_id == row.id, LicenceTerm.kind == TermKind.COURTESY, LicenceTerm.closed_at.is_(None),
        LicenceTerm.source.startswith("courtesy:benefit:"),
    )  # fmt: skip
    for term in db.session.scalars(lent.order_by(LicenceTerm.id)).all():
        if term.ends_at > start:
            life.close_term(term, max(start, term.starts_at), ClosedWhy.TIER, by=BY)
    days = int(catalogue.policy("term.grace_days"))
    life.add_term(
        row.id, TermKind.BENEFIT, one.nodes, start=start, end=one.stop, source=source, by=BY, grace_days=days
    )


# ---- Holds


def in_force(licence_id: int, kind: TermKind, now: datetime) -> list[LicenceTerm]:
    """Return the terms of a kind that run at an instant."""
    found = select(LicenceTerm).where(
        LicenceTerm.licence_id == licence_id, LicenceTerm.kind == kind, LicenceTerm.starts_at <= now,
        LicenceTerm.ends_at > now, LicenceTerm.closed_at.is_(None) | (LicenceTerm.closed_at > now),
    )  # fmt: skip
    return list(db.session.scalars(found.order_by(LicenceTerm.id)))


def _hold(row: Licence, answer: Answer) -> None:
    """Hold a licence that lives by a membership without the right; what was paid for goes on without its included nodes."""
    now, source = clock.now(), f"membership:{row.uid}"
    running = in_force(row.id, TermKind.BENEFIT, now)
    paid = bool(in_force(row.id, TermKind.BASE, now))
    if answer is Answer.NO and not paid:
        if running and row.state in (LicenceState.ACTIVE, LicenceState.SUSPENDED):
            hold = life.suspend(row.id, HoldReason.MEMBERSHIP, words=WORDS, source=source, by=BY)
            if hold is not None:
                deal_letters.suspended(hold)
        return
    for term in running if answer is Answer.NO else ():
        life.close_term(term, now, ClosedWhy.TIER, by=BY)
    if answer is Answer.KEEPS and paid:
        _lend(row, now)
    for hold in open_from(row.id, source):
        life.lift(hold, by=BY)


def open_from(licence_id: int, source: str) -> list[Hold]:
    """Return the open holds of one source."""
    return [one for one in life.open_holds(licence_id) if one.source == source]


def _lend(row: Licence, now: datetime) -> None:
    """Keep the included nodes through the membership's grace where a paid term keeps the licence in force beside them."""
    days = timedelta(days=int(catalogue.policy("term.grace_days")))
    for term in benefit_terms(row.id):
        end = (term.closed_at or term.ends_at) + days
        if term.closed_at is None and term.ends_at <= now < end:
            life.add_term(
                row.id, TermKind.COURTESY, term.nodes, start=term.ends_at, end=end, source=f"courtesy:{term.source}", by=BY
            )  # fmt: skip


def look_again(licence: Licence) -> None:
    """Bring holds and included nodes of a licence up to date after its paid terms changed."""
    membership = db.session.scalars(select(Membership).where(Membership.org_id == licence.org_id)).first()
    if membership is not None:
        follow(membership)
