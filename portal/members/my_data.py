"""What the members' domain keeps of a person, as he takes it along: own applications, membership, agreements, the wall."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import labels, periods
from portal.core.db import db
from portal.core.personal import Sheet
from portal.members import wall
from portal.members.belonging import Agreement, Membership, Term
from portal.members.models import Application, Upload


def sheets(person: Person) -> list[Sheet]:
    """Return what this domain keeps of a person."""
    holder = db.session.scalars(select(Organisation).where(Organisation.person_id == person.id)).first()
    return [_applications(person), _papers(holder), _agreements(person), _terms(holder), _shown(holder)]


def _applications(person: Person) -> Sheet:
    rows = db.session.scalars(
        select(Application).where(Application.applicant_id == person.id).order_by(Application.id)
    )
    return Sheet(
        "applications",
        _l("Applications you started"),
        (
            ("organisation", _l("Organisation")), ("state", _l("State")), ("tier", _l("Tier")),
            ("started", _l("Started")), ("sent", _l("Sent")), ("answers", _l("Your answers")),
        ),
        [
            {
                "organisation": row.org.name, "state": labels.label(row.state), "tier": wall.tier_name(row.tier),
                "started": row.created_at, "sent": row.submitted_at,
                "answers": row.answers if row.org.person_id == person.id else None,
            }
            for row in rows
        ],
    )  # fmt: skip


def _papers(holder: Organisation | None) -> Sheet:
    found: list[dict[str, Any]] = []
    if holder is not None:
        rows = db.session.scalars(
            select(Upload).join(Application).where(Application.org_id == holder.id).order_by(Upload.id)
        )
        found = [{"name": row.file.name, "at": row.at, "deleted": row.file.erased_at} for row in rows]
    columns = (("name", _l("Name")), ("at", _l("When")), ("deleted", _l("Deleted")))
    return Sheet("papers", _l("Papers you handed in"), columns, found)


def _agreements(person: Person) -> Sheet:
    rows = db.session.scalars(
        select(Agreement)
        .where(or_(Agreement.signed_by_id == person.id, Agreement.asked_id == person.id))
        .order_by(Agreement.id)
    )
    return Sheet(
        "agreements",
        _l("Agreements you signed or were asked to sign"),
        (
            ("number", _l("Number")), ("party", _l("For")), ("state", _l("State")), ("signed", _l("Signed")),
            ("name", _l("Name")), ("address", _l("Address")),
        ),
        [
            {
                "number": row.number, "party": row.party_name, "state": labels.label(row.state),
                "signed": row.signed_at, "name": row.signed_name, "address": row.signed_from,
            }
            for row in rows
        ],
    )  # fmt: skip


def _terms(holder: Organisation | None) -> Sheet:
    found: list[dict[str, Any]] = []
    if holder is not None:
        rows = db.session.scalars(
            select(Term).join(Membership).where(Membership.org_id == holder.id).order_by(Term.id)
        )
        found = [
            {
                "tier": wall.tier_name(row.tier),
                "from": row.start,
                "until": periods.last(row.end),
                "charged": row.charged,
            }
            for row in rows
        ]
    columns = (
        ("tier", _l("Tier")),
        ("from", _l("From")),
        ("until", _l("Until")),
        ("charged", _l("Charged")),
    )
    return Sheet("terms", _l("Periods of your membership"), columns, found)


def _shown(holder: Organisation | None) -> Sheet:
    """Return what the public wall shows of a person right now."""
    found: list[dict[str, Any]] = []
    if holder is not None:
        row = db.session.scalars(wall.shown(people=True).where(Organisation.id == holder.id)).first()
        if row is not None:
            found = [{"name": holder.name, "tier": wall.tier_name(row.tier), "since": wall.joined(row)}]
    columns = (("name", _l("Name")), ("tier", _l("Tier")), ("since", _l("Since")))
    return Sheet("wall", _l("Shown in public on the member wall"), columns, found)
