"""Report pages on paper: what a page is read on, its head figures, charts and tables, none of them wider than the sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from flask import current_app

from portal.core import i18n, pdf
from portal.core.db import let_go
from portal.core.money import Money
from portal.reports.income import shown
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Line, Link, Report, Table

MOST_COLUMNS = 14  # of sums, beside the names of rows, on a sheet that lies
TOGETHER = 15  # a table of so many rows stands on one sheet
CSS = """
@page { size: A4 landscape; margin: 18mm 14mm 16mm; }
table { font-size: 8pt; line-height: 1.4; }
th, td { padding: .9mm 2mm .9mm 0; }
/* A total stands once, under the last row: not again at the foot of each sheet. */
tfoot { display: table-row-group; }
.tight { font-size: 6.6pt; }
.tight th, .tight td { padding-right: 1.2mm; }
.end { text-align: right; white-space: nowrap; }
.end + td:not(.end), .end + th:not(.end) { padding-left: 5mm; }
th.end { white-space: normal; }
th small { font-size: .9em; padding-left: 1mm; }
.read-on { color: #545a63; }
.heads { display: flex; flex-wrap: wrap; gap: 3mm 8mm; margin: 0 0 5mm; }
.heads div { break-inside: avoid; }
.heads dt { font-size: 8pt; color: #545a63; }
.heads dd { margin: 0; }
.heads .sum { font-size: 12pt; font-weight: 700; }
.chart-svg { max-width: 100%; max-height: 98mm; }
"""


class Piece(NamedTuple):
    """As much of a table as one width of a sheet holds; `number` of `whole` pieces."""

    table: Table
    number: int
    whole: int

    @property
    def tight(self) -> bool:
        """Whether it is set small."""
        return len(self.table.heads) > 9

    @property
    def together(self) -> bool:
        """Whether it is short enough to stand on one sheet."""
        return len(self.table.lines) <= TOGETHER


def pieces(tables: Sequence[Table]) -> Iterator[Piece]:
    """Cut tables that are wider than a sheet into pieces, each with the names of the rows; empty tables fall away."""
    for table in tables:
        if not table.lines:
            continue
        count = -(-max(1, len(table.heads)) // MOST_COLUMNS)
        # Pieces of one width read better than full ones and a rest of one column.
        width = -(-len(table.heads) // count)
        for n in range(count):
            some = slice(n * width, (n + 1) * width)
            lines = [Line(line.label, line.cells[some], line.total, line.note) for line in table.lines]
            yield Piece(replace(table, heads=table.heads[some], lines=lines), n + 1, count)


def plain(value: Any) -> Any:
    """Return a cell as files hold it: money, days and words."""
    if isinstance(value, Figure):
        return value.money
    return value.words if isinstance(value, Link) else value


def printed(value: Any) -> str:
    """Return a cell as it is printed: sums with thousands marks and two decimals."""
    found = plain(value)
    if isinstance(found, Money):
        return shown.amount(found)
    return "" if found is None else str(found)


def written(said: Question, report: Report, facts: Sequence[tuple[str, str]]) -> str:
    """Return what a paper is laid out from: everything that stands on it, and its date, the day known."""
    words = {
        "report": report, "facts": facts, "known": said.known.isoformat(), "plain": printed,
        "pieces": list(pieces(report.tables)), "language": "en" if i18n.language().startswith("en") else "zh-Hans",
    }  # fmt: skip
    return current_app.jinja_env.get_template("papers/report.html").render(words)


def laid_out(html: str) -> bytes:
    """Return a paper as a tagged PDF (PDF/UA-1)."""
    let_go()
    return pdf.render(html, css=CSS, variant=pdf.ACCESSIBLE)
