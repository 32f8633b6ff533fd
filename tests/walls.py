"""A wall for tests: members with a standing, changed by hand as the night's chore would."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.members import names, wall
from portal.members.belonging import Membership
from portal.members.standing import Standing


def add(
    name: str, *, tier: str = "gold", standing: Standing = Standing.ACTIVE, consent: bool = True
) -> Organisation:
    """Add a member of the wall; call inside a transaction."""
    org = Organisation(legal_name=name, display_name_en=name, listing_consent=consent)
    db.session.add(org)
    db.session.flush()
    names.index(org)
    db.session.add(Membership(org=org, standing=standing, tier=tier))
    db.session.flush()
    return org


def stand(standing: Standing, *called: str) -> None:
    """Give members another standing; call inside a transaction."""
    rows = db.session.scalars(
        select(Membership).join(Organisation).where(Organisation.legal_name.in_(called))
    )
    for row in rows:
        row.standing = standing
    db.session.flush()


def named(name: str) -> Organisation:
    """Return an organisation by its name."""
    return db.session.scalars(select(Organisation).where(Organisation.legal_name == name)).one()


def on_wall() -> set[str]:
    """Return the names the wall shows."""
    return {row.org.legal_name for row in db.session.scalars(wall.shown())}
