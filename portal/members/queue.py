"""The queue of applications: searched, filtered, sorted, with the working days used, and as a file."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import export, labels, web
from portal.core.paging import asked, page_of
from portal.members import grams, tasks, wall
from portal.members.models import Application, ApplicationState
from portal.members.office import cases

S = ApplicationState
WAITING = (S.SUBMITTED, S.IN_REVIEW, S.INFO_REQUESTED)
FILTERS = (S.SUBMITTED, S.IN_REVIEW, S.INFO_REQUESTED, S.APPROVED, S.REJECTED, S.COMPLETED)


def _found() -> Select[Any]:
    """Select the applications that the address asks for, sorted; the oldest first unless asked otherwise."""
    args = request.args
    statement = (
        select(Application)
        .join(Organisation)
        .options(joinedload(Application.case_owner))
        .where(Application.submitted_at.is_not(None))
    )
    state = args.get("state", "")
    if state in {one.value for one in S}:
        statement = statement.where(Application.state == S(state))
    elif state != "all":
        statement = statement.where(Application.state.in_(WAITING))
    if q := asked("q"):
        statement = statement.where(grams.holding(q))
    if args.get("mine"):
        statement = statement.where(Application.case_owner_id == me().person.id)
    if args.get("tier") in wall.tier_order():
        statement = statement.where(Application.tier == args["tier"])
    sort = args.get("sort", "submitted")
    columns = {
        "name": wall.by_name(),
        "tier": wall.ranked(Application.tier),
        "submitted": Application.submitted_at,
    }
    column = columns.get(sort.removeprefix("-"), Application.submitted_at)
    return statement.order_by(column.desc() if sort.startswith("-") else column, Application.id)


def _chips() -> list[dict[str, Any]]:
    state, mine = request.args.get("state", ""), request.args.get("mine")
    tier = request.args.get("tier", "")
    known = [(one.value, labels.label(one)) for one in FILTERS]
    states = [
        {"label": words, "href": web.url_with(state=code or None, page=None), "active": state == code}
        for code, words in [("", _("Waiting")), *known, ("all", _("All"))]
    ]
    states.append(
        {"label": _("Mine"), "href": web.url_with(mine=None if mine else 1, page=None), "active": bool(mine)}
    )
    tiers = [
        {
            "label": wall.tier_name(code),
            "href": web.url_with(tier=None if tier == code else code, page=None),
            "active": tier == code,
        }
        for code in wall.tier_order()
    ]
    return [{"label": _("State"), "options": states}, {"label": _("Tier"), "options": tiers}]


@cases.get("/")
@allow(May.READ_MEMBERS)
def queue() -> str:
    """List the applications: those that wait first, oldest on top."""
    page = page_of(_found())
    return render_template(
        "office/queue.html", page=page, chips=_chips(), tier_name=wall.tier_name,
        used=tasks.days_used(page.items), promise=tasks.promise(),
    )  # fmt: skip


@cases.get("/file")
@allow(May.READ_MEMBERS)
def queue_file() -> Response:
    """Hand out the applications asked for as CSV."""
    heads = (_("Organisation"), _("Tier"), _("Submitted at"), _("Case owner"), _("State"), _("Round"))

    def row(one: Application) -> tuple[Any, ...]:
        owner = one.case_owner.name if one.case_owner else ""
        return (
            one.org.name, wall.tier_name(one.tier), one.submitted_at, owner, labels.label(one.state), one.round,
        )  # fmt: skip

    return export.csv_of("applications", heads, _found(), row, by=me().person)
