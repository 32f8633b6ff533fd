"""Terms and standing: the only writer of terms, and the function that says what a member is on a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.models import Invoice
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.periods import period
from portal.members import granting
from portal.members.belonging import Membership, Term, TermKind
from portal.members.events import MembershipJoined, StandingChanged, TermOpened
from portal.members.facts import facts_of
from portal.members.standing import (
    Answer,
    Facts,
    Policy,
    Right,
    Standing,
    answer,
    in_force,
    member_since,
    standing_of,
    stops,
)

# Kinds that make somebody a member who never was one, beside a new term.
FIRST_BY_HAND = (TermKind.COMPLIMENTARY, TermKind.LIFETIME)


def membership_of(org: Organisation) -> Membership | None:
    """Return an organisation's membership."""
    return db.session.scalars(select(Membership).where(Membership.org_id == org.id)).first()


def found_membership(org: Organisation) -> Membership:
    """Return an organisation's membership, made on first need."""
    row = membership_of(org)
    if row is None:
        row = Membership(org=org)
        db.session.add(row)
        db.session.flush()
    return row


def locked(membership: Membership) -> Membership:
    """Return a membership under its row lock, fresh from the database: whoever writes its facts holds it."""
    return db.session.scalars(
        select(Membership)
        .where(Membership.id == membership.id)
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    ).one()


def refuse_overlap(facts: Facts, begins: date, ends: date | None) -> None:
    """Refuse days that a term covers already, with endings and what undid them counted."""
    until = stops(facts)
    for other in facts.terms:
        stop = until[other.id][0] or date.max
        if max(other.start, begins) < min(stop, ends or date.max):
            raise Refused(_l("A term covers these days already."))


def open_term(
    membership: Membership, *, kind: TermKind, tier: str, start: date, months: int, price: Money, charged: Money,
    cover: str, invoice: Invoice | None, by: Person | str, anchor: date | None = None, k: int = 0,
    second: str = "", reason: str = "", end: date | None = None,
) -> Term:  # fmt: skip
    """Write a term under the membership's lock and grant its benefits; terms never overlap. One for life has no end.

    It ends with its period from the anchor, unless an `end` is stated: that of the term it splits.
    """
    locked(membership)
    first = anchor or start
    begins, ends = start, None if kind is TermKind.LIFETIME else end or period(first, months, k)[1]
    facts = facts_of([membership])[membership.id]
    refuse_overlap(facts, begins, ends)
    row = Term(
        membership=membership, kind=kind, tier=tier, category=membership.org.category, start=begins, end=ends,
        anchor=first, k=k, period_price=price, charged=charged, cover=cover, invoice=invoice,
        by_name=str(getattr(by, "name", by))[:120], second_name=second, reason=reason,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    granting.grant(row)
    audit.record(
        "membership.term_opened",
        membership,
        by=by,
        org_id=membership.org_id,
        tier=tier,
        start=begins,
        end=ends,
        last=ends - timedelta(days=1) if ends else None,
        kind=kind,
        **({"second": second, "reason": reason} if second or reason else {}),
    )
    publish(TermOpened(row))
    if kind is TermKind.NEW or (not facts.terms and kind in FIRST_BY_HAND):
        publish(MembershipJoined(membership))
    refresh([membership])
    return row


def policy_on(day: date) -> Policy:
    """Return the days of grace and arrears in force on a day; before there was a rule, those of today."""
    rules = {**catalogue.entries("policy"), **catalogue.entries("policy", on=day)}
    return Policy(
        grace_days=int(rules["term.grace_days"]["value"]),
        suspend_after_days=int(rules["term.suspend_after_days"]["value"]),
    )


def expelled(org: Organisation) -> bool:
    """Whether an organisation is expelled and its bar runs: nothing that arrives revives its membership."""
    row = membership_of(org)
    return row is not None and standing(row) is Standing.EXPELLED


def standing(membership: Membership, *, on: date | None = None, known: datetime | None = None) -> Standing:
    """Return what a membership is on a day, from its facts."""
    day = on or clock.today()
    return standing_of(facts_of([membership])[membership.id], day, policy_on(day), known=known)


def may(
    membership: Membership, right: Right, *, on: date | None = None, known: datetime | None = None
) -> Answer:
    """Return whether a membership carries a right on a day, as known at an instant: yes, keeps what it has, or no."""
    return answer(standing(membership, on=on, known=known), right, catalogue.entries("rights"))


def refresh(memberships: Iterable[Membership], *, on: date | None = None) -> int:
    """Write the copies of standing and tier anew, telling of each change; return how many changed."""
    rows, day, changed = list(memberships), on or clock.today(), 0
    facts, policy = facts_of(rows), policy_on(day)
    for row in rows:
        own = facts[row.id]
        new = standing_of(own, day, policy)
        last = in_force(own, day) or max(own.terms, key=lambda t: (t.start, t.id), default=None)
        row.tier = last.tier if last else row.listed_tier
        row.member_since = member_since(own)
        if new is not row.standing:
            old, row.standing = row.standing, new
            changed += 1
            audit.record(
                "membership.standing_changed", row, by="standing", org_id=row.org_id, old=old, new=new
            )
            publish(StandingChanged(row, old, new, day))
    db.session.flush()
    return changed
