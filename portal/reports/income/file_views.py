"""Downloads of report pages and of the rows behind figures, each on record."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit
from portal.core.errors import Forbidden, Missing
from portal.core.paging import asked as word_asked
from portal.reports.income import behind, files, pages
from portal.reports.income.asked import Question
from portal.reports.income.blueprint import reports
from portal.reports.income.doors import figure_asked, question
from portal.reports.income.figure import Report
from portal.reports.income.reader import sees_payers


def _answer(said: Question, key: str, form: str, data: bytes | str, **more: str) -> Response:
    filters = {**said.args(), "known": said.known.isoformat(), **more}
    audit.trace(
        "list.exported",
        f"list:report-{key}",
        by=me().person,
        list=f"report-{key}",
        form=form,
        filters=filters,
    )
    response = Response(data, mimetype=files.TYPES[form])
    response.headers["Content-Disposition"] = f"attachment; filename={files.name(said, key, form)}"
    return response


def _bom() -> bool:
    return request.args.get("bom") != "0"


@reports.get("/<key>/<form>/file")
@allow(May.READ_INCOME)
def file(key: str, form: str) -> Response:
    """Hand out a report page as CSV (one table of it), XLSX, PDF or JSON."""
    page = pages.of(key)
    if form not in files.TYPES:
        raise Missing(_("There is no such file."))
    if not me().staff_may(page.may):
        raise Forbidden(_("Payers are shown to finance, the executive and auditors."))
    said, table = question(), word_asked("table", most=40)
    report = page.build(said)
    data = files.of(said, report, form, table=table, bom=_bom(), by=me().person.name)
    return _answer(said, f"{key}-{table}" if table and form == "csv" else key, form, data)


@reports.get("/rows/<form>/file")
@allow(May.READ_INCOME)
def rows_file(form: str) -> Response:
    """Hand out the rows behind a figure as CSV or XLSX."""
    if form not in ("csv", "xlsx"):
        raise Missing(_("There is no such file."))
    said, figure = question(), figure_asked()
    kind, found = behind.kind_of(figure.code), behind.rows_of(said, figure)
    if not sees_payers():
        found = behind.added_up(found)
    if form == "csv":
        data: bytes | str = files.rows_csv(said, found, bom=_bom())
    else:
        data = files.rows_xlsx(
            said,
            Report(kind.code, str(kind.name), str(kind.words), str(kind.name)),
            found,
            by=me().person.name,
        )
    return _answer(said, f"rows-{figure.code}".replace("_", "-"), form, data, **dict(figure.rows))
