"""The customer's page of who may ask at the organisation's level."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.services.support import access, coverage
from portal.services.support import forms as f
from portal.services.support import people as verbs
from portal.services.support.doors import support

PAGE = "support.people"


def _page(org: Organisation, form: f.AddPerson, status: int = 200) -> Any:
    g.nav = "support.listed"
    found = coverage.cover(org)
    form.offer(verbs.candidates(org))
    return render_template(
        "support/people.html", org=org, cover=found, rows=coverage.listed(org), form=form,
        most=coverage.most_people(found.level) if found else 0, level=coverage.name_of(found.level) if found else "",
    ), status  # fmt: skip


@support.get("/people")
@allow(May.FOLLOW_TICKETS)
def people() -> Any:
    """Show who may ask."""
    return _page(required_org(me(), May.FOLLOW_TICKETS), f.AddPerson(formdata=None))


@support.post("/people")
@allow(May.FOLLOW_TICKETS)
def add_person() -> Any:
    """Put somebody on the list."""
    org, form = required_org(me(), May.FOLLOW_TICKETS), f.AddPerson()
    known = form.offer(verbs.candidates(org))
    if form.validate_on_submit():
        try:
            with transaction():
                verbs.add(org, known[form.person.data], by=me().person)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("%(who)s may ask from now on.", who=known[form.person.data].name))
    return _page(org, form, 422)


@support.post("/people/<uid>/end")
@allow(May.FOLLOW_TICKETS)
def remove_person(uid: str) -> BaseResponse:
    """Take somebody off the list."""
    org = required_org(me(), May.FOLLOW_TICKETS)
    with transaction():
        verbs.remove(org, uid, by=me().person)
    return go(PAGE, _("Taken off the list. Tickets that are open keep their level."))


@support.post("/<uid>/asker")
@allow(May.FOLLOW_TICKETS)
def add_asker(uid: str) -> BaseResponse:
    """Put who asked in a ticket on the list, with one click: the ticket goes on at the organisation's level."""
    row = access.own_ticket(uid)
    if row.org is None or row.org_id not in me().orgs(May.FOLLOW_TICKETS):
        raise Missing(_("There is no such ticket."))
    with transaction():
        verbs.add(row.org, row.asker, by=me().person)
    return go("support.ticket", _("%(who)s may ask from now on.", who=row.asker.name), uid=uid)
