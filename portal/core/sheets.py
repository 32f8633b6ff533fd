"""Spreadsheets (XLSX): equal rows give equal bytes, and no text is taken for a formula."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, NamedTuple

from portal.core import clock
from portal.core.money import Money

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EPOCH = (1980, 1, 1, 0, 0, 0)
STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
MOST_ROWS = 1_048_576  # what one sheet holds
PIECE = 64 * 1024
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def xlsx(title: str, heads: Sequence[Any], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return one sheet with a head row that stays in view; money and days are true figures and dates."""
    from openpyxl import Workbook  # noqa: PLC0415 - heavy, and only where sheets are made
    from openpyxl.styles import Font  # noqa: PLC0415

    book = Workbook()
    sheet: Any = book.active
    sheet.title = re.sub(r"[\[\]:*?/\\]", " ", title)[:31]
    widths = [0] * len(heads)
    for n, row in enumerate([[str(head) for head in heads], *rows], 1):
        for at, value in enumerate(row):
            _write(sheet.cell(n, at + 1), value)
            widths[at] = max(widths[at], _width(value))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for at, width in enumerate(widths):
        sheet.column_dimensions[sheet.cell(1, at + 1).column_letter].width = min(60, width + 2)
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return _undated(out.getvalue())


class Address(NamedTuple):
    """Words that lead to a page of ours when they are clicked in a sheet."""

    words: str
    href: str


class Sheet(NamedTuple):
    """One sheet of a book: its title, heads, and rows."""

    title: str
    heads: Sequence[Any]
    rows: Sequence[Sequence[Any]]


def book(parts: Sequence[Sheet]) -> bytes:
    """Return several sheets: heads that stay in view with a filter, text said to be text, addresses that open."""
    from openpyxl import Workbook  # noqa: PLC0415 - heavy, and only where sheets are made
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    made = Workbook(write_only=True)
    for part in parts:
        sheet = made.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", part.title)[:31])
        sheet.freeze_panes = "A2"
        _for_print(sheet)
        for at in range(len(part.heads)):
            widest = max(
                (_width(row[at]) for row in [part.heads, *part.rows[:500]] if at < len(row)), default=0
            )
            sheet.column_dimensions[get_column_letter(at + 1)].width = min(60, widest + 3)
        sheet.append([_as_text(_bold(sheet, head)) for head in part.heads])
        for row in part.rows:
            sheet.append([_as_text(_cell(sheet, value)) for value in row])
        sheet.auto_filter.ref = f"A1:{get_column_letter(max(1, len(part.heads)))}{len(part.rows) + 1}"
    out = io.BytesIO()
    made.save(out)
    return _undated(out.getvalue())


def _for_print(sheet: Any) -> None:
    """Let a sheet be printed lying, as wide as its paper, with the head row on each."""
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0


def _bold(sheet: Any, head: Any) -> Any:
    from openpyxl.styles import Font  # noqa: PLC0415

    cell = _cell(sheet, str(head) or " ")
    cell.font = Font(bold=True)
    return cell


def _as_text(cell: Any) -> Any:
    if cell is not None and cell.data_type == "s":
        cell.number_format = "@"
    return cell


def streamed(title: str, heads: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Return the same for rows without end, in pieces: written row by row to a file, on further sheets where one is full."""
    from openpyxl import Workbook  # noqa: PLC0415 - heavy, and only where sheets are made

    book = Workbook(write_only=True)
    sheet, filled = _begun(book, title, heads), 1
    for row in rows:
        if filled == MOST_ROWS:
            sheet, filled = _begun(book, title, heads), 1
        sheet.append([_cell(sheet, value) for value in row])
        filled += 1
    with tempfile.TemporaryFile() as raw, tempfile.TemporaryFile() as fresh:
        book.save(raw)
        _copy_undated(raw, fresh)
        fresh.seek(0)
        while piece := fresh.read(PIECE):
            yield piece


def _begun(book: Any, title: str, heads: Sequence[Any]) -> Any:
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    name = re.sub(r"[\[\]:*?/\\]", " ", title)[:25]
    sheet = book.create_sheet(name if not book.worksheets else f"{name} {len(book.worksheets) + 1}")
    sheet.freeze_panes = "A2"
    for at, head in enumerate(heads, 1):
        sheet.column_dimensions[get_column_letter(at)].width = min(60, max(12, _width(str(head)) + 2))
    cells = [_cell(sheet, str(head)) for head in heads]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
    return sheet


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    if value in (None, ""):
        return None
    cell = WriteOnlyCell(sheet)
    _write(cell, value)
    return cell


def _write(cell: Any, value: Any) -> None:
    if isinstance(value, Address):
        cell.value, cell.hyperlink, value = "", value.href, value.words
    if isinstance(value, Money):
        cell.value, cell.number_format = value.decimal, "#,##0." + "0" * value.exponent
    elif isinstance(value, datetime):
        cell.value, cell.number_format = (
            value.astimezone(clock.OFFICE).replace(tzinfo=None),
            "yyyy-mm-dd hh:mm",
        )
    elif isinstance(value, date):
        cell.value, cell.number_format = value, "yyyy-mm-dd"
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        cell.value = value
    elif value not in (None, ""):
        # Said to be text: a value that begins with = would be a formula otherwise.
        cell.value = CONTROLS.sub("", str(value))
        cell.data_type = "s"


def _width(value: Any) -> int:
    value = value.words if isinstance(value, Address) else value
    text = f"{value.decimal:,}" if isinstance(value, Money) else str(value or "")
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def _undated(data: bytes) -> bytes:
    """Return the archive without the moment it was made: no times of entries, none in its properties."""
    out = io.BytesIO()
    _copy_undated(io.BytesIO(data), out)
    return out.getvalue()


def _copy_undated(made: IO[bytes], out: IO[bytes]) -> None:
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fresh:
        for name in sorted(old.namelist()):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            if name == "docProps/core.xml":
                fresh.writestr(info, STAMP.sub(rb"\g<1>2000-01-01T00:00:00Z", old.read(name)))
                continue
            info.file_size = old.getinfo(name).file_size
            with old.open(name) as source, fresh.open(info, "w") as target:
                shutil.copyfileobj(source, target, PIECE)
