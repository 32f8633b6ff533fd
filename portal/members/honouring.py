"""How long what was confirmed is honoured, and who is too close to a member to decide for it."""

from __future__ import annotations

from datetime import date, timedelta

from portal.accounts import contacts
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import catalogue
from portal.core.db import db
from portal.members import allotment, terms
from portal.members.belonging import Membership
from portal.members.benefit_models import Claim
from portal.members.facts import facts_of
from portal.members.standing import Answer, Right, Standing, standing_of

GONE = (Standing.LAPSED, Standing.RESIGNED)


def acts_for(person: Person, org: Organisation) -> bool:
    """Whether somebody acts for an organisation, or is the member himself."""
    if org.person_id == person.id:
        return True
    return any(row.person_id == person.id for row in db.session.scalars(contacts.contacts_of(org)))


def honoured_until(membership: Membership) -> date | None:
    """Return the first day on which claims of a membership that has ended are no longer honoured; None without an end."""
    facts = facts_of([membership])[membership.id]
    ends = list(allotment.stops(facts).values())
    if not ends or None in ends:
        return None
    last = max(day for day in ends if day is not None)
    return last + timedelta(days=int(catalogue.policy("benefits.honour_days", on=last)))


def may_use(claim: Claim, *, on: date) -> bool:
    """Whether a confirmed claim may be used on a day: by right, or within the days a lapse leaves."""
    membership = claim.grant.membership
    if terms.may(membership, Right.USE_BENEFITS, on=on) in {Answer.YES, Answer.KEEPS}:
        return True
    facts = facts_of([membership])[membership.id]
    if standing_of(facts, on, terms.policy_on(on)) not in GONE:
        return False
    until = honoured_until(membership)
    return until is None or on < until
