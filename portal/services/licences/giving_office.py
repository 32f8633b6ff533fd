"""What staff propose to give: nodes for some days, and files that run longer than a plan allows; another decides."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core.errors import Refused
from portal.core.web import go
from portal.services import finding
from portal.services.licences import access, giving_forms, granting, plans
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import Verb
from portal.services.licences.pages import licence_office

CASE = "licence_office.case"


def _give(form: giving_forms.Give, status: int = 200) -> Any:
    g.nav = "licence_office.listed"
    return render_template("office/licences/give.html", form=form), status


@licence_office.get("/gifts/new")
@allow(May.RUN_LICENCES)
def give() -> Any:
    """Show the form of a grant, or of a trial beyond the rule."""
    return _give(giving_forms.Give(formdata=None).offer())


@licence_office.post("/gifts/new")
@allow(May.RUN_LICENCES)
def propose_gift() -> Any:
    """Propose to give an organisation nodes; nothing happens before another decides."""
    form, found = giving_forms.Give().offer(), list[str]()

    def propose() -> None:
        there = finding.org_named(str(form.org.data))
        made = granting.propose_nodes(
            there, str(form.plan.data), Verb(form.verb.data), nodes=form.nodes.data or 0, days=form.days.data or 0,
            reason=str(form.reason.data), by=me().person,
        )  # fmt: skip
        found.append(made.licence.uid)

    status = form.carry_out(propose)
    if status:
        return _give(form, status)
    return go(CASE, _("Proposed. Nothing happens before somebody else decides."), uid=found[0])


def _long(row: Licence, form: giving_forms.LongFile, status: int = 200) -> Any:
    g.nav = "licence_office.listed"
    read = plans.read(row.sold)
    return render_template(
        "office/licences/long_file.html", row=row, form=form, plan=read.words, usual=read.offline_days, most=plans.rule("offline_days_most"),
    ), status  # fmt: skip


@licence_office.get("/<uid>/files/longer")
@allow(May.RUN_LICENCES)
def long_file(uid: str) -> Any:
    """Show the form of a file that runs longer than the plan allows."""
    return _long(access.run(uid), giving_forms.LongFile(formdata=None))


@licence_office.post("/<uid>/files/longer")
@allow(May.RUN_LICENCES)
def propose_long_file(uid: str) -> Any:
    """Propose such a file; another decides, and it is signed then."""
    row, form = access.run(uid), giving_forms.LongFile()

    def propose() -> None:
        named = form.named()
        if not named:
            raise Refused(_("Please name at least one machine."), field="fingerprints", status=422)
        granting.propose_file(row, named, form.days.data or 0, reason=str(form.reason.data), by=me().person)

    status = form.carry_out(propose)
    if status:
        return _long(access.run(uid), form, status)
    return go(CASE, _("Proposed. Nothing happens before somebody else decides."), uid=uid)
