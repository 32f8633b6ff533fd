"""A list of members as a file, CSV or XLSX: read into rows of text, and written so that it reads back the same."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.core import catalogue, export
from portal.core.errors import Refused

COLUMNS = (
    "id", "legal_name", "legal_name_en", "display_name_zh", "display_name_en", "country", "registration", "category",
    "tier", "homepage", "address", "about",
)  # fmt: skip
CODES = ("id", "registration")
CLEAR = "<clear>"
CLEARED = "\x01"  # what that becomes once read: no cell can hold it
MOST_ROWS, MOST_LINES, MOST_UNPACKED = 10_000, 50_000, 64 * 1024 * 1024
SCIENTIFIC = re.compile(r"[+-]?[0-9](?:[.,][0-9]*)?[eE][+-]?[0-9]+")
SPACES = " \u3000\u00a0\ufeff\t"


class Figure(str):
    """A cell that holds a number or a day and not text."""

    __slots__ = ()


class Formula(str):
    """A cell that holds a formula."""

    __slots__ = ()


@dataclass(slots=True)
class Line:
    """One row: where it stands in the file, and its cells by column; a column that is not there is missing."""

    n: int
    cells: dict[str, str] = field(default_factory=dict)


def escaped(text: str) -> str:
    """Return text as a spreadsheet may hold it: with an apostrophe where it could be taken for a formula."""
    return f"'{text}" if _risky(text.lstrip("'")) else text


def unescaped(text: str) -> str:
    """Take that apostrophe off again."""
    return text[1:] if text.startswith("'") and _risky(text.lstrip("'")) else text


def _risky(text: str) -> bool:
    """Whether a spreadsheet could take text for a formula or a number, or we for a word of our own."""
    return bool(text) and (text == CLEAR or bool(SCIENTIFIC.fullmatch(text)) or export.cell(text) != text)


def tidy(text: str) -> str:
    """Return text as it is compared and stored: one kind of line break, no controls, trimmed."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c == "\n" or _kept(c)).strip(SPACES + "\n")


def _kept(char: str) -> bool:
    """Whether every kind of file can hold a character: no control, no half of one, none that XML forbids."""
    return unicodedata.category(char) not in ("Cc", "Cs") and char not in "\ufffe\uffff"


def read(data: bytes, name: str) -> list[Line]:
    """Return the rows of a file that are not blank. Raises `Refused` where the file as a whole cannot be taken."""
    grid = _sheet(data) if data[:4] == b"PK\x03\x04" else _csv(data)
    heads: list[str] | None = None
    lines: list[Line] = []
    for n, cells in grid:
        if not any(tidy(cell) for cell in cells):
            continue
        if heads is None:
            heads = _heads(cells)
            continue
        if len(lines) == MOST_ROWS:
            raise Refused(
                _l("The file has more than %(most)s rows. Please split it.", most=MOST_ROWS), status=422
            )
        lines.append(_line(n, heads, cells))
    if heads is None or not lines:
        raise Refused(_l("The file has no rows below its header."), status=422)
    return lines


def _line(n: int, heads: list[str], cells: list[str]) -> Line:
    over = [cell for cell in cells[len(heads) :] if tidy(cell)]
    if over:
        raise Refused(_l("Row %(n)s has more cells than the header.", n=n), status=422)
    return Line(n, {head: cell for head, cell in zip(heads, cells, strict=False) if head})


def _heads(cells: list[str]) -> list[str]:
    """Return the column of each head, by its code or by what the form calls it in either language."""
    known = {_folded(column): column for column in COLUMNS}
    for column, body in catalogue.entries("form").items():
        if column in COLUMNS:
            known.update({_folded(words): column for words in body["label"].values()})
    heads: list[str] = []
    for cell in cells:
        code: str | None = known.get(_folded(unescaped(tidy(cell))))
        if code is None and tidy(cell):
            raise Refused(
                _l("The column %(column)s is not known. Known are: %(known)s.", column=cell[:60], known=", ".join(COLUMNS)),
                status=422,
            )  # fmt: skip
        if code in heads:
            raise Refused(_l("The column %(column)s stands twice.", column=code or ""), status=422)
        heads.append(code or "")
    if not {"id", "registration", "legal_name"} & set(heads):
        raise Refused(_l("The file needs a column id, registration or legal_name."), status=422)
    return heads


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(_l("The file is neither UTF-8 nor GB18030 text, nor an XLSX sheet."), status=422)


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _text(data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    mark = max(",;\t", key=lambda one: (first.count(one), one == ","))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        for cells in reader:
            _within(reader.line_num)
            yield (
                reader.line_num,
                [Figure(one) if SCIENTIFIC.fullmatch(one.strip()) else one for one in cells],
            )
    except csv.Error as error:
        raise Refused(
            _l("Row %(n)s is not CSV: %(why)s", n=reader.line_num, why=str(error)), status=422
        ) from None


def _within(line: int) -> None:
    if line > MOST_LINES:
        raise Refused(
            _l("The file has more than %(most)s rows. Please split it.", most=MOST_ROWS), status=422
        )


def _sheet(data: bytes) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and only where sheets are read

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise Refused(_l("The sheet is too large once unpacked."), status=422)
        book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        for n, row in enumerate(book.worksheets[0].iter_rows(), 1):
            _within(n)
            yield n, [_cell(one) for one in row]
    except Refused:
        raise
    except Exception as error:  # the library raises whatever a broken file makes it stumble over
        raise Refused(_l("The file is no XLSX sheet that can be read."), status=422) from error


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return Formula(str(value))
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return Figure(int(value))
    if isinstance(value, bool | datetime | date):
        return Figure(f"{value} ")  # never a whole number
    return Figure(value)


def cells(values: Iterable[Any]) -> list[str]:
    """Return the cells of one row as they are written."""
    return [escaped(tidy(str(value or ""))) for value in values]
