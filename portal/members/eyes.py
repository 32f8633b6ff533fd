"""Four eyes: which parts of a case may not be one human, read from one table of the catalogue."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.members.belonging import Agreement
from portal.members.models import Application, Recommendation


def apart() -> dict[str, set[str]]:
    """Return, for each part, the parts that somebody else must play; the table holds both ways."""
    table = catalogue.entries("four_eyes")
    found: dict[str, set[str]] = {code: set(body["apart"]) for code, body in table.items()}
    for code, body in table.items():
        for other in body["apart"]:
            found[other].add(code)
    return found


def players(application: Application, agreement: Agreement | None = None) -> dict[str, set[int | None]]:
    """Return who played which part of a case until now, as ids of people."""
    voices = db.session.scalars(
        select(Recommendation.person_id).where(
            Recommendation.application_id == application.id, Recommendation.voided_at.is_(None)
        )
    )
    found: dict[str, set[int | None]] = {
        "case_owner": {application.case_owner_id},
        "recommender": set(voices),
        "decider": {application.decided_by_id},
        "paper_checker": {application.papers_checked_by_id},
        "close_proposer": {application.close_proposed_by_id},
    }
    if agreement is not None:
        found |= {
            "sender": {agreement.sent_by_id},
            "scan_bringer": {agreement.scan_by_id},
            "scan_checker": {agreement.checked_by_id},
            "counter_signer": {agreement.countersigned_by_id},
        }
    return found


def refuse(part: str, by: Person, application: Application, agreement: Agreement | None = None) -> None:
    """Refuse a part to somebody who plays one that must be another human's; the sentence names both."""
    words = catalogue.entries("four_eyes")
    had = players(application, agreement)
    for other in sorted(apart()[part]):
        if by.id in had.get(other, set()):
            raise Forbidden(
                _l(
                    "You are the %(one)s in this case; the %(other)s must be somebody else.",
                    one=catalogue.in_words(words[other]["name"]),
                    other=catalogue.in_words(words[part]["name"]),
                )
            )
