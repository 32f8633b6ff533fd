"""What stands on contract lines: deferred income and contract assets, what is still to be performed, and the waterfall."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.reports.income import links, pages, payers, shown, tables, words
from portal.reports.income.asked import Question
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Report, Table
from portal.reports.income.flow_rows import FIRST
from portal.reports.income.page_streams import roll_by_month
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers

MOST = 50
NOT_MONTHS = {"usage": _l("As it is used"), "none": _l("Without a signed order")}


def install() -> None:
    """Add the pages."""
    pages.add(
        Page("waterfall", _l("Waterfall"), waterfall, tab=50),
        Page("deferred", _l("Deferred"), deferred, tab=60),
        Page("rpo", _l("To be performed"), rpo, tab=70),
    )


def deferred(said: Question) -> Report:
    """Return deferred income, what of it is unpaid, and contract assets: by stream, by line, month by month."""
    books = books_of(said)
    stands = tables.by_stream(
        books, "stands", _("At the end of the period"), ("deferred", "unpaid", "contract_asset"),
        said=_("Each contract line by itself; the two sides are never netted against each other."),
    )  # fmt: skip
    report = Report(
        "deferred", _("Deferred income and contract assets"),
        _("What payers were invoiced and is not earned yet, and what is earned and not invoiced yet."),
        str(words.NAMES["deferred"]), tables=[stands, roll_by_month(books)], detail=list(stands.lines[-1].cells),
    )  # fmt: skip
    report.heads = [(str(words.NAMES[one.code]), one, "") for one in stands.lines[-1].cells]
    if sees_payers():
        report.tables.append(by_line(books, ("deferred", "unpaid", "contract_asset")))
    if not any(one.amount for one in report.figures()):
        report.empty = tables.nothing()
    return report


def rpo(said: Question) -> Report:
    """Return what was agreed and is not earned yet: by stream and line, and when it falls due."""
    books = books_of(said)
    until = said.over(FIRST, said.end)
    codes = ("rpo", "rpo_next", "rpo_later", "rpo_undated")
    stands = tables.by_stream(
        books, "stands", _("At the end of the period"), codes,
        said=_("Booked to date less recognised to date. What has no date, milestones and units, is in neither of the two columns of time."),
    )  # fmt: skip
    report = Report(
        "rpo", _("Still to be performed (RPO)"), _("What the foundation has agreed to do and has not done yet."),
        _("Booked less recognised"), tables=[stands], detail=list(stands.lines[-1].cells),
    )  # fmt: skip
    both = books_of(until)
    report.heads = [
        (str(words.NAMES[f"{code}_to_date"]), Figure.of(f"{code}_to_date", sum(both.by(code, lambda _one: 0).values())), "")
        for code in ("booked", "recognised")
    ] + [(str(words.NAMES[one.code]), one, "") for one in stands.lines[-1].cells]  # fmt: skip
    if sees_payers():
        report.tables.append(by_line(books, codes))
    if not any(one.amount for one in report.figures()):
        report.empty = tables.nothing()
    return report


def by_line(books: Books, codes: tuple[str, ...]) -> Table:
    """Return the contract lines on which most stands, with payer and stream; the totals are of all."""
    columns = {code: books.stands(code, lambda line: line) for code in codes}
    weight: dict[int, int] = defaultdict(int)
    for amounts in columns.values():
        for line, amount in amounts.items():
            weight[line] = max(weight[line], abs(amount))
    ranked = sorted((line for line in weight if weight[line]), key=lambda line: (-weight[line], line))
    chosen = ranked[:MOST]
    names, people = shown.line_names(set(chosen)), payers.named(books.party_of(line) for line in chosen)
    table = Table(
        "lines", _("Contract lines"), _("Contract line"),
        [Head(_("Payer"), "text"), Head(_("Stream"), "text"), *tables.heads(codes)],
        words=_("The first %(shown)s of %(count)s; the totals are of all.", shown=MOST, count=len(ranked)) if len(ranked) > MOST else "",
    )  # fmt: skip
    for line in chosen:
        cells = [Figure.of(code, columns[code].get(line, 0), line=line) for code in codes]
        label = Link(
            names.get(line, str(line)), f"{links.to('reports.line', number=line)}?{books.said.query()}"
        )
        stream = books.said.lists.called(books.stream_of(line))
        table.lines.append(Line(label, [people[books.party_of(line)].name, stream, *cells]))
    totals = [Figure.of(code, sum(columns[code].values())) for code in codes]
    table.lines.append(Line(_("In total"), ["", "", *totals], total=True))
    return table


def waterfall(said: Question) -> Report:
    """Return what was booked in each month, when it was recognised, and what remains of it."""
    books, to_date = books_of(said), books_of(said.over(FIRST, said.end))
    before = books_of(said.over(FIRST, said.start))
    booked = {key: amount for (key,), amount in to_date.moved("booked", "agreed").items()}
    earlier = {key: amount for (key,), amount in before.moved("recognised", "agreed").items()}
    earned = books.moved("recognised", "agreed", "month")
    remains = books.stands("rpo", books.agreed)
    months = said.months
    table = Table(
        "waterfall", _("Booked month by recognised month"), _("Booked in"),
        [Head(str(words.NAMES["booked_to_date"])), Head(str(words.NAMES["recognised_before"])),
         *(Head(f"{month:%Y-%m}", "heat") for month in months), Head(_("Remains"))],
        words=_("Each row is what was agreed in a month, less what was taken back; the columns say in which month it was earned."),
        wide=True,
    )  # fmt: skip
    keys = {key for sums in (booked, earlier, remains) for key, amount in sums.items() if amount}
    keys |= {key for (key, _month), amount in earned.items() if amount}
    for key in sorted(keys):
        cells = _cells(key, booked, earlier, earned, remains, months)
        table.lines.append(Line(str(NOT_MONTHS.get(key, key)), cells))
    every = {month: sum(earned.get((key, month), 0) for key in keys) for month in months}
    table.lines.append(
        Line(
            _("In total"),
            [
                Figure.of("booked_to_date", sum(booked.values())),
                Figure.of("recognised_before", sum(earlier.values())),
                *(Figure.of("recognised", every[month], month=f"{month:%Y-%m}") for month in months),
                Figure.of("rpo", sum(remains.values())),
            ],
            total=True,
        )
    )
    return Report(
        "waterfall", _("Waterfall"), _("When what was booked turns into income, and what of it remains."),
        _("Booked and recognised"), tables=[table] if keys else [], detail=[Figure.of("recognised", sum(every.values()))],
        empty=None if keys else tables.nothing(),
    )  # fmt: skip


def _cells(
    key: str, booked: dict[str, int], earlier: dict[str, int], earned: dict[tuple[str, date], int],
    remains: dict[str, int], months: list[date],
) -> list[Figure]:  # fmt: skip
    return [
        Figure.of("booked_to_date", booked.get(key, 0), agreed=key),
        Figure.of("recognised_before", earlier.get(key, 0), agreed=key),
        *(
            Figure.of("recognised", earned.get((key, month), 0), agreed=key, month=f"{month:%Y-%m}")
            for month in months
        ),
        Figure.of("rpo", remains.get(key, 0), agreed=key),
    ]
