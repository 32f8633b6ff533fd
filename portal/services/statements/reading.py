"""A seller's list of sales: a CSV file, taken whole or not at all, and the lines of it checked one by one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.core.errors import Refused
from portal.core.money import Money
from portal.services.statements import figures

COLUMNS = ("month", "package", "hours", "unit_price", "amount", "evidence")
MOST_LINES = 1000
MOST_FEN = 10**13
MOST_HOURS = 10**12
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_HOURS = re.compile(r"([+-]?)([0-9]{1,9})(?:\.([0-9]{1,3}))?")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９－．，＋", "0123456789-.,+")


@dataclass(frozen=True, slots=True)
class Told:
    """A line as a seller tells it: hours in thousandths, price and amount in fen, the month it belongs to."""

    month: date
    package: str
    milli_hours: int
    unit_price: int
    amount: int
    evidence: str


def month_of(text: str) -> date:
    """Read a month (`2026-05`); ValueError for anything else."""
    found = _MONTH.fullmatch(text.translate(_FULL_WIDTH).strip())
    if found is None:
        raise ValueError(f"not a month: {text!r}")
    return date(int(found.group(1)), int(found.group(2)), 1)


def hours_of(text: str) -> int:
    """Read hours with up to three decimals as thousandths; ValueError for anything else."""
    found = _HOURS.fullmatch(text.translate(_FULL_WIDTH).replace(",", "").strip())
    if found is None:
        raise ValueError(f"not hours: {text!r}")
    size = int(found.group(2) + (found.group(3) or "").ljust(3, "0"))
    return -size if found.group(1) == "-" else size


_WRONG: dict[str, LazyString] = {
    "month": _l("a month reads 2026-05"),
    "hours": _l("hours have at most three decimals"),
    "unit_price": _l("this is no sum"),
    "amount": _l("this is no sum"),
}


def _bad(n: int, column: str, why: Any) -> Refused:
    return Refused(
        _l("Row %(n)s, %(column)s: %(why)s.", n=n, column=column, why=why), field="file", status=422
    )


def line_of(n: int, raw: dict[str, str], month: date) -> Told:
    """Read one line; an empty month is that of the statement, an empty amount is hours × price. `Refused` names what is wrong."""
    package, evidence = raw.get("package", "").strip(), raw.get("evidence", "").strip()
    if not package or len(package) > 120:
        raise _bad(n, "package", _l("please name the package in at most 120 characters"))
    if len(evidence) > 300:
        raise _bad(n, "evidence", _l("please use at most 300 characters"))
    said: dict[str, Any] = {}
    for column, read in (
        ("month", lambda text: month_of(text) if text.strip() else month),
        ("hours", hours_of),
        ("unit_price", lambda text: Money.parse(text).minor),
        ("amount", lambda text: Money.parse(text).minor if text.strip() else None),
    ):
        try:
            said[column] = read(raw.get(column) or "")
        except ValueError:
            raise _bad(n, column, _WRONG[column]) from None
    right = figures.amount(said["hours"], said["unit_price"])
    if said["unit_price"] < 0 or abs(right) > MOST_FEN or abs(said["hours"]) > MOST_HOURS:
        raise _bad(n, "unit_price", _WRONG["unit_price"])
    if said["amount"] is not None and said["amount"] != right:
        raise _bad(n, "amount", _l("hours × price make %(right)s", right=Money(right).decimal))
    return Told(said["month"], package, said["hours"], said["unit_price"], right, evidence)


def _text(data: bytes) -> str:
    for code in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(code)
        except UnicodeDecodeError:
            continue
    raise Refused(_l("The file is neither UTF-8 nor GB18030 text."), field="file", status=422)


def lines_of(data: bytes, month: date) -> list[Told]:
    """Read a file with the header `month,package,hours,unit_price,amount,evidence`; `Refused` says which row and why."""
    try:
        rows = list(csv.reader(io.StringIO(_text(data), newline=""), strict=True))
    except csv.Error:
        raise Refused(_l("The file is no CSV."), field="file", status=422) from None
    head = [one.strip().lower() for one in rows[0]] if rows else []
    if sorted(head) != sorted(set(head)) or not {"package", "hours", "unit_price"} <= set(head) <= set(
        COLUMNS
    ):
        raise Refused(
            _l("The first row must name the columns: %(columns)s.", columns=", ".join(COLUMNS)),
            field="file", status=422,
        )  # fmt: skip
    found = []
    for n, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(head):
            raise _bad(n, head[0], _l("the row has another number of cells than the first one"))
        found.append(line_of(n, dict(zip(head, map(_bare, row), strict=True)), month))
    return found


def _bare(text: str) -> str:
    """Return a cell without the apostrophe by which our own files keep spreadsheets from reading a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"} else text


def checked(lines: Iterable[Told]) -> Sequence[Told]:
    """Return the lines of a report; `Refused` if they are too many."""
    found = tuple(lines)
    if len(found) > MOST_LINES:
        raise Refused(_l("Please report at most %(most)s lines.", most=MOST_LINES), field="file", status=422)
    return found
