"""Waived value: what list prices would have brought beside what is paid, in no column of income."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.reports.income import behind, links, pages, payers, tables, words
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Line, Link, Report, Row, Table
from portal.reports.income.flow_rows import FLOW_TAKES, narrowed, row_of
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers

K = TypeVar("K", bound=Hashable)
CODES = ("listed", "waived", "given")


def install() -> None:
    """Add the page, and let its amounts open their rows."""
    pages.add(Page("waived", _l("Waived value"), build, tab=100))
    for code in ("listed", "given"):
        behind.add(Kind(code, words.NAMES[code], words.MEANINGS[code], _rows(code), FLOW_TAKES))


def amount_of(books: Books, code: str, line: int) -> int:
    """Return of a line with waived value: its list price, what is waived, or what is paid, net."""
    sold = books.facts.sold[line]
    return {"listed": sold.net + sold.waived, "waived": sold.waived, "given": sold.net}[code]


def _rows(code: str) -> behind.Rows:
    def rows(said: Question, by: Narrower) -> list[Row]:
        books = books_of(said)
        found = [
            row_of(books, line, amount_of(books, code, line), day=day, paper=("order_line", line))
            for line, day, _waived in books.waived()
            if books.wanted(line)
        ]
        return narrowed(books, found, by)

    return rows


def _sums(books: Books, key: Callable[[int], K]) -> dict[K, dict[str, int]]:
    found: dict[K, dict[str, int]] = defaultdict(lambda: dict.fromkeys(CODES, 0))
    for line, _day, _amount in books.waived():
        if books.wanted(line):
            for code in CODES:
                found[key(line)][code] += amount_of(books, code, line)
    return found


def build(said: Question) -> Report:
    """Return waived value by stream, and by payer for whoever sees payers."""
    books = books_of(said)
    streams = Table("streams", _("By stream"), _("Stream"), tables.heads(CODES))
    by_stream = _sums(books, books.stream_of)
    for stream in [code for code in said.lists.streams if code in by_stream] + sorted(
        set(by_stream) - set(said.lists.streams)
    ):
        cells = [Figure.of(code, by_stream[stream][code], stream=stream) for code in CODES]
        streams.lines.append(Line(said.lists.called(stream), cells))
    totals = [Figure.of(code, sum(sums[code] for sums in by_stream.values())) for code in CODES]
    streams.lines.append(Line(_("In total"), totals, total=True))
    report = Report(
        "waived", _("Waived value"), _("List price less price, net, of what was agreed in the period. It is in no column of income."),
        _("Waived value, beside income"), tables=[streams], detail=totals,
        heads=[(str(words.NAMES[one.code]), one, "") for one in totals],
    )  # fmt: skip
    if not by_stream:
        report.empty = (
            _("Nothing was waived"),
            _("Everything agreed in this period was sold at its list price."),
        )
    elif sees_payers():
        report.tables.append(_payers(books, totals))
    return report


def _payers(books: Books, totals: list[Figure]) -> Table:
    said, heads = books.said, payers.heads(books.said.known) if not books.said.alone else {}
    found = _sums(books, lambda line: heads.get(books.party_of(line), books.party_of(line)))
    ranked = sorted(found, key=lambda head: (-found[head]["waived"], head))
    named = payers.named(ranked)
    table = Table("payers", _("By payer"), _("Payer"), tables.heads(CODES))
    for head in ranked:
        label = Link(named[head].name, f"{links.to('reports.payer')}?{said.query(payer=named[head].uid)}")
        cells = [Figure.of(code, found[head][code], payer=head) for code in CODES]
        table.lines.append(Line(label, cells))
    table.lines.append(Line(_("In total"), totals, total=True))
    return table
