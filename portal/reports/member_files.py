"""The figures of members as CSV and XLSX: each table of the pages, and the rows behind each number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, export, sheets
from portal.core.errors import Missing
from portal.core.money import Money
from portal.core.paging import asked
from portal.members import wall
from portal.reports import ahead, rows, tables
from portal.reports import holders as who
from portal.reports.office import Asked, figures, lines_asked, question
from portal.reports.retention import Retention

Cells = tuple[list[str], list[list[Any]]]


def _answer(form: str, name: str, title: str, made: Cells, filters: dict[str, str]) -> Response:
    if form not in ("csv", "xlsx"):
        raise Missing(_("There is no such file."))
    audit.trace("list.exported", f"list:{name}", by=me().person, list=name, filters=filters)
    heads, lines = made
    if form == "xlsx":
        response = Response(sheets.xlsx(title, heads, lines), mimetype=sheets.MEDIA_TYPE)
    else:
        response = Response(export.lines_of(heads, lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename={name}.{form}"
    return response


def _asked(said: Asked) -> dict[str, str]:
    return {"from": f"{said.first:%Y-%m}", "to": f"{said.last:%Y-%m}", "known": str(said.known or "")}


def _table(table: tables.Table) -> Cells:
    return [_("Tier"), *(head for _code, head in table.heads)], [
        [name, *cells] for _code, name, cells in table.rows
    ]


def _kept(found: Retention) -> Cells:
    heads = [_("Figure"), _("Share"), _("Part"), _("Out of"), _("Meaning")]
    return heads, [
        [one.name, one.ratio, one.part, one.whole, one.words] for one in tables.kept_figures(found)
    ]


def _cohorts(found: Retention) -> Cells:
    grid = tables.cohort_grid(found)
    heads = [_("Cohort"), _("Members"), *(day.isoformat() for day in grid.days)]
    return heads, [
        [row.name, row.size, *(cell[1] if cell else None for cell in row.cells)] for row in grid.rows
    ]


TABLES: dict[str, Callable[[Retention], Cells]] = {
    "bridge": lambda found: _table(tables.bridge(found)),
    "churn": lambda found: _table(tables.churned(found)),
    "retention": _kept,
    "cohorts": _cohorts,
}


@figures.get("/<what>/<form>/file")
@allow(May.READ_FIGURES)
def file(what: str, form: str) -> Response:
    """Hand out one table of the figures."""
    if what not in TABLES:
        raise Missing(_("There is no such file."))
    said = question()
    name = f"members-{what}-{said.first:%Y-%m}-{said.last:%Y-%m}"
    return _answer(form, name, _("Figures of members"), TABLES[what](said.look()), _asked(said))


@figures.get("/rows/<form>/file")
@allow(May.READ_FIGURES)
def rows_file(form: str) -> Response:
    """Hand out the rows behind one number."""
    said, figure = question(), asked("figure", most=20)
    found = lines_asked(said, figure)
    named = who.named(one.holder for one in found)
    heads = [
        _("Organisation"),
        _("Tier"),
        _("The other tier"),
        _("Day"),
        _("Dues a year"),
        _("At the closing"),
    ]
    cells: list[list[Any]] = [
        [
            named[one.holder].name, wall.tier_name(one.tier), wall.tier_name(one.other) if one.other else None, one.day,
            _money(one.value), _money(one.closed),
        ]
        for one in found
    ]  # fmt: skip
    name = f"members-{figure.replace('_', '-')}-{said.first:%Y-%m}-{said.last:%Y-%m}"
    return _answer(form, name, str(rows.NAMES[figure]), (heads, cells), _asked(said) | {"figure": figure})


def _money(value: int | None) -> Money | None:
    return None if value is None else Money(value)


@figures.get("/next/<form>/file")
@allow(May.READ_FIGURES)
def ahead_file(form: str) -> Response:
    """Hand out the terms that end within ninety days."""
    found = ahead.look()
    steps: Sequence[tuple[str, Any]] = [(step_name(one), row) for one in found.steps for row in one.rows]
    named = who.named(row.holder for _step, row in steps)
    heads = [_("Organisation"), _("Tier"), _("Ends on"), _("Step"), _("Dues a year")]
    cells = [
        [named[row.holder].name, wall.tier_name(row.tier), row.day, step, Money(row.value)]
        for step, row in steps
    ]
    return _answer(
        form, f"members-next-{found.today}", _("Next %(days)s days", days=found.days), (heads, cells), {}
    )


def step_name(step: ahead.Step) -> str:
    """Return what a step is called."""
    return _("Resigned") if step.days is None else _("T−%(days)s", days=step.days)
