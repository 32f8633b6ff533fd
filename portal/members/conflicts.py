"""Conflict of interest: who is too close to an applicant to take, recommend or decide, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.accounts.duplicates import registrable_domain
from portal.accounts.groups import group_of
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import catalogue, clock
from portal.core.db import db
from portal.members.belonging import Membership
from portal.members.models import Application, Conflict, MatchKey, Pair, PairAnswer
from portal.members.standing import Standing

FIRST_DECISION = "first_decision"
REASONS = {FIRST_DECISION: _l("You had a part in the first decision.")}
NOT_YET = (Standing.NONE, Standing.APPLICANT)


def why(person: Person, application: Application) -> Any:
    """Return why a person of staff must stay out of a case, in words; None if nothing stands against it."""
    declared = db.session.scalar(
        select(Conflict.reason).where(
            Conflict.application_id == application.id, Conflict.person_id == person.id
        )
    )
    if declared in REASONS:
        return REASONS[declared]
    if declared is not None:
        return _l("You are out of this case: %(reason)s", reason=declared)
    org = application.org
    if org.person_id == person.id or application.applicant_id == person.id:
        return _l("This is your own application.")
    mine = _close_to(person)
    if org.id in mine:
        return _l("You act for the applicant, work there, or did so within a year.")
    if related := (group_of(org) | _found_related(org)) & mine.keys():
        return _l(
            "You act for %(org)s, or did so within a year; it belongs to the applicant's group.",
            org=mine[min(related)],
        )
    if rival := _rivals(org, set(mine)):
        return _l(
            "You act for %(org)s, or did so within a year; it competes with the applicant.", org=mine[rival]
        )
    return None


def _close_to(person: Person) -> dict[int, str]:
    """Return the organisations somebody acts or acted for, or whose mail domain is his; id and name."""
    since = clock.now() - timedelta(days=int(catalogue.policy("review.conflict_days")))
    contact = select(Contact.org_id).where(
        Contact.person_id == person.id, (Contact.ended_at.is_(None)) | (Contact.ended_at > since)
    )
    domain = registrable_domain(person.email) or ""
    employer = select(MatchKey.org_id).where(MatchKey.kind == "domain", MatchKey.value == domain)
    rows = db.session.scalars(
        select(Organisation).where(or_(Organisation.id.in_(contact), Organisation.id.in_(employer)))
    )
    return {row.id: row.name for row in rows}


def _found_related(org: Organisation) -> set[int]:
    """Return what reviewers answered to be the same as, or related to, an organisation."""
    rows = db.session.execute(
        select(Pair.org_id, Pair.other_id).where(
            or_(Pair.org_id == org.id, Pair.other_id == org.id),
            Pair.answer.in_([PairAnswer.SAME, PairAnswer.RELATED]),
        )
    )
    return {one for pair in rows for one in pair if one != org.id}


def _rivals(org: Organisation, mine: set[int]) -> int | None:
    """Return one of these that is a member in the applicant's category, where the category has rivals."""
    if not catalogue.entries("category").get(org.category, {}).get("rivals"):
        return None
    return db.session.scalar(
        select(Organisation.id)
        .join(Membership)
        .where(
            Organisation.id.in_(mine),
            Organisation.category == org.category,
            Membership.standing.not_in(NOT_YET),
        )
        .order_by(Organisation.id)
        .limit(1)
    )
