"""The member's page to resign, and to take it back while the day has not come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, DateField, HiddenField
from wtforms.validators import Optional

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import clock
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import REQUIRED, Form
from portal.core.web import go
from portal.members import deeds, endings, leaving
from portal.members.access import own_membership
from portal.members.belonging import Membership
from portal.members.forms import area
from portal.members.home import member
from portal.members.standing import EndingCause

DAY = timedelta(days=1)


class Resign(Form):
    """A resignation: the last day, why, and that it is meant."""

    last = DateField(_l("Last day of the membership"), validators=[Optional()])
    reason = area(_l("Why do you leave?"), longest=300, required=False, rows=3)
    sure = BooleanField(_l("I may speak for the organisation, and it leaves."), validators=[REQUIRED])
    version = HiddenField()


def _own(what: May) -> Membership:
    row = own_membership(required_org(me(), what).id)
    if row is None:
        raise Missing(_("Your organisation is no member."))
    return row


def _page(row: Membership, form: Resign, status: int = 200) -> Any:
    said = endings.standing_endings(row, EndingCause.RESIGNED)
    why_not = leaving.why_not_resign(row)
    return render_template(
        "member/resignation.html", membership=row, form=form, why_not=why_not, end=_end(row),
        said=said[0] if said and leaving.resigned(row) else None,
        may_undo=leaving.why_not_undo(row, staff=False) is None, today=clock.today(),
        may_sign=me().may(May.SIGN, row.org_id),
    ), status  # fmt: skip


def _end(row: Membership) -> Any:
    return leaving.last_day_of_membership(row) if endings.terms_of(row) else None


@member.get("/membership/resignation")
@allow(May.SEE_ORG)
def resignation() -> Any:
    """Show what a resignation means, or the one that is on record."""
    row = _own(May.SEE_ORG)
    form, end = Resign(formdata=None), _end(row)
    form.last.data = (end or clock.today() + DAY) - DAY
    form.version.data = str(deeds.version_of(row.org))
    return _page(row, form)


@member.post("/membership/resignation")
@allow(May.SIGN, fresh=True)
def resign() -> Any:
    """Resign from a day on, by itself the end of the term."""
    row, form = _own(May.SIGN), Resign()
    if not form.validate_on_submit():
        return _page(row, form, 422)
    on, end = (form.last.data + DAY if form.last.data else None), _end(row)
    try:
        with transaction():
            deeds.refuse_moved(deeds.seen_on(form.version.data), row.org)
            leaving.resign(row, by=me().person, on=None if on == end else on, reason=form.reason.data or "")
    except Refused as refusal:
        form.refused(refusal)
        return _page(_own(May.SIGN), form, refusal.status)
    return go("member.resignation", _("The resignation is on record. You can take it back until its day."))


@member.post("/membership/resignation/undoing")
@allow(May.SIGN)
def undo_resignation() -> BaseResponse:
    """Take the resignation back, as if it had never been said."""
    row = _own(May.SIGN)
    with transaction():
        leaving.undo_resignation(row, by=me().person)
    return go("member.membership", _("The resignation is taken back. Your membership goes on."))
