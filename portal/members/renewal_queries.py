"""What is asked about renewals: ladders and their days, the offer that is open, and why a term is not renewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.core import catalogue
from portal.core.db import db
from portal.members.belonging import Ending, Membership, Reversal, Term, TermKind
from portal.members.renewal_models import LateMoney, LateState, OfferState, RenewalOffer
from portal.members.renewal_rules import Step

# Kinds that are never renewed: they have no price, or no end.
NEVER = (TermKind.COMPLIMENTARY, TermKind.LIFETIME)


def steps_of(org: Organisation) -> tuple[Step, ...]:
    """Return the ladder of a holder as the catalogue has it today."""
    return ladder("person" if org.person_id is not None else "organisation")


def ladder(code: str) -> tuple[Step, ...]:
    """Return the steps of a ladder in force today."""
    body = catalogue.entries("renewal_ladder").get(code, {"steps": []})
    return tuple(
        Step(
            row["code"], int(row["days"]), row.get("from") == "lapse", row.get("act", ""), row.get("letter", ""),
            tuple(row.get("to", ())), row["name"],
        )
        for row in body["steps"]
    )  # fmt: skip


def grace_days() -> int:
    """Return how many days a member has after the end of a term."""
    return int(catalogue.policy("term.grace_days"))


def lapse_day(offer: RenewalOffer) -> date:
    """Return the first day on which an unpaid offer is no more."""
    return offer.term.end + timedelta(days=grace_days()) if offer.term.end else date.max


def act_day(term: Term, act: str) -> date:
    """Return the day of an act of the ladder for a term; the end of time if the ladder has no such act."""
    if term.end is None:
        return date.max
    found = [step for step in steps_of(term.membership.org) if step.act == act]
    return min((step.day(term.end, grace_days()) for step in found), default=date.max)


_next: list[Callable[[Term], tuple[str, TermKind]]] = []


def ask_next(of: Callable[[Term], tuple[str, TermKind]]) -> None:
    """Let changes of tier say at which tier the next term is, and of which kind; `wiring.py` hands it over."""
    _next[:] = [of]


def next_of(term: Term) -> tuple[str, TermKind]:
    """Return tier and kind of the term that follows: the same tier renewed, unless a change was chosen for it."""
    return _next[0](term) if _next else (term.tier, TermKind.RENEWAL)


def open_offer(membership: Membership) -> RenewalOffer | None:
    """Return the open offer of a membership, the latest if there were several."""
    return db.session.scalars(
        select(RenewalOffer)
        .where(RenewalOffer.membership_id == membership.id, RenewalOffer.state == OfferState.OPEN)
        .order_by(RenewalOffer.id.desc())
    ).first()


def last_offer(membership: Membership) -> RenewalOffer | None:
    """Return the newest offer of a membership, whatever became of it."""
    return db.session.scalars(
        select(RenewalOffer)
        .where(RenewalOffer.membership_id == membership.id)
        .order_by(RenewalOffer.id.desc())
    ).first()


def last_term(membership: Membership) -> Term | None:
    """Return the term of a membership that runs out last, if it is one that can be renewed."""
    rows = db.session.scalars(
        select(Term).where(Term.membership_id == membership.id).order_by(Term.start.desc(), Term.id.desc())
    ).all()
    return next((row for row in rows if why_not(row) is None), None)


def why_not(term: Term) -> str | None:
    """Return a word for why a term is not followed by a renewal; None if it can be."""
    if term.kind in NEVER:
        return str(term.kind)
    if term.end is None:
        return "endless"
    if term.membership.org.unclaimed:
        return "unclaimed"
    undone = select(Reversal.undoes_id).where(Reversal.undoes_kind == "ending")
    ending = db.session.scalars(
        select(Ending)
        .where(Ending.term_id == term.id, Ending.id.not_in(undone))
        .order_by(Ending.on, Ending.id.desc())
    ).first()
    if ending is not None:
        return str(ending.cause)
    later = select(Term.id).where(Term.membership_id == term.membership_id, Term.start >= term.end)
    return "followed" if db.session.scalar(later.limit(1)) is not None else None


def open_tasks(membership: Membership | None) -> list[tuple[str, date]]:
    """Return what of a renewal waits for the member: `choice` or `offer`, with its day."""
    if membership is None:
        return []
    found: list[tuple[str, date]] = []
    asked = select(LateMoney.asked_on).where(
        LateMoney.membership_id == membership.id, LateMoney.state == LateState.ASKED
    )
    if (day := db.session.scalar(asked)) is not None:
        found.append(("choice", day))
    offer = open_offer(membership)
    if offer is not None and offer.confirmed_at is None:
        found.append(("offer", offer.opened_on))
    return found
