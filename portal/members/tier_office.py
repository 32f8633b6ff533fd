"""Changes of tier as staff see them: what one would cost a member, and a proposal on its behalf."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import tier_apply, tier_quotes, tier_seen, wall
from portal.members.access import office_application
from portal.members.belonging import Membership
from portal.members.office import cases
from portal.members.roll import roll


def _member(uid: str) -> Membership:
    row = db.session.scalars(select(Membership).join(Organisation).where(Organisation.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such member."))
    return row


def _page(uid: str, said: str = "", status: int = 200) -> Any:
    row, tier = _member(uid), request.values.get("to", "")
    options = tier_seen.choices(row)
    chosen = tier if tier in {one["code"] for one in options} else ""
    seen, why = tier_seen.computed(row, chosen) if chosen else (None, "")
    return render_template(
        "office/tier.html", membership=row, org=row.org, options=options, names={one["code"]: one["name"] for one in options},
        chosen=chosen, seen=seen, why=said or why,
        live=tier_apply.under_way(row.org), tier_now=wall.tier_name(row.tier), may_propose=me().staff_may(May.REVIEW),
    ), status  # fmt: skip


@roll.get("/<uid>/tier")
@allow(May.READ_MEMBERS)
def tier(uid: str) -> Any:
    """Show what another tier would cost a member and change for it, today."""
    return _page(uid)


@roll.post("/<uid>/tier")
@allow(May.REVIEW)
def propose_tier(uid: str) -> Any:
    """Draft the request on the member's behalf; its owner sends it, or not."""
    row = _member(uid)
    try:
        with transaction():
            tier_apply.propose(row, request.form.get("to", ""), by=me().person)
    except Refused as refusal:
        return _page(uid, str(refusal), refusal.status)
    return go("roll.member", _("Proposed. The owners see the figures and send the request, or not."), uid=uid)


@cases.get("/<uid>/preview.pdf")
@allow(May.READ_MEMBERS)
def tier_pdf(uid: str) -> Response:
    """Hand out the newest preview of a case as PDF."""
    found = tier_quotes.last_quote(office_application(uid))
    if found is None or found.pdf is None:
        raise Missing(_("The PDF is made when the change is approved. Please try again in a minute."))
    return files.send(found.pdf, inline=True)
