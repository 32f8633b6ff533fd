"""What a membership gives its people in certification: a price reduced, a door that opens earlier."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts import joining
from portal.accounts.care_models import MailDomain
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import catalogue, clock
from portal.core.db import db
from portal.members import terms
from portal.members.allotment import NOTHING, given
from portal.members.belonging import Membership
from portal.members.standing import Answer, Right


def holders_of(person: Person) -> list[Organisation]:
    """Return the organisations a person counts for: himself, those he acts for, those whose open domain his mail is in."""
    acts = select(Contact.org_id).where(Contact.person_id == person.id, Contact.ended_at.is_(None))
    near = select(MailDomain.org_id).where(
        MailDomain.domain == (joining.domain_of(person) or ""), MailDomain.closed_at.is_(None)
    )
    return list(
        db.session.scalars(
            select(Organisation)
            .where(
                (Organisation.id.in_(acts))
                | (Organisation.id.in_(near))
                | (Organisation.person_id == person.id)
            )
            .order_by(Organisation.id)
        )
    )


def _members(orgs: list[Organisation]) -> list[Membership]:
    """Return the memberships of these that carry the member's price today."""
    rows = db.session.scalars(
        select(Membership).where(Membership.org_id.in_([one.id for one in orgs])).order_by(Membership.id)
    )
    return [row for row in rows if terms.may(row, Right.MEMBER_PRICE, on=clock.today()) is Answer.YES]


def member_bp(orgs: list[Organisation]) -> int:
    """Return the best reduction that memberships of these give today, in basis points."""
    table = catalogue.policy("exam.member_discounts") or {}
    return max((int(table.get(row.tier, 0)) for row in _members(orgs)), default=0)


def fast(person: Person) -> bool:
    """Whether a membership of a person gives the fast track, which opens booking earlier and ranks first in queues."""
    body = catalogue.entries("benefit").get(str(catalogue.policy("booking.fast_benefit") or ""))
    if body is None:
        return False
    return any(
        given(body, row.tier or "", row.org.category) != NOTHING for row in _members(holders_of(person))
    )
