"""Reports as files: CSV, XLSX, PDF and JSON of exactly what a page shows; equal questions give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _

from portal.core import export, pdf, sheets
from portal.core.sheets import Address, Sheet
from portal.reports.income import behind, hashes, links, marks, papers, shown
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Line, Report, Row, Table
from portal.reports.income.papers import plain
from portal.reports.income.reader import sees_payers

FORMULAS = 1
MOST_LINKS = 60_000  # a sheet of Excel holds 65,530
TYPES = {
    "csv": "text/csv",
    "xlsx": sheets.MEDIA_TYPE,
    "pdf": pdf.MEDIA_TYPE,
    "json": "application/json",
}


def name(said: Question, key: str, form: str) -> str:
    """Return what a file is called."""
    return f"{key}-{said.start:%Y-%m}-{said.last:%Y-%m}.{form}"


def facts(said: Question, report: Report, *, by: str = "") -> list[tuple[str, str]]:
    """Return what a report is read on, in words: for the sheet of notes and the head of a paper."""
    closed = hashes.of(said)
    return [
        (_("Name of the report"), report.title),
        (_("Basis"), report.basis),
        (_("From"), said.start.isoformat()),
        (_("Through"), said.last_day.isoformat()),
        (_("As known on"), said.known.isoformat()),
        *shown.question(said),
        (_("List of streams"), said.lists.version),
        (_("Formulas"), str(FORMULAS)),
        (_("Snapshot"), closed or _("not closed")),
        (_("Currency"), "CNY"),
        *([(_("Made for"), by)] if by else []),
    ]


def cells(table: Table) -> tuple[list[str], list[list[Any]]]:
    """Return heads and rows of a table."""
    noted = any(line.note for line in table.lines)
    heads = [table.first, *([_("Note")] if noted else []), *(head.words for head in table.heads)]
    rows = [
        [plain(line.label), *([line.note] if noted else []), *(plain(value) for value in line.cells)]
        for line in table.lines
    ]
    return heads, rows


def csv(table: Table, *, bom: bool) -> str:
    """Return one table as CSV."""
    return "".join(export.lines_of(*cells(table), bom=bom))


def rows_cells(said: Question, found: Sequence[Row]) -> tuple[list[str], list[list[Any]]]:
    """Return heads and cells of rows behind figures; without payers for whoever may not see them."""
    open_to_payers = sees_payers()
    heads = [_("Day"), _("Month of service"), _("Stream")]
    heads += [_("Payer"), _("Document or entry"), _("Contract line"), _("Mark")] if open_to_payers else []
    made, linked = [], len(found) <= MOST_LINKS
    for one in shown.rows(found, said.lists):
        month = f"{one.row.month:%Y-%m}" if one.row.month else None
        more: list[Any] = []
        if open_to_payers:
            line = (
                Address(one.line, links.full(one.line_href)) if one.line_href and linked else one.line or None
            )
            more = [
                one.payer.name if one.payer else None,
                one.document,
                line,
                marks.said(one.restricted) if one.row.line else None,
            ]
        made.append([one.row.day, month, one.stream, *more, one.money])
    return [*heads, _("CNY")], made


def rows_csv(said: Question, found: Sequence[Row], *, bom: bool) -> str:
    """Return the rows behind a figure as CSV."""
    heads, made = rows_cells(said, found)
    words = ([value.words if isinstance(value, Address) else value for value in row] for row in made)
    return "".join(export.lines_of(heads, words, bom=bom))


def rows_xlsx(said: Question, report: Report, found: Sequence[Row], *, by: str) -> bytes:
    """Return the rows behind a figure as a spreadsheet with its notes."""
    heads, made = rows_cells(said, found)
    return sheets.book([Sheet(_("Detail"), heads, made), _notes(said, report, by)])


def _notes(said: Question, report: Report, by: str) -> Sheet:
    return Sheet(_("Notes"), [_("What"), _("Value")], [list(pair) for pair in facts(said, report, by=by)])


def xlsx(said: Question, report: Report, *, by: str) -> bytes:
    """Return a page as a spreadsheet: a sheet a table, the rows behind its totals, and notes on what it is read on."""
    parts = [Sheet(table.title, *cells(table)) for table in report.tables]
    return sheets.book([*parts, _detail(said, report), _notes(said, report, by)])


def _detail(said: Question, report: Report) -> Sheet:
    heads: list[str] = []
    lines: list[list[Any]] = []
    for figure in report.detail:
        kind, found = behind.kind_of(figure.code), behind.rows_of(said, figure)
        heads, made = rows_cells(said, found if sees_payers() else behind.added_up(found))
        label = Address(str(kind.name), links.full(links.rows(said, figure)))
        lines += [[label, *row] for row in made]
    return Sheet(_("Detail"), [_("Figure"), *heads], lines)


def body(said: Question, report: Report) -> dict[str, Any]:
    """Return a page as JSON says it: whole fen, ISO days, codes of figures; names only where a page shows them."""
    return {
        "report": report.key,
        "basis": report.basis,
        "period": [said.start.isoformat(), said.end.isoformat()],
        "as_known": said.known.isoformat(),
        "filters": {key: value for key, value in said.args().items() if key in ("stream", "group", "payer", "alone")},
        "streams": said.lists.version,
        "formulas": FORMULAS,
        "snapshot": hashes.of(said),
        "currency": "CNY",
        "tables": [
            {"table": table.key, "heads": [table.first, *(head.words for head in table.heads)],
             "rows": [_line(line) for line in table.lines]}
            for table in report.tables
        ],
    }  # fmt: skip


def _line(line: Line) -> dict[str, Any]:
    return {
        "label": plain(line.label),
        "note": line.note,
        "total": line.total,
        "cells": [_plainest(cell) for cell in line.cells],
    }


def _plainest(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.amount
    if isinstance(value, date):
        return value.isoformat()
    return str(plain(value)) if value is not None else None


def told(said: Question, report: Report) -> str:
    """Return a page as JSON text: sorted keys, so that equal questions give equal bytes."""
    return json.dumps(body(said, report), ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def written(said: Question, report: Report, *, by: str) -> str:
    """Return what a page's paper is laid out from."""
    return papers.written(said, report, facts(said, report, by=by))


def of(
    said: Question, report: Report, form: str, *, table: str = "", bom: bool = True, by: str = ""
) -> bytes | str:
    """Return a page in a form."""
    if form == "csv":
        return csv(_chosen(report.tables, table), bom=bom)
    if form == "xlsx":
        return xlsx(said, report, by=by)
    return papers.laid_out(written(said, report, by=by)) if form == "pdf" else told(said, report)


def _chosen(tables: Iterable[Table], key: str) -> Table:
    for one in tables:
        if key in ("", one.key):
            return one
    return Table("none", "", _("Nothing in this period."), [])
