"""What leads and managers do with an engagement: team and wall, start, pause and resume, health, the end."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.accounts import grants
from portal.accounts.access import roles_of
from portal.accounts.groups import group_of
from portal.accounts.may import ContactRole, May
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.billing import issuing
from portal.core import audit, catalogue, clock, workdays
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.services.contracts import verbs as contracts
from portal.services.engagements import times
from portal.services.engagements.events import EngagementStarted
from portal.services.engagements.models import DONE, Engagement, EngagementState, Health, Side, TeamMember
from portal.services.engagements.opening import locked

E = EngagementState


def team(row: Engagement) -> list[TeamMember]:
    """Return who is named for an engagement now, walled people included."""
    rows = select(TeamMember).where(TeamMember.engagement_id == row.id, TeamMember.ended_at.is_(None))
    return list(db.session.scalars(rows.order_by(TeamMember.id)))


def inside(row: Engagement, person: Person) -> bool:
    """Whether a person of ours works on an engagement and sees its files: the lead, and whoever no wall keeps out."""
    return any(one.person_id == person.id and one.inside for one in team(row))


def wall_of(row: Engagement, person: Person) -> str:
    """Return the rival for whom a person works or lately worked; empty if there is none.

    Rivals are organisations of a kind that the catalogue calls so, outside the customer's group, in the last months.
    """
    kinds = catalogue.entries("category")
    if not kinds.get(row.org.category, {}).get("rivals"):
        return ""
    since = clock.now() - timedelta(days=30 * int(catalogue.policy("service.wall_months")))
    held = (
        select(Organisation.legal_name)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(
            Contact.person_id == person.id, Organisation.id.not_in(group_of(row.org)),
            Organisation.category.in_([code for code, body in kinds.items() if body.get("rivals")]),
            or_(Contact.ended_at.is_(None), Contact.ended_at > since),
        )
        .order_by(Organisation.id)
    )  # fmt: skip
    return db.session.scalars(held.limit(1)).first() or ""


def name_lead(engagement: Engagement, person: Person, *, by: Person) -> None:
    """Name who leads an engagement; the lead belongs to the team."""
    row = locked(engagement.id)
    _refuse_over(row)
    add(row, person, by=by)
    before = row.lead.name if row.lead is not None else ""
    row.lead = person
    audit.record("engagement.lead", row, by=by, org_id=row.org_id, person={"old": before, "new": person.name})


def add(engagement: Engagement, person: Person, *, by: Person) -> TeamMember:
    """Put somebody on the team; whoever worked for a rival is walled off until both sides consent."""
    row = locked(engagement.id)
    _refuse_over(row)
    there = next((one for one in team(row) if one.person_id == person.id), None)
    if there is not None:
        return there
    made = TeamMember(engagement=row, person=person, wall=wall_of(row, person)[:200], by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("engagement.member_added", row, by=by, org_id=row.org_id, person=person.name, wall=made.wall)
    return made


def remove(member: TeamMember, *, by: Person) -> None:
    """Take somebody off the team: no file of it opens any more."""
    row = locked(member.engagement_id)
    if row.lead_id == member.person_id and row.state in (E.RUNNING, E.PAUSED):
        raise Refused(_l("Name another lead first."))
    member.ended_at = clock.now()
    audit.record("engagement.member_left", row, by=by, org_id=row.org_id, person=member.person.name)


def consent(member: TeamMember, side: Side, *, by: Person) -> None:
    """Let a walled person in, as one of the two sides; both are needed, and never by that person."""
    row = locked(member.engagement_id)
    db.session.refresh(member)
    if not member.wall or member.ended_at is not None:
        raise Refused(_l("No wall keeps this person out."))
    if member.person_id == by.id:
        raise Forbidden(_l("Nobody lets himself in."))
    if side is Side.OURS:
        member.ours_by = by
    else:
        member.theirs_by = by
    audit.record("engagement.wall_consent", row, by=by, org_id=row.org_id, person=member.person.name, side=side)  # fmt: skip


def name_acceptors(engagement: Engagement, acceptor: Person, deputy: Person | None, *, by: Person) -> None:
    """Name, as the customer, who accepts the work and who does so instead; both act for the organisation."""
    row = locked(engagement.id)
    _refuse_over(row)
    people = {
        one.person_id
        for one in db.session.scalars(
            select(Contact).where(Contact.org_id == row.org_id, Contact.ended_at.is_(None))
        )
    }
    if acceptor.id not in people or (deputy is not None and deputy.id not in people):
        raise Refused(_l("Please choose people who act for your organisation."), field="acceptor", status=422)
    if deputy is not None and deputy.id == acceptor.id:
        raise Refused(_l("The deputy is somebody else."), field="deputy", status=422)
    row.acceptor, row.deputy = acceptor, deputy
    audit.record(
        "engagement.acceptors", row, by=by, org_id=row.org_id, person=acceptor.name, deputy=deputy.name if deputy else ""
    )  # fmt: skip


def may_decide(row: Engagement, person: Person) -> bool:
    """Whether a person names acceptors and consents for the customer: an owner or a signatory."""
    held = {role for org, role in roles_of(person.id)[1] if org == row.org_id}
    return bool(held & {ContactRole.OWNER, ContactRole.SIGNATORY})


def missing(row: Engagement) -> list[str]:
    """Return what an engagement waits for before it can start, in words."""
    found = []
    if not contracts.signed(row.quote):
        found.append(_l("the contract is signed by both sides"))
    if not covered(row):
        found.append(_l("the first part is paid, or credit is given"))
    if row.lead is None or not inside(row, row.lead):
        found.append(_l("a lead is named"))
    if row.acceptor is None:
        found.append(_l("the customer names who accepts the work"))
    return [str(one) for one in found]


def covered(row: Engagement) -> bool:
    """Whether the first part of an engagement is covered: on credit, nothing due at once, or its invoice settled."""
    if row.quote.on_credit or row.quote.invoice is None:
        return True
    return issuing.cover(row.quote.invoice) in {"settled", "waived"}


def start(engagement: Engagement, *, by: Person) -> None:
    """Start the work: contract, cover, team and acceptor are there."""
    row = locked(engagement.id)
    if row.state is not E.PLANNED:
        raise Refused(_l("This project has begun already."))
    waits = missing(row)
    if waits:
        raise Refused(_l("It can start once: %(what)s.", what="; ".join(waits)))
    move(row, E.RUNNING)
    row.started_on = clock.today()
    audit.record("engagement.started", row, by=by, org_id=row.org_id, number=row.number)
    publish(EngagementStarted(row))


def pause(engagement: Engagement, *, by: Person, reason: str, side: Side) -> None:
    """Let the work wait, and say for what and on which side."""
    row = locked(engagement.id)
    move(row, E.PAUSED)
    row.paused_on, row.pause_reason, row.pause_side = clock.today(), reason, side
    audit.record("engagement.paused", row, by=by, org_id=row.org_id, reason=reason, side=side)


def resume(engagement: Engagement, *, by: Person) -> int:
    """Go on; planned days move by the working days lost. Return how many."""
    row = locked(engagement.id)
    if row.state is not E.PAUSED or row.paused_on is None:
        raise Refused(_l("This project does not wait."))
    lost = times.working_between(row.paused_on, clock.today())
    for one in row.milestones:
        if one.state not in DONE and one.planned_on is not None:
            one.planned_on = workdays.after(one.planned_on, lost)
    row.paused_on, row.pause_reason, row.pause_side = None, "", None
    move(row, E.RUNNING)
    audit.record("engagement.resumed", row, by=by, org_id=row.org_id, days=lost)
    return lost


def report(engagement: Engagement, health: Health, *, by: Person, words: str) -> None:
    """Say how it goes, in a colour and a sentence; both sides read it."""
    row = locked(engagement.id)
    _refuse_over(row)
    before = row.health
    row.health, row.health_words, row.health_on = health, words, clock.today()
    audit.record(
        "engagement.health", row, by=by, org_id=row.org_id, health={"old": before, "new": health}, words=words
    )  # fmt: skip


def _refuse_over(row: Engagement) -> None:
    if row.state in (E.CLOSED, E.TERMINATED):
        raise Refused(_l("This project is over."))


def leads() -> list[Person]:
    """Return who of ours can lead or join an engagement."""
    return grants.holders(May.DO_WORK)
