"""The office's page of live figures: how each item fares over all forms, and how well graders agree."""

from __future__ import annotations

from flask import g, render_template
from flask_babel import gettext as _

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.certs import item_tables, levels, live_agreement, live_sittings, sittings
from portal.certs.case_office import exam_cases
from portal.core.errors import Missing


@exam_cases.get("/figures/<exam>")
@allow(May.READ_ITEMS)
def figures(exam: str) -> str:
    """Show an exam's live figures."""
    if not sittings.is_level(exam):
        raise Missing(_("There is no such level."))
    g.nav = "item_figures.listed"
    return render_template(
        "office/grading/figures.html", level=levels.name_of(exam), items=live_sittings.figures(exam),
        graders=live_agreement.found(exam), say=item_tables,
    )  # fmt: skip
