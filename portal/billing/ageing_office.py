"""Receivables by age, as of any day, as a page and as files."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import papers
from portal.billing.account_views import day_asked
from portal.billing.ageing import Debtor, as_of, summed
from portal.core import audit, clock, export, sheets
from portal.core.errors import Missing

ageing = Blueprint("ageing", __name__, url_prefix="/office/money/ageing")
MOST = 200


def _day() -> date:
    return min(day_asked("day", clock.today()), clock.today())


def heads() -> list[str]:
    """Return what the columns are called."""
    return [_("Not due"), _("1–30 days"), _("31–60 days"), _("61–90 days"), _("Over 90 days")]


@ageing.get("/")
@allow(May.READ_MONEY)
def page() -> str:
    """Show who owed what as of a day, by age."""
    day = _day()
    debtors = as_of(day)
    sums, total, credit = summed(debtors)
    return render_template(
        "office/ageing.html", day=day, today=clock.today(), debtors=debtors[:MOST], more=len(debtors) - MOST,
        heads=heads(), sums=sums, total=total, credit=credit, figure=papers.figure,
    )  # fmt: skip


def _rows(debtors: list[Debtor]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for one in debtors:
        for row in one.open:
            cells = [row.owed if at == row.column else None for at in range(5)]
            found.append(
                (one.party.name, row.number, row.due_on, max(row.late, 0), *cells, row.owed, None)
            )  # fmt: skip
        if one.credit:
            found.append((one.party.name, None, None, None, *[None] * 5, None, one.credit))
    return found


@ageing.get("/<form>/file")
@allow(May.READ_MONEY)
def file(form: str) -> Response:
    """Hand out the ageing as CSV or XLSX: one row an invoice, credit on rows of its own."""
    if form not in {"csv", "xlsx"}:
        raise Missing(_("There is no such file."))
    day = _day()
    titles = [_("Payer"), _("Invoice"), _("Due"), _("Days late"), *heads(), _("Sum"), _("Unused credit")]
    rows = _rows(as_of(day))
    audit.trace("list.exported", "list:ageing", by=me().person, list="ageing", filters={"day": day})
    if form == "xlsx":
        response = Response(sheets.xlsx(_("Ageing"), titles, rows), mimetype=sheets.MEDIA_TYPE)
    else:
        response = Response(export.lines_of(titles, rows), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename=ageing-{day.isoformat()}.{form}"
    return response
