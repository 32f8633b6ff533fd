"""The employer's page on which it is confirmed once a year."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.core import clock, files
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.web import go
from portal.jobs import employers
from portal.jobs import forms as f
from portal.jobs.doors import jobs_employer
from portal.members import uploads

LIST = "jobs_employer.listed"


def _page(org: Organisation, form: f.Confirmation, status: int = 200) -> Any:
    g.nav = LIST
    return render_template(
        "jobs/employer/confirmation.html", org=org, form=form, check=employers.last_check(org),
        until=employers.confirmed_until(org), domain=employers.domain_of(org), domains=employers.domains(org),
        today=clock.today(),
    ), status  # fmt: skip


@jobs_employer.get("/confirmation")
@allow(May.RECRUIT)
def confirmation() -> Any:
    """Show how the employer is confirmed, and what to hand in."""
    org = required_org(me(), May.RECRUIT)
    code = (org.legal_key or "").removeprefix("CN:") if org.country == "CN" else ""
    return _page(org, f.Confirmation(formdata=None, code=code))


@jobs_employer.post("/confirmation")
@allow(May.RECRUIT)
def ask() -> Any:
    """Take the registration document, and ask to be confirmed."""
    org, form = required_org(me(), May.RECRUIT), f.Confirmation()
    if not form.validate_on_submit():
        return _page(org, form, 422)
    try:
        if not form.file.data or not form.file.data.filename:
            raise Refused(_("Please attach the registration document."), field="file", status=422)
        taken = uploads.check(form.file.data)
        kept = files.put(taken.data, taken.media_type)
        with transaction():
            employers.ask(org, code=str(form.code.data), file=(kept, taken.name), by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return _page(required_org(me(), May.RECRUIT), form, refusal.status)
    return go(LIST, _("Thank you. We look at it within a day or two and write to you."))
