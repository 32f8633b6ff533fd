"""Which rows of the members' domain a reader may see."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import me, scoped
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Missing
from portal.members.belonging import Agreement, Grant, Membership
from portal.members.benefit_models import Claim
from portal.members.models import Application


def own_application(uid: str, what: May = May.SEE_ORG) -> Application:
    """Return an application of one of the reader's organisations, where he may do this."""
    row = db.session.scalars(
        select(Application).where(Application.uid == uid, Application.org_id.in_(me().orgs(what)))
    ).first()
    if row is None:
        raise Missing(_l("There is no such application, or it is not yours."))
    return row


def office_application(uid: str) -> Application:
    """Return an application for staff; drafts are the applicant's own."""
    statement = scoped(select(Application), Application.org_id, me(), own=May.SEE_ORG, staff=May.READ_MEMBERS)
    row: Application | None = db.session.scalars(
        statement.where(Application.uid == uid, Application.submitted_at.is_not(None))
    ).first()
    if row is None:
        raise Missing(_l("There is no such application, or it is not yours."))
    return row


def own_agreement(uid: str, what: May = May.SEE_ORG) -> Agreement:
    """Return an agreement of one of the reader's organisations, once it was sent."""
    row = db.session.scalars(
        select(Agreement)
        .join(Application)
        .where(Agreement.uid == uid, Agreement.sent_at.is_not(None), Application.org_id.in_(me().orgs(what)))
    ).first()
    if row is None:
        raise Missing(_l("There is no such agreement, or it is not yours."))
    return row


def own_grant(uid: str, what: May = May.SEE_ORG) -> Grant:
    """Return a benefit granted to one of the reader's organisations, where he may do this."""
    row = db.session.scalars(
        select(Grant)
        .join(Membership, Grant.membership_id == Membership.id)
        .where(Grant.uid == uid, Membership.org_id.in_(me().orgs(what)))
    ).first()
    if row is None:
        raise Missing(_l("There is no such benefit, or it is not yours."))
    return row


def own_claim(uid: str, what: May = May.SEE_ORG) -> Claim:
    """Return a claim of one of the reader's organisations, where he may do this."""
    row = db.session.scalars(
        select(Claim)
        .join(Grant, Claim.grant_id == Grant.id)
        .join(Membership, Grant.membership_id == Membership.id)
        .where(Claim.uid == uid, Membership.org_id.in_(me().orgs(what)))
    ).first()
    if row is None:
        raise Missing(_l("There is no such claim, or it is not yours."))
    return row


def own_membership(org_id: int) -> Membership | None:
    """Return the membership of an organisation the reader acts for."""
    return db.session.scalars(
        select(Membership).where(Membership.org_id == org_id, Membership.org_id.in_(me().orgs(May.SEE_ORG)))
    ).first()
