"""A person joins too: a holder of one person, who is all of its contacts, decided by a dated rule."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.duplicates import normal_name
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members import drafting, form, letters, quorum
from portal.members.belonging import Membership
from portal.members.events import ApplicationApproved, ApplicationSubmitted
from portal.members.models import Application, ApplicationState, MatchKey
from portal.members.standing import Standing

S = ApplicationState


def tier_for(*, on: date | None = None) -> str | None:
    """Return the code of the tier that people join at; None where the catalogue has none."""
    tiers = catalogue.entries("tier", on=on)
    return next((code for code, body in tiers.items() if body.get("holder") == "person"), None)


def category_for(*, on: date | None = None) -> str:
    """Return the code of the category of people."""
    found = catalogue.entries("category", on=on)
    return next((code for code, body in found.items() if body.get("holder") == "person"), "")


def holder_of(person: Person) -> Organisation | None:
    """Return the holder that a person is."""
    return db.session.scalars(select(Organisation).where(Organisation.person_id == person.id)).first()


def _found_holder(person: Person) -> Organisation:
    found = holder_of(person)
    if found is None:
        found = Organisation(legal_name=person.name, person=person, category=category_for())
        db.session.add(found)
        today = clock.today()
        db.session.add_all(Contact(person=person, org=found, role=role, start=today) for role in ContactRole)
        db.session.flush()
        audit.record("person.became_holder", found, by=person, org_id=found.id)
    return found


def start(*, by: Person, language: str) -> Application:
    """Begin one's own application as an individual; a live one is found again instead."""
    tier = tier_for()
    if tier is None:
        raise Refused(_l("Individual membership is not offered at the moment."))
    answers = {
        "holder": form.PERSON, "tier": tier, "person_name": by.name, "person_country": "CN",
        "person_listing": False,
    }  # fmt: skip
    return drafting.begin(_found_holder(by), by=by, applicant=by, language=language, answers=answers)


def flags(application: Application) -> list[Any]:
    """Return why a person should look at an individual's application, in words; nothing for most."""
    org, found = application.org, []
    name = normal_name(org.legal_name)
    known = select(MatchKey.id).where(MatchKey.kind == "name", MatchKey.value == name)
    if name and db.session.scalar(known.limit(1)) is not None:
        found.append(_l("the name is that of an organisation"))
    earlier = select(Application.id).where(
        Application.org_id == org.id, Application.state == S.REJECTED, Application.id != application.id
    )
    if db.session.scalar(earlier.limit(1)) is not None:
        found.append(_l("an earlier application was rejected"))
    standing = db.session.scalar(select(Membership.standing).where(Membership.org_id == org.id))
    if standing in {Standing.EXPELLED, Standing.SUSPENDED}:
        found.append(_l("the membership was suspended or ended for conduct"))
    if application.applicant.verified_at is None:
        found.append(_l("the mail address is not confirmed"))
    return found


def on_submitted(event: ApplicationSubmitted) -> None:
    """Approve by the dated rule where the tier has one and nothing is flagged; else tell those who review."""
    row = event.application
    by_rule = quorum.rule(row.tier)["decided_by"] == quorum.RULE
    why = flags(row) if by_rule else []
    if by_rule and not why:
        _approve_by_rule(row)
        return
    if why:
        audit.record(
            "application.flagged", row, by="rule", org_id=row.org_id, reason="; ".join(map(str, why))
        )
    letters.submitted(row)


def _approve_by_rule(row: Application) -> None:
    """Approve in the person's favour; a rule never rejects."""
    version = catalogue.version_of("review", row.tier)
    move(row, S.IN_REVIEW)
    move(row, S.APPROVED)
    row.decided_at, row.decided_rule = clock.now(), f"review.{row.tier} v{version}"
    db.session.flush()
    audit.record(
        "application.approved", row, by=f"rule {row.decided_rule}", org_id=row.org_id, tier=row.tier,
        rule=row.decided_rule,
    )  # fmt: skip
    publish(ApplicationApproved(row))
