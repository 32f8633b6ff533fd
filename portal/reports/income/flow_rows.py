"""The rows behind what moved and what stands: entries, agreed lines, receipts and open lines, one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from portal.billing import months
from portal.reports.income import behind, marks, moves, payers, words
from portal.reports.income.asked import EARLIEST, Question, month_in
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.books import MONEY, Books, parts_of
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Row
from portal.reports.settled import over_lines

FIRST = date(EARLIEST, 1, 1)
FLOW_TAKES = ("stream", "group", "payer", "line", "month", "service", "agreed", "restricted")
STOCK_TAKES = ("stream", "group", "payer", "line", "agreed")


def install() -> None:
    """Let every flow and stock open its rows."""
    for code in words.FLOWS:
        behind.add(Kind(code, words.NAMES[code], words.MEANINGS[code], _flow(code), FLOW_TAKES))
    for code in words.STOCKS:
        behind.add(Kind(code, words.NAMES[code], words.MEANINGS[code], _stock(code), STOCK_TAKES))
    for code in ("booked", "recognised"):
        for when, name in ((_to_date, f"{code}_to_date"), (_before, f"{code}_before")):
            behind.add(Kind(name, words.NAMES[name], words.MEANINGS[name], when(_flow(code)), FLOW_TAKES))
    for code in ("opened", "closed"):
        behind.add(
            Kind(code, words.NAMES[code], words.MEANINGS[code], _balance(code), (*STOCK_TAKES, "month"))
        )


def narrowed(books: Books, found: list[Row], by: Narrower) -> list[Row]:
    """Return the rows that a figure's own words leave: of a stream, a group, a payer, a line, a month."""
    tests: list[Callable[[Row], bool]] = []
    if stream := by.get("stream"):
        tests.append(lambda row: row.stream == stream)
    if group := by.get("group"):
        tests.append(lambda row: books.said.lists.group_of(row.stream) == group)
    if payer := by.get("payer"):
        wanted = payers_of(books.said, payer)
        tests.append(lambda row: row.party in wanted)
    if line := by.get("line"):
        tests.append(lambda row: str(row.line) == line)
    if month := by.get("month"):
        tests.append(lambda row: row.day is not None and f"{row.day:%Y-%m}" == month)
    if service := by.get("service"):
        tests.append(lambda row: row.month is not None and f"{row.month:%Y-%m}" == service)
    if agreed := by.get("agreed"):
        tests.append(lambda row: books.agreed(row.line) == agreed)
    if mark := by.get("restricted"):
        marked = marks.lines()
        tests.append(lambda row: (row.line in marked) == (mark == marks.YES))
    return [row for row in found if all(test(row) for test in tests)]


def payers_of(said: Question, payer: str) -> frozenset[int]:
    """Return the parties of the payer that a figure is narrowed to: the number of its head."""
    if not _whole(payer):
        return frozenset()
    if said.payer and said.alone:
        return frozenset({int(payer)})
    return payers.together(int(payer), said.known)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _flow(code: str) -> Callable[[Question, Narrower], list[Row]]:
    def rows(said: Question, by: Narrower) -> list[Row]:
        books = books_of(said)
        found: list[Row] = []
        for one, sign in parts_of(code):
            for part, its in parts_of(one):
                found += [_turned(row, sign * its) for row in flow(books, part, by)]
        return sorted(narrowed(books, found, by), key=_order)

    return rows


def _to_date(rows: behind.Rows) -> behind.Rows:
    """Return the rows of all time up to the period's end."""
    return lambda said, by: rows(said.over(FIRST, said.end), by)


def _before(rows: behind.Rows) -> behind.Rows:
    """Return the rows of all time before the period."""
    return lambda said, by: rows(said.over(FIRST, said.start), by)


def _order(row: Row) -> tuple[date, int, tuple[str, int], int]:
    return row.day or date.min, row.line, row.paper or ("", 0), row.amount


def _turned(row: Row, sign: int) -> Row:
    if sign > 0:
        return row
    return Row(-row.amount, row.stream, row.day, row.month, row.party, row.line, row.paper, row.words)


