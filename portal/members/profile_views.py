"""What a member sees and keeps of itself: its benefits, and its profile."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core import catalogue
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.web import go
from portal.members import form, papers, terms
from portal.members.access import own_membership
from portal.members.belonging import Membership
from portal.members.forms import Profile
from portal.members.home import member
from portal.members.profile import change_seen
from portal.members.standing import Answer, Right

NOT_FOR_PEOPLE = ("display_name_zh", "display_name_en")


@member.get("/benefits")
@allow(May.SEE_ORG)
def benefits() -> str:
    """Show what the membership gives, until when, and what the tier above would give."""
    org = required_org(me(), May.SEE_ORG)
    row = own_membership(org.id)
    known = catalogue.entries("benefit")
    grants = [
        {"name": catalogue.in_words(known[one.benefit]["name"]), "quantity": one.quantity, "end": one.end}
        for one in (papers.granted(row) if row else [])
        if one.benefit in known
    ]
    above, more = _above(row)
    return render_template(
        "member/benefits.html", org=org, membership=row, grants=grants, above=above, more=more
    )


def _above(row: Membership | None) -> tuple[str, list[tuple[str, Any, Any]]]:
    """Return the name of the next tier up, and each benefit it gives more of: name, here, there."""
    tiers = catalogue.entries("tier")
    if row is None or row.tier not in tiers:
        return "", []
    kind = tiers[row.tier].get("holder", form.ORGANISATION)
    same = [code for code, body in tiers.items() if body.get("holder", form.ORGANISATION) == kind]
    at = same.index(row.tier)
    if at == 0:
        return "", []
    found = []
    for body in catalogue.entries("benefit").values():
        given = body.get("tiers", {})
        here, there = _given(given, row.tier), _given(given, same[at - 1])
        if there and here is not True and (there is True or not here or there > here):
            found.append((catalogue.in_words(body["name"]), here, there))
    return catalogue.in_words(tiers[same[at - 1]]["name"]), found


def _given(table: dict[str, int | None], tier: str) -> int | bool | None:
    return (table[tier] or True) if tier in table else None


def may_edit(reader: Reader, org: Organisation) -> bool:
    """Whether the reader may change the profile: by his role, and by the standing of the membership."""
    row = terms.membership_of(org)
    right = terms.may(row, Right.EDIT_PROFILE) if row is not None else Answer.YES
    return reader.may(May.EDIT_PROFILE, org.id) and right is Answer.YES


def _filled(org: Organisation, given: Profile) -> Profile:
    """Leave out what does not fit a person."""
    if org.person_id is not None:
        for name in NOT_FOR_PEOPLE:
            delattr(given, name)
    return given


@member.route("/profile", methods=["GET", "POST"])
@allow(May.SEE_ORG)
def profile() -> Any:
    """Show the organisation's entry, and change what is its own to change."""
    reader = me()
    org = required_org(reader, May.SEE_ORG)
    given = _filled(org, Profile(obj=org) if request.method == "GET" else Profile())
    status = 200
    if request.method == "POST":
        if not may_edit(reader, org):
            raise Refused(
                _("Your role, or the standing of the membership, does not allow changes here."), status=403
            )
        try:
            if given.validate_on_submit():
                with transaction():
                    change_seen(org, given.data, seen=given.version.data or "", by=reader.person)
                return go("member.profile", _("Saved."))
            status = 422
        except Refused as refusal:
            given.refused(refusal)
            given.version.data = str(org.version)
            status = refusal.status
    return render_template(
        "member/profile.html", org=org, form=given, may_edit=may_edit(reader, org), stale=status == 409
    ), status
