"""Builders for tests of benefits: members with a term, definitions, and claims, without the road in."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Person
from portal.core import catalogue
from portal.core.db import db
from portal.core.money import Money
from portal.members import claiming, granting, terms
from portal.members.belonging import Ending, Grant, Membership, Term, TermKind
from portal.members.benefit_models import Claim
from portal.members.standing import EndingCause
from tests.people import make_org, make_person

BEGIN = date(2026, 1, 1)
EVERYBODY = {"platinum": 10, "gold": 4, "silver": 2, "startup": 1}
ALL_ROLES = tuple(ContactRole)


def define(
    code: str, *, tiers: dict[str, int | None] | None = None, start: date = BEGIN, **more: Any
) -> None:
    """Put a benefit into the catalogue; call inside a transaction."""
    body = {
        "code": code, "name": {"en": code.title(), "zh": f"权益 {code}"}, "tiers": EVERYBODY if tiers is None else tiers,
        "confirmed_by": "reviewer", **more,
    }  # fmt: skip
    catalogue.put("benefit", code, body, start)


def member(
    name: str, tier: str = "platinum", category: str = "chip", *, start: date = BEGIN, roles: tuple[ContactRole, ...] = ALL_ROLES
) -> Membership:  # fmt: skip
    """Add an organisation whose one person holds all roles, and open its first term; call inside a transaction."""
    person = make_person(f"{name}@{name}.example", name.title())
    org = make_org(f"{name.title()} Ltd", *((person, role) for role in roles))
    org.category = category
    row = terms.found_membership(org)
    open_term(row, tier, start)
    return row


def open_term(
    row: Membership, tier: str, start: date, kind: TermKind = TermKind.NEW, charged: int = 40_000_000
) -> Term:
    """Open a term of twelve months that is settled elsewhere."""
    return terms.open_term(
        row, kind=kind, tier=tier, start=start, months=12, price=Money(charged), charged=Money(charged), cover="elsewhere",
        invoice=None, by="test",
    )  # fmt: skip


def end_term(row: Membership, on: date, cause: EndingCause, **more: Any) -> None:
    """End the newest term of a membership on a day."""
    term = db.session.scalars(
        select(Term).where(Term.membership_id == row.id).order_by(Term.id.desc())
    ).first()
    assert term is not None
    db.session.add(Ending(term=term, on=on, cause=cause, by_name="test", reason="test", **more))
    db.session.flush()


def change_tier(row: Membership, tier: str, on: date) -> Term:
    """Change the tier on a day: the term ends and another begins."""
    end_term(row, on, EndingCause.TIER_CHANGE)
    return open_term(row, tier, on, TermKind.UPGRADE)


def of(row: Membership) -> Person:
    """Return the person of a member."""
    slug = row.org.legal_name.removesuffix(" Ltd").lower()
    return db.session.scalars(select(Person).where(Person.email == f"{slug}@{slug}.example")).one()


def grant(row: Membership, code: str) -> Grant:
    """Return the newest grant of a benefit."""
    rows = select(Grant).where(Grant.membership_id == row.id, Grant.benefit == code).order_by(Grant.id.desc())
    found = db.session.scalars(rows).first()
    assert found is not None
    return found


def claim(row: Membership, code: str, quantity: int = 1) -> Claim:
    """Claim some of a benefit as the member's person."""
    return claiming.claim(grant(row, code), quantity, by=of(row))


def left(row: Membership, code: str, on: date | None = None) -> int:
    """Return what is left of the newest grant of a benefit."""
    return granting.available(grant(row, code), on)


def reviewer(email: str = "rui@house.example", role: StaffRole = StaffRole.REVIEWER) -> Person:
    """Add somebody of staff."""
    return make_person(email, email.split("@")[0].title(), staff=(role,))
