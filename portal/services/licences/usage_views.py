"""How a licence was used: the picture against the limit, the monthly peaks, the table and the file of the same figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, clock, export, labels
from portal.core.errors import Refused
from portal.core.paging import asked
from portal.core.periods import nth
from portal.core.web import chip
from portal.services.licences import access, usage, usage_chart
from portal.services.licences.models.licence import Licence
from portal.services.licences.pages import licences, page
from portal.services.licences.usage import Interval, Step

READS = (May.SEE_ORG, May.READ_LICENCES)
HEADS = (_l("From"), _l("Live at most"), _l("Reporting at most"), _l("Limit"), _l("Refused claims"))


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(asked(name, most=10))
    except ValueError:
        return None


def _asked(row: Licence) -> tuple[datetime, datetime, Interval]:
    """Return the period and steps of the address: the last 30 days, day by day, unless it says otherwise."""
    step = next((one for one in Interval if one.value == asked("interval", most=10)), Interval.DAY)
    back = {Interval.HOUR: 2, Interval.DAY: 29, Interval.MONTH: 364}[step]
    last = min(_day("to") or clock.today(), clock.today())
    first = _day("from") or max(last - timedelta(days=back), clock.day_of(row.created_at))
    return clock.start_of(min(first, last)), clock.start_of(last + timedelta(days=1)), step


@licences.get("/<uid>/usage")
@allow(*READS)
def usage_page(uid: str) -> Any:
    """Show the use of a licence in a period."""
    row, trouble = access.seen(uid), ""
    start, end, step = _asked(row)
    steps: list[Step] = []
    try:
        steps = usage.of(row, start, end, step)
    except Refused as refusal:
        trouble = str(refusal)
    today = clock.today()
    year = clock.start_of(max(nth(today.replace(day=1), 1, -11), clock.day_of(row.created_at)))
    months = usage.of(row, year, clock.now(), Interval.MONTH)
    return page(
        "licences/usage.html", row, "usage", steps=steps, chart=usage_chart.drawn(steps, step), months=months, trouble=trouble,
        start=clock.day_of(start), last=clock.day_of(end) - timedelta(days=1), today=today, interval=step,
        filters=[chip("interval", one.value, labels.label(one), step.value) for one in Interval],
        spoken=lambda at: usage_chart.spoken(at, step), month=lambda at: usage_chart.spoken(at, Interval.MONTH), title=_title(steps),
    )  # fmt: skip


def _title(steps: list[Step]) -> str:
    """Return the question that the picture answers, answered."""
    if not steps:
        return _("Nothing to show yet")
    most = max(one.live for one in steps)
    refused = sum(one.refused for one in steps)
    if refused:
        return _(
            "At most %(most)s nodes were live; %(refused)s claims were refused.", most=most, refused=refused
        )
    return _("At most %(most)s nodes were live; no claim was refused.", most=most)


@licences.get("/<uid>/usage/file")
@allow(*READS)
def usage_csv(uid: str) -> Response:
    """Hand out the figures as CSV."""
    row = access.seen(uid)
    steps = usage.of(row, *_asked(row))
    audit.trace(
        "list.exported",
        "list:licence-usage",
        by=me().person,
        list="licence-usage",
        filters=dict(request.args),
    )
    lines = export.lines_of(
        HEADS, ((one.start, one.live, one.reporting, one.limit, one.refused) for one in steps)
    )
    made = Response("".join(lines), content_type="text/csv; charset=utf-8")
    made.headers["Content-Disposition"] = (
        f'attachment; filename="licence-usage-{clock.today().isoformat()}.csv"'
    )
    return made
