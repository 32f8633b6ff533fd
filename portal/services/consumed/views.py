"""The customer's page of what is consumed."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_babel import lazy_gettext as _l

from portal.accounts import frame
from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import clock, nav
from portal.core.nav import Entry
from portal.members import terms
from portal.services.consumed import counting

consumed = Blueprint("consumed", __name__, url_prefix="/consumed")
SOURCES = {"term": _l("with the membership"), "invoice": _l("bought"), "early": _l("promised beforehand")}


@consumed.get("/")
@allow(May.SEE_ORG)
def listed() -> str:
    """Show every counted right of the organisation: granted, held, used, left, and until when."""
    org = required_org(me(), May.SEE_ORG)
    membership = terms.membership_of(org)
    rows = counting.of(membership, clock.today()) if membership is not None else []
    return render_template(
        "consumed/list.html", org=org, rows=rows, source={one.grant.id: SOURCES[counting.source(one.grant)] for one in rows},
        may_claim=me().may(May.CLAIM_BENEFITS, org.id), today=clock.today(),
    )  # fmt: skip


def install() -> None:
    """Stand on the rail."""
    nav.add(Entry("member", 26, "consumed.listed", _l("What is consumed"), "pie-chart", frame.acts))
