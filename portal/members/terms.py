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
from portal.members.belonging import Ending, Membership, Term, TermKind
from portal.members.events import MembershipJoined, StandingChanged, TermOpened
from portal.members.facts import facts_of
from portal.members.standing import (
    Answer,
    Policy,
    Right,
    Standing,
    answer,
    member_since,
    standing_of,
)


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


def open_term(
    membership: Membership, *, kind: TermKind, tier: str, start: date, months: int, price: Money, charged: Money,
    cover: str, invoice: Invoice | None, by: Person | str, anchor: date | None = None, k: int = 0,
) -> Term:  # fmt: skip
    """Write a term under the membership's lock and grant its benefits; terms never overlap."""
    db.session.scalars(
        select(Membership).where(Membership.id == membership.id).with_for_update(of=Membership)
    ).one()
    first = anchor or start
    begins, ends = (start, period(first, months, k)[1])
    for other in db.session.scalars(select(Term).where(Term.membership_id == membership.id)):
        if _ends(other) > begins and other.start < ends:
            raise Refused(_l("A term covers these days already."))
    row = Term(
        membership=membership, kind=kind, tier=tier, category=membership.org.category, start=begins, end=ends,
        anchor=first, k=k, period_price=price, charged=charged, cover=cover, invoice=invoice,
        by_name=str(getattr(by, "name", by)),
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
        last=ends - timedelta(days=1),
        kind=kind,
    )
    publish(TermOpened(row))
    if kind is TermKind.NEW:
        publish(MembershipJoined(membership))
    refresh([membership])
    return row


def _ends(term: Term) -> date:
    ending = db.session.scalars(
        select(Ending.on).where(Ending.term_id == term.id).order_by(Ending.on)
    ).first()
    return ending or term.end or date.max


def policy_on(day: date) -> Policy:
    """Return the days of grace and arrears in force."""
    return Policy(
        grace_days=int(catalogue.policy("term.grace_days", on=day)),
        suspend_after_days=int(catalogue.policy("term.suspend_after_days", on=day)),
    )


def standing(membership: Membership, *, on: date | None = None, known: datetime | None = None) -> Standing:
    """Return what a membership is on a day, from its facts."""
    day = on or clock.today()
    return standing_of(facts_of([membership])[membership.id], day, policy_on(day), known=known)


def may(membership: Membership, right: Right, *, on: date | None = None) -> Answer:
    """Return whether a membership carries a right on a day: yes, keeps what it has, or no."""
    return answer(standing(membership, on=on), right, catalogue.entries("rights"))


def refresh(memberships: Iterable[Membership], *, on: date | None = None) -> int:
    """Write the copies of standing and tier anew, telling of each change; return how many changed."""
    rows, day, changed = list(memberships), on or clock.today(), 0
    facts, policy = facts_of(rows), policy_on(day)
    for row in rows:
        own = facts[row.id]
        new = standing_of(own, day, policy)
        covering = [t for t in own.terms if t.start <= day and (t.end is None or day < t.end)]
        last = max(covering or own.terms, key=lambda t: (t.start, t.id), default=None)
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
