"""The two sides of licences' pages, and what every page about one licence shows around its matter."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext as _

from portal.accounts.access import me
from portal.accounts.may import May
from portal.services.licences import life, showing
from portal.services.licences.access import may_manage
from portal.services.licences.kinds import Policy
from portal.services.licences.models.licence import Licence, LicenceState

licences = Blueprint("licences", __name__, url_prefix="/licences")
licence_office = Blueprint("licence_office", __name__, url_prefix="/office/licences")
ACTIVE = (LicenceState.ACTIVE, LicenceState.SUSPENDED)


def tabs(row: Licence, here: str) -> list[dict[str, Any]]:
    """Return the ways from one page about a licence to the others."""
    found = [
        ("licence", _("Nodes")), ("files_page", _("Offline files")), ("keys", _("Licence keys")), ("usage_page", _("Use")), ("number_page", _("Number of nodes")), ("terms", _("Licence terms")),
        ("events", _("Events")), ("transfer_page", _("Hand over")),
    ]  # fmt: skip
    if row.policy is Policy.NODE_NAMED:
        found.insert(3, ("named", _("List of nodes")))
    return [
        {
            "label": words,
            "href": url_for(f"licences.{name}", uid=row.uid),
            "active": name.removesuffix("_page") == here,
        }
        for name, words in found
    ]


def page(template: str, row: Licence, here: str, status: int = 200, **more: Any) -> Any:
    """Show a page about one licence, in the frame of whoever looks."""
    reader = me()
    staff = row.org_id not in reader.orgs(May.SEE_ORG)
    g.nav = "licence_office.listed" if staff else "licences.listed"
    shown, holds = showing.shown(row), life.open_holds(row.id)
    return render_template(
        template, row=row, shown=shown, plan=showing.plan_name(row), advice=showing.advice(shown, holds), tabs=tabs(row, here),
        staff=staff, frame="frames/office.html" if staff else "frames/member.html", may_manage=may_manage(reader, row),
        may_key=row.org_id in reader.orgs(May.MANAGE_LICENCES), active=row.state in ACTIVE, **more,
    ), status  # fmt: skip
