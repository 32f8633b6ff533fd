"""The demo's memberships beyond joining: one that leaves with its term, and a proposal that waits for the director."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db, transaction
from portal.members import deeds, leaving, terms
from portal.members.deed_models import DeedVerb
from portal.members.deed_steps import Given

LEAVES, FOUNDED = "whitestone", "spruce-software"


def _org(site: str) -> Organisation:
    page = f"https://www.{site}.example"
    return db.session.scalars(select(Organisation).where(Organisation.homepage == page)).one()


def fill(who: Callable[[str], Person], today: date) -> None:
    """Let a member resign with its term, and a reviewer propose a founding badge."""
    with clock.stopped_at(today), transaction():
        row = terms.membership_of(_org(LEAVES))
        if row is not None:
            leaving.resign(row, by=who(LEAVES), reason="预算调整，明年再议。")
    with clock.stopped_at(today), transaction():
        org = _org(FOUNDED)
        given = Given(org, {"founding": True}, "自筹备期起参与标准起草，理事会建议授予创始会员标识。")
        deeds.propose(given, DeedVerb.SET_FOUNDING, by=who("rui"), version=deeds.version_of(org))
