"""Receivables by age as of any day, as known on another: by payer and by stream; credit and disputes beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing import ledger, months
from portal.billing.money_models import JournalEntry, JournalLine, Receipt
from portal.billing.plans import DAY
from portal.core.db import db
from portal.core.words import day as in_words
from portal.reports import measures
from portal.reports.income import behind, links, pages, payers, tables, words
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.books import Books, Left
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Report, Row, Table
from portal.reports.income.flow_rows import STOCK_TAKES, narrowed, payers_of, row_of
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers
from portal.reports.journal import FEN

BUCKETS: dict[str, LazyString] = {
    "not_due": _l("Not due"),
    "1_30": _l("1–30 days"),
    "31_60": _l("31–60 days"),
    "61_90": _l("61–90 days"),
    "over_90": _l("Over 90 days"),
}
# What stands beside receivables: the account, and the sign that makes it positive.
BESIDE = {
    "credit": (ledger.CREDIT, -1),
    "unidentified": (ledger.UNIDENTIFIED, -1),
    "disputed": (ledger.DISPUTED, 1),
}


def install() -> None:
    """Add the page, and let its amounts open their rows."""
    pages.add(Page("ageing", _l("Ageing"), build, tab=80, asks=("day",)))
    behind.add(
        Kind("owed", words.NAMES["owed"], words.MEANINGS["owed"], _owed_rows, (*STOCK_TAKES, "bucket"))
    )
    for code in BESIDE:
        behind.add(Kind(code, words.NAMES[code], words.MEANINGS[code], _beside_rows(code), ("payer",)))


def at(said: Question) -> Books:
    """Return the books at the end of the day that is asked for."""
    return books_of(said.over(months.first_of(said.as_of), said.as_of + DAY))


def bucket_of(books: Books, one: Left) -> str:
    """Return the column of what is owed of an invoice."""
    due = books.facts.bills[one.invoice].due_on or books.said.last_day
    return measures.bucket((books.said.last_day - due).days)


def _owed_rows(said: Question, by: Narrower) -> list[Row]:
    books, wanted = at(said), by.get("bucket", "")
    found = [
        row_of(
            books,
            one.line,
            one.amount,
            day=books.facts.bills[one.invoice].due_on,
            paper=("invoice", one.invoice),
        )
        for one in books.left("ar")
        if wanted in ("", bucket_of(books, one))
    ]
    return sorted(narrowed(books, found, by), key=lambda row: (row.day or date.min, row.line, row.amount))


def _standing(said: Question, code: str) -> list[Row]:
    """Return what stands beside receivables on the day, by payer and receipt."""
    account, sign = BESIDE[code]
    keys: list[Any] = [JournalLine.party_id, JournalLine.receipt_id, Receipt.received_on]
    statement = (
        select(*keys, func.sum(FEN))
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .outerjoin(Receipt, Receipt.id == JournalLine.receipt_id)
        .where(
            JournalLine.account == account, JournalEntry.posted_on <= said.as_of,
            JournalEntry.known_at <= months.end_of(said.known),
        )
        .group_by(*keys)
        .having(func.sum(FEN) != 0)
        .order_by(JournalLine.party_id, JournalLine.receipt_id)
    )  # fmt: skip
    wanted = payers.of_question(said)
    return [
        Row(sign * int(amount), "", day, None, party or 0, 0, ("receipt", receipt) if receipt else None)
        for party, receipt, day, amount in map(tuple, db.session.execute(statement))
        if wanted is None or party in wanted
    ]


def _beside_rows(code: str) -> behind.Rows:
    def rows(said: Question, by: Narrower) -> list[Row]:
        found = _standing(said, code)
        if payer := by.get("payer"):
            wanted = payers_of(said, payer)
            return [row for row in found if row.party in wanted]
        return found

    return rows


def build(said: Question) -> Report:
    """Return what is owed by age."""
    books = at(said)
    owed = books.left("ar")
    # Credit and disputes are of no stream: a page of one stream does not show them.
    beside = {code: _standing(said, code) for code in BESIDE} if not (said.stream or said.group) else {}
    heads = {} if said.payer and said.alone else payers.heads(said.known)
    report = Report(
        "ageing", _("Ageing of receivables"),
        _("What payers owed at the end of a day, gross, by days past due. Credit and disputes stand beside it and are never netted."),
        _("Receivables, gross, on %(day)s", day=in_words(said.as_of)),
    )  # fmt: skip
    whole = Figure.of("owed", sum(one.amount for one in owed))
    report.detail = [whole]
    report.heads = [(str(words.NAMES["owed"]), whole, "")]
    report.heads += [
        (str(words.NAMES[code]), Figure.of(code, sum(row.amount for row in rows)), "")
        for code, rows in beside.items()
    ]
    if sees_payers():
        credit: dict[int, int] = defaultdict(int)
        for row in beside.get("credit", []):
            credit[heads.get(row.party, row.party)] += row.amount
        report.tables.append(_payers(books, owed, heads, credit if beside else None))
    report.tables.append(_streams(books, owed))
    if not any(one.amount for one in report.figures()):
        report.empty = (_("Nobody owed anything"), _("On this day every invoice was paid."))
    return report


def _spread(books: Books, owed: list[Left], key: Callable[[int], Any]) -> dict[Any, dict[str, int]]:
    found: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(BUCKETS, 0))
    for one in owed:
        found[key(one.line)][bucket_of(books, one)] += one.amount
    return found


def _cells(sums: dict[str, int], **by: object) -> list[Figure]:
    cells = [Figure.of("owed", sums[bucket], bucket=bucket, **by) for bucket in BUCKETS]
    return [*cells, Figure.of("owed", sum(sums.values()), **by)]


def _heads() -> list[Head]:
    return [*(Head(str(name)) for name in BUCKETS.values()), Head(str(words.NAMES["owed"]))]


def _totals(found: dict[Any, dict[str, int]]) -> dict[str, int]:
    return {bucket: sum(sums[bucket] for sums in found.values()) for bucket in BUCKETS}


def _payers(books: Books, owed: list[Left], heads: dict[int, int], credit: dict[int, int] | None) -> Table:
    found = _spread(books, owed, lambda line: heads.get(books.party_of(line), books.party_of(line)))
    unused = {head: amount for head, amount in (credit or {}).items() if amount}
    owing = {head for head, sums in found.items() if any(sums.values())}
    ranked = sorted(owing | set(unused), key=lambda head: (-sum(found[head].values()), head))
    named = payers.named(ranked)
    table = Table("payers", _("By payer"), _("Payer"), _heads())
    if credit is not None:
        table.heads.append(Head(str(words.NAMES["credit"])))

    def line(
        label: str | Link, cells: list[Figure], amount: int, *, total: bool = False, **by: object
    ) -> None:
        beside = [Figure.of("credit", amount, **by)] if credit is not None else []
        table.lines.append(Line(label, [*cells, *beside], total=total))

    for head in ranked:
        if head in named:
            path = links.to("account.of_payer", uid=named[head].uid, end=books.said.last_day.isoformat())
            line(
                Link(named[head].name, path), _cells(found[head], payer=head), unused.get(head, 0), payer=head
            )
    line(_("In total"), _cells(_totals(found)), sum(unused.values()), total=True)
    return table


def _streams(books: Books, owed: list[Left]) -> Table:
    found = _spread(books, owed, books.stream_of)
    table = Table("streams", _("By stream"), _("Stream"), _heads())
    for stream in sorted(found, key=lambda one: tables.place(books, one)):
        table.lines.append(Line(books.said.lists.called(stream), _cells(found[stream], stream=stream)))
    table.lines.append(Line(_("In total"), _cells(_totals(found)), total=True))
    return table