def flow(books: Books, code: str, by: Narrower) -> list[Row]:
    """Return the rows of a plain code in the period."""
    if code in moves.SOURCES:
        return _of_journal(books, code, by)
    if code in MONEY:
        return _of_money(books, code)
    said = books.said
    if code == "waived":
        return [
            row_of(books, line, amount, day=day, paper=("order_line", line))
            for line, day, amount in books.waived()
            if books.wanted(line)
        ]
    return [
        row_of(books, one.line_id, one.amount, day=one.day, month=months.first_of(one.day), paper=one.paper)
        for one in books.flows.agreed(said.start, said.last_day)
        if books.wanted(one.line_id)
    ]


def row_of(
    books: Books, line: int, amount: int, *, day: date | None = None, month: date | None = None,
    paper: tuple[str, int] | None = None,
) -> Row:  # fmt: skip
    """Return a row about a contract line."""
    sold = books.facts.sold[line]
    return Row(amount, sold.stream, day, month, sold.party_id, line, paper)


def _of_journal(books: Books, code: str, by: Narrower) -> list[Row]:
    said, start, end = books.said, books.said.start, books.said.last_day
    if month := by.get("month"):
        start = month_in(month)
        end = months.last_of(start)
    line = int(by["line"]) if _whole(by.get("line", "")) else 0
    posted = books.posted(code, max(start, said.start), min(end, said.last_day), line)
    found = [
        Row(one.amount, one.stream, one.day, one.service, one.party, one.line, paper_of(one.source))
        for one in posted
    ]
    if code == "recognised":
        found += [
            row_of(books, one.line_id, one.amount, day=_day_of(books, one.month), month=one.service,
                 paper=("plan", one.line_id))
            for one in books.flows.parts
            if said.start <= one.month < said.end and books.wanted(one.line_id)
        ]  # fmt: skip
    return found


def _day_of(books: Books, month: date) -> date:
    """Return the day up to which a month that is not booked yet was earned."""
    return max(month, min(months.last_of(month), books.said.known))


def paper_of(source: str) -> tuple[str, int] | None:
    """Return the kind and number of what an entry books; income of a line is `earned`."""
    kind, _colon, number = source.partition(":")
    number = number.partition(":")[0]
    kind = "earned" if kind == "order_line" else kind
    return (kind, int(number)) if number.isdecimal() else None


def _of_money(books: Books, code: str) -> list[Row]:
    rows, what = MONEY[code]
    found = []
    for one in getattr(books.flows, rows):
        if not books.said.start <= one.day < books.said.end:
            continue
        amount = one.gross if what == "gross" else one.net
        paper = ("receipt", one.receipt_id) if one.receipt_id else ("invoice", one.invoice_id)
        for line, part in over_lines(books.facts.bills[one.invoice_id], amount):
            if books.wanted(line):
                found.append(row_of(books, line, part, day=one.day, paper=paper))
    return found


def _stock(code: str) -> Callable[[Question, Narrower], list[Row]]:
    def rows(said: Question, by: Narrower) -> list[Row]:
        books = books_of(said)
        found = [
            row_of(
                books, one.line, one.amount, day=books.facts.bills[one.invoice].due_on if one.invoice else None,
                paper=("invoice", one.invoice) if one.invoice else ("order_line", one.line),
            )
            for one in books.left(code)
        ]  # fmt: skip
        return sorted(narrowed(books, found, by), key=_order)

    return rows


def _balance(code: str) -> Callable[[Question, Narrower], list[Row]]:
    """Return the contract balance of each line the day before the period, or at its end."""

    def rows(said: Question, by: Narrower) -> list[Row]:
        asked = dict(by)
        if month := asked.pop("month", ""):
            start = month_in(month)
            said = said.over(start, months.following(start))
        books = books_of(said)
        lines = books.flows.contract if code == "closed" else books.flows.opening()
        found = [
            row_of(books, line, amount, paper=("order_line", line))
            for line, amount in lines
            if books.wanted(line)
        ]
        return sorted(narrowed(books, found, asked), key=_order)

    return rows
