"""One stream by month and by payer, and every stream by month on the basis asked for."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core.errors import Missing
from portal.reports.income import links, marks, pages, payers, tables, words
from portal.reports.income.asked import BASES, Question
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Report, Table
from portal.reports.income.page_payers import by_head
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers

MONTHLY = ("booked", "invoiced_net", "credited_net", "collected_net", "refunded_net", "recognised")
STANDS = ("deferred", "unpaid", "contract_asset", "rpo", "ar")
MOST = 50


def install() -> None:
    """Add both pages."""
    pages.add(
        Page("months", _l("By month"), build, tab=20, asks=("basis",)),
        Page("stream", _l("Stream"), one, needs=("stream", "group")),
    )


def build(said: Question) -> Report:
    """Return a basis by stream and month."""
    code = words.OF_BASIS[said.basis]
    if said.basis == "deferred":
        return _balances(said)
    books = books_of(said)
    found = books.by(code, lambda piece: (piece.stream, piece.month))
    streams = list(dict.fromkeys([*said.streams, *sorted(stream for stream, _month in found)]))
    months = said.months
    table = Table(
        "matrix", _("Streams by month"), _("Stream"),
        [*(Head(f"{month:%Y-%m}") for month in months), Head(_("In total"))], words=str(words.MEANINGS[code]), wide=True,
    )  # fmt: skip
    for stream in streams:
        amounts = [found.get((stream, month), 0) for month in months]
        table.lines.append(_line(tables.stream_link(said, stream), code, months, amounts, stream=stream))
    totals = [sum(found.get((stream, month), 0) for stream in streams) for month in months]
    table.lines.append(_line(_("In total"), code, months, totals, total=True))
    return Report(
        "months", _("By month"), _("One basis by stream and month; a month can be negative."), str(BASES[said.basis]),
        tables=[table], detail=[table.lines[-1].cells[-1]], empty=None if any(found.values()) else tables.nothing(),
    )  # fmt: skip


def _line(
    label: str | Link,
    code: str,
    months: list[date],
    amounts: list[int],
    *,
    total: bool = False,
    stream: str = "",
) -> Line:
    cells = [
        Figure.of(code, amount, stream=stream, month=f"{month:%Y-%m}")
        for month, amount in zip(months, amounts, strict=True)
    ]
    return Line(label, [*cells, Figure.of(code, sum(amounts), stream=stream)], total=total)


def _balances(said: Question) -> Report:
    books = books_of(said)
    roll = roll_by_month(books)
    return Report(
        "months", _("By month"), _("How the contract balance, deferred income less contract assets, moved from month to month."),
        str(BASES["deferred"]), tables=[roll], detail=[roll.lines[-1].cells[-1]],
    )  # fmt: skip


def roll_by_month(books: Books) -> Table:
    """Return opening + invoiced − credited − recognised = closing of the contract balance, month by month."""
    said, codes = books.said, ("invoiced_net", "credited_net", "recognised")
    columns = {code: books.by(code, lambda piece: piece.month) for code in codes}
    table = Table(
        "roll", _("Contract balance by month"), _("Month"), tables.heads(("opened", *codes, "closed")),
        words=_("Opening + invoiced − credited − recognised = closing."),
    )  # fmt: skip
    opened = first = books.opened()
    for month in said.months:
        key = f"{month:%Y-%m}"
        moved = [columns[code].get(month, 0) for code in codes]
        closed = opened + moved[0] - moved[1] - moved[2]
        cells = [
            Figure.of("opened", opened, month=key),
            *(Figure.of(code, amount, month=key) for code, amount in zip(codes, moved, strict=True)),
            Figure.of("closed", closed, month=key),
        ]
        table.lines.append(Line(key, cells))
        opened = closed
    sums = [Figure.of(code, sum(columns[code].values())) for code in codes]
    whole = [Figure.of("opened", first), *sums, Figure.of("closed", opened)]
    table.lines.append(Line(_("In the period"), whole, total=True))
    return table


def one(said: Question) -> Report:
    """Return one stream, or one group of streams, on all bases by month, and its payers."""
    if not said.stream and not said.group:
        raise Missing(_("Please choose a stream."))
    open_to_payers = sees_payers()
    marked = marks.lines()
    books = books_of(said)
    months = tables.by_month(books, "months", _("By month"), MONTHLY)
    stands = tables.by_stream(books, "stands", _("At the end of the period"), STANDS)
    report = Report(
        "stream", tables.name_of(said), _("One stream on all bases, net of VAT, in CNY."), _("All bases"),
        tables=[months, stands], detail=list(months.lines[-1].cells),
    )  # fmt: skip
    of_them = [line for line in marked if line in books.facts.sold and books.wanted(line)]
    if of_them:
        report.tables.append(marks.of_stream(books, of_them))
    else:
        stands.words = _("All of it is unrestricted.")
    if open_to_payers:
        report.tables.append(_payers(books))
    return report


def _payers(books: Books) -> Table:
    said, heads = books.said, payers.heads(books.said.known)
    codes = ("booked", "net_invoiced", "collected_net", "recognised")
    columns: dict[str, dict[int, int]] = {code: by_head(books, code, heads) for code in codes}
    order: dict[int, int] = defaultdict(int)
    for amounts in columns.values():
        for head in amounts:
            order[head] = columns["recognised"].get(head, 0)
    ranked = sorted(order, key=lambda head: (-order[head], head))
    named = payers.named(ranked[:MOST])
    table = Table("payers", _("Payers within it"), _("Payer"), tables.heads(codes))
    for head in ranked[:MOST]:
        link = Link(
            named[head].name,
            f"{links.to('reports.payer')}?{said.query(payer=named[head].uid, stream=None, group=None)}",
        )
        table.lines.append(
            Line(link, [Figure.of(code, columns[code].get(head, 0), payer=head) for code in codes])
        )
    if len(ranked) > MOST:
        table.words = _(
            "The first %(shown)s of %(count)s; the totals are of all.", shown=MOST, count=len(ranked)
        )
    totals = [Figure.of(code, sum(columns[code].values())) for code in codes]
    table.lines.append(Line(_("In total"), totals, total=True))
    return table
