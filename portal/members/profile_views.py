"""What a member sees and keeps of itself: its profile."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.web import go
from portal.members import terms
from portal.members.forms import Profile
from portal.members.home import member
from portal.members.profile import change_seen
from portal.members.standing import Answer, Right

NOT_FOR_PEOPLE = ("display_name_zh", "display_name_en")


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
