"""What quotes, contracts and projects keep of people: the register, what they take along, merged companies."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.merging import OrganisationsMerged
from portal.accounts.people import Person
from portal.core import personal
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet
from portal.services.engagements.models import Engagement, Milestone
from portal.services.engagements.work_models import WorkEntry


def install() -> None:
    """Put the columns into the register."""
    personal.holds(
        Purpose.ACTING, Keeping.BOOKS, "engagement.lead_id", "engagement.acceptor_id", "engagement.deputy_id",
        "engagement_member.person_id", "work_entry.person_id", "work_entry.words", "engagement_note.owner",
        "service_contract.signed_name", "service_contract.signed_from", "service_contract.asked_id",
        "service_contract.party_name",
    )  # fmt: skip
    personal.no_person(
        "service_quote.title", "engagement.title", "milestone.title", "deliverable.name",
    )  # fmt: skip
    personal.collects("services", sheets)


def sheets(person: Person) -> list[Sheet]:
    """Return what a person logged as work."""
    rows = db.session.execute(
        select(WorkEntry, Engagement.number)
        .join(Milestone, WorkEntry.milestone_id == Milestone.id)
        .join(Engagement, Milestone.engagement_id == Engagement.id)
        .where(WorkEntry.person_id == person.id)
        .order_by(WorkEntry.id)
    )
    return [
        Sheet(
            "work_entries",
            _l("What you logged as work"),
            (("number", _l("Project")), ("day", _l("Day")), ("days", _l("Days")), ("words", _l("On what"))),
            [
                {"number": number, "day": one.day, "days": f"{one.hundredths / 100:.2f}", "words": one.words}
                for one, number in rows
            ],
        )
    ]  # fmt: skip


def on_merged(event: OrganisationsMerged) -> None:
    """Let the projects of a merged company belong to the one that is kept; its quotes go with its payer."""
    merge = event.merge
    rows = select(Engagement).where(Engagement.org_id == merge.duplicate.id).order_by(Engagement.id)
    for row in db.session.scalars(rows).all():
        merging.move(merge, row, "org_id", merge.kept.id)
