"""Lists as files: what is shown, as CSV that spreadsheets open safely, each download on record."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from flask import Response, request, stream_with_context
from sqlalchemy import Select

from portal.core import audit, clock, sheets
from portal.core.db import db
from portal.core.money import Money

DANGEROUS = frozenset("=+-@\t\r\n\0")
TOGETHER = 200
ALL_OF_IT = ("page", "size")


def cell(value: Any) -> str:
    """Return a value as a cell: text that a spreadsheet could take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool | int | Decimal | date | datetime | Money):
        return _figure(value)
    text = str(value)
    bare = unicodedata.normalize("NFKC", text.lstrip(" \u3000\u00a0\ufeff"))[:1]
    return f"'{text}" if text[:1] in DANGEROUS or bare in DANGEROUS else text


def _figure(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(clock.OFFICE).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value.decimal) if isinstance(value, Money) else str(value)


def _lines(heads: Iterable[Any], rows: Iterable[Iterable[Any]], *, bom: bool = True) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(str(head)) for head in heads])
    yield ("\ufeff" if bom else "") + out.getvalue()
    for row in rows:
        out.seek(0)
        out.truncate()
        writer.writerow([cell(value) for value in row])
        yield out.getvalue()


def lines_of(heads: Iterable[Any], rows: Iterable[Iterable[Any]], *, bom: bool = True) -> Iterator[str]:
    """Return CSV for rows that are at hand already (UTF-8, with BOM for spreadsheets), line by line."""
    return _lines(heads, rows, bom=bom)


def csv_of(
    name: str,
    heads: Iterable[Any],
    statement: Select[Any],
    row: Callable[[Any], Iterable[Any]],
    *,
    by: Any,
    rows: bool = False,
) -> Response:
    """Answer with every row of a statement as CSV (UTF-8 with BOM), streamed, once the download is on record.

    `row` gives the cells of one result; `rows` asks for whole result rows instead of first columns. The
    audit entry is a duty: if it cannot be written nothing is handed out.
    """
    _on_record(name, by)
    told = _told(statement, row, rows=rows)
    body = stream_with_context(_lines([str(head) for head in heads], told))
    return _file(body, "text/csv", f"{name}-{clock.today().isoformat()}.csv")


def xlsx_of(
    name: str,
    title: str,
    heads: Sequence[Any],
    statement: Select[Any],
    row: Callable[[Any], Sequence[Any]],
    *,
    by: Any,
    rows: bool = False,
) -> Response:
    """Answer likewise with a spreadsheet: true figures and days, no text taken for a formula, written row by row."""
    _on_record(name, by, form="xlsx")
    told = _told(statement, row, rows=rows)
    body = stream_with_context(sheets.streamed(title, [str(head) for head in heads], told))
    return _file(body, sheets.MEDIA_TYPE, f"{name}-{clock.today().isoformat()}.xlsx")


def text_of(name: str, lines: Iterator[str], *, by: Any, file: str) -> Response:
    """Answer with text that is made line by line, once the download is on record."""
    _on_record(name, by)
    return _file(stream_with_context(lines), "text/plain", file)


def _on_record(name: str, by: Any, **more: str) -> None:
    asked = {key: value for key, value in request.args.items() if key not in ALL_OF_IT}
    audit.trace("list.exported", f"list:{name}", by=by, list=name, filters={**asked, **more})


def _told(
    statement: Select[Any], row: Callable[[Any], Sequence[Any] | Iterable[Any]], *, rows: bool
) -> Iterator[Any]:
    # Asked for here and not before: the session of the view has ended once the first line goes out.
    found = db.session.execute(statement.execution_options(yield_per=TOGETHER))
    yield from (row(one) for one in (found if rows else found.scalars()))


def _file(body: Any, media_type: str, file: str) -> Response:
    response = Response(body, mimetype=media_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file)}"
    return response
