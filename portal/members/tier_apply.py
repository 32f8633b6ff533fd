"""Asking for another tier: an application of its own kind, whose form asks only what changes, with the preview beside it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, words
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import form, terms, tier_letters, tier_plan, tier_quotes
from portal.members.belonging import Membership
from portal.members.events import ApplicationApproved
from portal.members.models import LIVE, Application, ApplicationState, Kind
from portal.members.standing import Answer, Right
from portal.members.tier_models import TierQuote, TierQuoteState

S = ApplicationState
CONCERNED = (ContactRole.OWNER, ContactRole.REPRESENTATIVE)


def under_way(org: Organisation) -> Application | None:
    """Return the live application of an organisation for another tier."""
    return db.session.scalars(
        select(Application).where(
            Application.org_id == org.id, Application.kind == Kind.TIER_CHANGE, Application.state.in_(LIVE)
        )
    ).first()


def ask(org: Organisation, tier: str, *, by: Person, language: str) -> Application:
    """Ask for another tier for one's organisation; a draft of the same is found again, at the tier chosen now."""
    return _begin(org, tier, by=by, applicant=by, language=language)


def propose(membership: Membership, tier: str, *, by: Person) -> Application:
    """Draft a change of tier on behalf of a member, as staff; its owner is told, and sends it or not."""
    people = contacts.holders(membership.org, *CONCERNED)
    if not people:
        raise Refused(_l("Nobody of this member could send the request: appoint an owner first."))
    row = _begin(membership.org, tier, by=by, applicant=people[0], language=people[0].language)
    tier_letters.proposed(row, by)
    return row


def _begin(org: Organisation, tier: str, *, by: Person, applicant: Person, language: str) -> Application:
    membership = terms.membership_of(org)
    if membership is None or terms.may(membership, Right.APPLY) is not Answer.YES:
        raise Refused(_l("The tier can be changed while the membership is in force."))
    if tier not in tier_plan.open_to(membership):
        raise Refused(_l("Please choose another tier than the present one."), field="tier", status=422)
    live = under_way(org)
    if live is not None and live.state is not S.DRAFT:
        raise Refused(_l("A change of tier is under way already."))
    _refuse_too_early(org)
    found = tier_plan.plan(membership, tier)
    if live is None:
        live = _draft(membership, tier, found.term.tier, applicant=applicant, language=language)
        audit.record("application.started", live, by=by, org_id=org.id, tier=tier)
    live.tier = tier
    live.answers = {**live.answers, "tier": tier, form.FROM: found.term.tier, "category": org.category}
    tier_quotes.write(live, found, by=by)
    return live


def _draft(membership: Membership, tier: str, old: str, *, applicant: Person, language: str) -> Application:
    holder = form.PERSON if membership.org.person_id is not None else form.ORGANISATION
    row = Application(
        kind=Kind.TIER_CHANGE, org=membership.org, applicant=applicant, language=language, tier=tier,
        form_version=catalogue.version_of("form", "tier"), catalogue_day=clock.today(),
        answers={"holder": holder, form.FROM: old},
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def _refuse_too_early(org: Organisation) -> None:
    last = db.session.scalars(
        select(Application)
        .where(
            Application.org_id == org.id,
            Application.kind == Kind.TIER_CHANGE,
            Application.state == S.REJECTED,
        )
        .order_by(Application.id.desc())
    ).first()
    again = last.apply_again_from if last is not None else None
    if last is not None and again is None:
        raise Refused(_l("After the last decision another tier cannot be asked for."))
    if again is not None and again > clock.today():
        raise Refused(_l("You can ask for another tier again from %(day)s.", day=words.day(again)))


def on_approved(event: ApplicationApproved) -> None:
    """Offer the figures of today for confirmation; where none can be computed now, the member asks later."""
    row = event.application
    if row.kind is not Kind.TIER_CHANGE:
        return
    try:
        quote: TierQuote | None = tier_quotes.renewed(row, by="approval")
    except Refused:
        quote = None
    tier_letters.offered(row, quote)


def again(application: Application, *, by: Person) -> TierQuote:
    """Write the preview anew with the figures of today: the old one is outdated, expired or was never made."""
    if application.kind is not Kind.TIER_CHANGE or application.state is not S.APPROVED:
        raise Refused(_l("Only an approved change of tier has figures to confirm."))
    last = tier_quotes.last_quote(application)
    if last is not None and last.state is TierQuoteState.CONFIRMED:
        raise Refused(_l("This preview is closed already: it was confirmed, or a newer one took its place."))
    found = tier_plan.plan(tier_quotes.member_of(application), application.tier)
    return tier_quotes.offer(tier_quotes.write(application, found, by=by))
