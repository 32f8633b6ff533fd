"""Corrections: income posted after its month was closed and why, and what credit notes took out of income."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.billing import months
from portal.reports.income import behind, moves, pages, words
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Report, Row, Table
from portal.reports.income.flow_rows import narrowed, paper_of, row_of
from portal.reports.income.pages import Page

CAUSES: dict[str, LazyString] = {
    "daily": _l("Invoiced after the month was closed"),
    "usage": _l("Use reported after the month was closed"),
    "milestone": _l("Acceptance recorded after the month was closed"),
    "point": _l("Delivery recorded after the month was closed"),
    "units": _l("Units recorded after the month was closed"),
    "contribution": _l("Recorded after the month was closed"),
    "hand": _l("Entry by hand"),
    "other": _l("Another entry after the month was closed"),
}
TAKES = ("stream", "group", "payer", "line", "month", "service", "cause")


def install() -> None:
    """Add the page, and let its amounts open their rows."""
    pages.add(Page("corrections", _l("Corrections"), build, tab=90))
    for code in ("corrections", "reversed"):
        behind.add(Kind(code, words.NAMES[code], words.MEANINGS[code], _rows(code), TAKES))


def found(books: Books, code: str) -> list[tuple[str, Row]]:
    """Return each correction with the code of its cause, by day."""
    said = books.said
    posted = books.posted("recognised", said.start, said.last_day, apart=True)
    rows: list[tuple[str, Row]] = []
    for one in posted:
        late = one.service < months.first_of(one.day)
        if (code == "reversed") == (one.kind in moves.TAKEN_BACK) and (late or code == "reversed"):
            row = Row(one.amount, one.stream, one.day, one.service, one.party, one.line, paper_of(one.source))
            rows.append((_cause(books, one.line, one.kind), row))
    if code == "corrections":
        rows += [
            (_cause(books, one.line_id, "earned"),
             row_of(books, one.line_id, one.amount, day=months.last_of(one.month), month=one.service, paper=("plan", one.line_id)))
            for one in books.flows.parts
            if one.service < one.month and said.start <= one.month < said.end and books.wanted(one.line_id)
        ]  # fmt: skip
    return rows


def _cause(books: Books, line: int, kind: str) -> str:
    method = books.facts.sold[line].method if kind == "earned" else kind
    return method if method in CAUSES else "other"


def _rows(code: str) -> behind.Rows:
    def rows(said: Question, by: Narrower) -> list[Row]:
        books = books_of(said)
        wanted = by.get("cause", "")
        return narrowed(books, [row for cause, row in found(books, code) if wanted in ("", cause)], by)

    return rows


def build(said: Question) -> Report:
    """Return what was posted late, and what was taken out of income."""
    books = books_of(said)
    late, back = _late(books), _back(books)
    return Report(
        "corrections", _("Corrections"),
        _("A closed month never changes: what comes late lies in the first open month, and what is taken back in its own."),
        str(words.NAMES["recognised"]), tables=[late, back],
        detail=[Figure.of("corrections", _sum(late)), Figure.of("reversed", _sum(back))],
        empty=None if late.lines or back.lines
        else (_("No corrections"), _("Everything of this period was posted in its own month, and nothing was taken back.")),
    )  # fmt: skip


def _sum(table: Table) -> int:
    return table.lines[-1].cells[-1].amount if table.lines else 0


def _late(books: Books) -> Table:
    sums: dict[tuple[date, date, str, str], int] = defaultdict(int)
    for cause, row in found(books, "corrections"):
        sums[row.month or date.min, months.first_of(row.day or date.min), row.stream, cause] += row.amount
    table = Table(
        "late", _("Posted late"), _("Month of service"),
        [Head(_("Posting month"), "text"), Head(_("Stream"), "text"), Head(_("Cause"), "text"), Head(_("CNY"))],
    )  # fmt: skip
    for (service, month, stream, cause), amount in sorted(sums.items()):
        figure = Figure.of(
            "corrections",
            amount,
            service=f"{service:%Y-%m}",
            month=f"{month:%Y-%m}",
            stream=stream,
            cause=cause,
        )
        cells = [f"{month:%Y-%m}", books.said.lists.called(stream), str(CAUSES[cause]), figure]
        table.lines.append(Line(f"{service:%Y-%m}", cells))
    if sums:
        total = Figure.of("corrections", sum(sums.values()))
        table.lines.append(Line(_("In total"), ["", "", "", total], total=True))
    return table


def _back(books: Books) -> Table:
    sums: dict[tuple[date, str], int] = defaultdict(int)
    for _why, row in found(books, "reversed"):
        sums[months.first_of(row.day or date.min), row.stream] += row.amount
    table = Table(
        "back", _("Income taken back"), _("Posting month"), [Head(_("Stream"), "text"), Head(_("CNY"))],
        words=_("Credit notes take the deferred part first; only what goes beyond it reverses income."),
    )  # fmt: skip
    for (month, stream), amount in sorted(sums.items()):
        figure = Figure.of("reversed", amount, month=f"{month:%Y-%m}", stream=stream)
        table.lines.append(Line(f"{month:%Y-%m}", [books.said.lists.called(stream), figure]))
    if sums:
        table.lines.append(Line(_("In total"), ["", Figure.of("reversed", sum(sums.values()))], total=True))
    return table
