"""What a decision needs: voices, the minute of the board, a second look at the papers; from the catalogue."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select

from portal.accounts import grants
from portal.accounts.may import May, StaffRole
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, files, labels
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.members import eyes, names
from portal.members.case_models import MINUTE, CasePaper
from portal.members.models import Application, ApplicationState, Recommendation

RULE = "rule"
DECIDERS = {"director": May.DECIDE, "reviewer": May.REVIEW}


def rule(tier: str) -> dict[str, Any]:
    """Return how applications for a tier are decided."""
    table = catalogue.entries("review")
    return table.get(tier) or {"recommendations": 1, "decided_by": "director"}


def decider_verb(application: Application) -> May:
    """Return the verb that whoever decides this application must hold."""
    body = rule(application.tier)
    return DECIDERS[body["otherwise"] if body["decided_by"] == RULE else body["decided_by"]]


def refuse_unless_decider(by: Person, application: Application) -> None:
    """Refuse the decision to somebody whose role does not decide at this tier."""
    if by.id not in {person.id for person in grants.holders(decider_verb(application))}:
        raise Forbidden(_l("At this tier somebody else decides."))


def papers_of(application: Application) -> list[CasePaper]:
    """Return what staff attached to a case, oldest first."""
    return list(
        db.session.scalars(
            select(CasePaper).where(CasePaper.application_id == application.id).order_by(CasePaper.id)
        )
    )


def needs_minute(application: Application) -> bool:
    """Whether the minute of the board must be attached before the decision."""
    return bool(rule(application.tier).get("minute"))


def needs_second_check(application: Application) -> bool:
    """Whether a second reviewer must have checked the papers."""
    category = catalogue.entries("category").get(application.org.category, {})
    return bool(category.get("second_check"))


def missing(
    application: Application, voices: list[Recommendation], *, pairs_open: bool | None = None
) -> list[str]:
    """Return what is still missing before a decision, in words; whether pairs are open may be known already."""
    wanted = rule(application.tier)
    found: list[str] = []
    if (left := wanted["recommendations"] - len(voices)) > 0:
        found.append(ngettext("%(num)s more recommendation", "%(num)s more recommendations", left))
    roles = {voice.role for voice in voices}
    found += [
        _("a voice of %(role)s", role=labels.label(StaffRole(role)))
        for role in wanted.get("roles", [])
        if role not in roles
    ]
    if wanted.get("one_of") and not roles & set(wanted["one_of"]):
        names_of = [labels.label(StaffRole(role)) for role in wanted["one_of"]]
        found.append(_("a voice of %(role)s", role=_(" or ").join(names_of)))
    if pairs_open is None:
        pairs_open = any(pair.answer is None for pair in names.open_pairs(application.org))
    if pairs_open:
        found.append(_("an answer on every similar organisation"))
    if needs_second_check(application) and application.papers_checked_at is None:
        found.append(_("a second reviewer's check of the papers"))
    if needs_minute(application) and not any(paper.kind == MINUTE for paper in papers_of(application)):
        found.append(_("the minute of the board"))
    return found


def attach_minute(application: Application, content: files.Content, name: str, *, by: Person) -> CasePaper:
    """Attach the minute of the board to a case in review."""
    if application.state is not ApplicationState.IN_REVIEW:
        raise Refused(_l("This application is not in review now."))
    stored = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="case"
    )
    row = CasePaper(application=application, file=stored, kind=MINUTE, by_name=by.name)
    db.session.add_all([stored, row])
    db.session.flush()
    audit.record("application.minute_attached", application, by=by, org_id=application.org_id, file=name)
    return row


def check_papers(application: Application, *, by: Person) -> None:
    """Say, as a second reviewer, that the papers prove what was said."""
    if application.state is not ApplicationState.IN_REVIEW or not needs_second_check(application):
        raise Refused(_l("No second check of the papers is needed here."))
    if application.papers_checked_at is not None:
        raise Refused(_l("The papers were checked a second time already."))
    eyes.refuse("paper_checker", by, application)
    application.papers_checked_at, application.papers_checked_by = clock.now(), by
    audit.record("application.papers_checked", application, by=by, org_id=application.org_id)
