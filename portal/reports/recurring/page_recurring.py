"""Recurring income and its moves over a period, what was kept of it, and cohorts of money."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal.billing import months
from portal.billing.plans import DAY
from portal.core import i18n
from portal.core.money import Money
from portal.core.periods import nth
from portal.core.words import day, money
from portal.core.words import month as month_words
from portal.reports.charts import scale, waterfall
from portal.reports.charts.paired import Draw
from portal.reports.income import pages, payers
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Head, Line, Table
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers
from portal.reports.measures import digits
from portal.reports.recurring import arr_rows, running
from portal.reports.recurring.arr import MOVES, SIGNS, Movement, Run, arr, cohorts, movement, waived
from portal.reports.spread.reporting import Pictured, sentence

OUTLOOK = "office/reports/outlook.html"
NAMES = {
    "new": _l("New"), "reactivation": _l("Come back"), "expansion": _l("Expansion"), "contraction": _l("Contraction"),
    "churn": _l("Churn"),
}  # fmt: skip
MOST_ENDS, MOST_MOVES = 12, 50


def install() -> None:
    """Add the page."""
    pages.add(Page("recurring", _l("Recurring"), build, tab=70, template=OUTLOOK))


def build(said: Question) -> Pictured:
    """Return recurring income the day before the period and at its end, as known, with the moves between."""
    runs = running.runs(said.known)
    first, last = said.start - DAY, min(said.last_day, said.known)
    report = Pictured(
        "recurring", _("How much comes back every year?"),
        _("What runs on a day by its yearly value: dues, support and licences. It is a rate and no income; a leap day moves nothing."),
        _("Yearly value of lines in force, no income"),
    )  # fmt: skip
    if last <= first or not any(one.net for one in runs):
        report.empty = (_("Nothing recurring yet"), _("Daily lines of dues, support and licences appear here once they are agreed."))  # fmt: skip
        return report
    found = movement(runs, first, last)
    report.detail = [Figure.of(arr_rows.ON, found.closing, on=last)]
    report.draw(_bridge(found), _drawing(found))
    report.tables.append(_kept(found, runs))
    report.tables.append(_streams(said, runs, first, last))
    if sees_payers():
        report.tables.append(_moves(found))
    report.tables.append(_cohorts(runs, said, last))
    return report


def _bridge(found: Movement) -> Table:
    """Return opening, moves and closing: E = S + new + reactivation + expansion − contraction − churn."""
    table = Table(
        "bridge", _("What moved it?"), _("Move"), [Head(_("Customers"), "count"), Head(_("A year"))]
    )
    table.words = _(
        "From the end of %(first)s to the end of %(last)s.", first=day(found.first), last=day(found.last)
    )
    table.lines.append(
        Line(_("Opening"), [len(found.opened), Figure.of(arr_rows.ON, found.opening, on=found.first)])
    )
    for kind in MOVES:
        amount = Figure.of(arr_rows.MOVED, found.sum(kind), kind=kind, first=found.first, last=found.last)
        sign = "+" if SIGNS[kind] > 0 else "−"
        table.lines.append(Line(str(NAMES[kind]), [len(found.of(kind)), amount], note=sign))
    closing = Figure.of(arr_rows.ON, found.closing, on=found.last)
    table.lines.append(Line(_("Closing"), [len(found.closed), closing], total=True))
    return table


def _drawing(found: Movement) -> Draw:
    steps = [
        waterfall.Step(_("Opening"), found.opening, balance=True),
        *(waterfall.Step(str(NAMES[kind]), SIGNS[kind] * found.sum(kind)) for kind in MOVES),
        waterfall.Step(_("Closing"), found.closing, balance=True),
    ]
    said = sentence((one.name, money(Money(one.amount))) for one in steps)

    def draw(prefix: str, width: float) -> Markup:
        return waterfall.waterfall(
            prefix,
            steps,
            unit=scale.unit(i18n.language()),
            title=_("How recurring income moved"),
            said=said,
            width=width,
        )

    return draw


def _kept(found: Movement, runs: list[Run]) -> Table:
    table = Table(
        "kept", _("What was kept"), _("Figure"), [Head(_("Ratio"), "share"), Head(_("How"), "text")]
    )
    gross, net = found.gross, found.net
    table.lines += [
        Line(_("Kept without growth (GRR)"), [digits(gross) or _("no data"), _("(opening − churn − contraction) / opening")]),
        Line(_("Kept with growth (NRR)"), [digits(net) or _("no data"), _("the same, with expansion; new money is not in it")]),
        Line(_("Customers who pay"), [f"{len(found.opened)} → {len(found.closed)}", _("with something running at both ends")]),
        Line(_("Waived"), [f"{len(waived(runs, found.first))} → {len(waived(runs, found.last))}", _("count as customers, not as money")]),
    ]  # fmt: skip
    return table


def _streams(said: Question, runs: list[Run], first: date, last: date) -> Table:
    table = Table("streams", _("By stream"), _("Stream"), [Head(day(first)), Head(day(last))])
    totals = [0, 0]
    for stream in running.streams(said.known):
        mine = [one for one in runs if one.stream == stream]
        sums = [sum(arr(mine, at).values()) for at in (first, last)]
        # What runs counts in every total: a stream that left the list keeps its row while something of it runs.
        if stream not in said.lists.groups and not any(sums):
            continue
        totals = [a + b for a, b in zip(totals, sums, strict=True)]
        cells = [
            Figure.of(arr_rows.ON, fen, on=at, stream=stream)
            for fen, at in zip(sums, (first, last), strict=True)
        ]
        table.lines.append(Line(said.lists.called(stream), cells))
    cells = [Figure.of(arr_rows.ON, fen, on=at) for fen, at in zip(totals, (first, last), strict=True)]
    table.lines.append(Line(_("In total"), cells, total=True))
    return table


def _moves(found: Movement) -> Table:
    """Return the customers that moved, the largest moves first."""
    rows = sorted(found.moves, key=lambda one: (-one.amount, one.customer))
    people = payers.named(one.customer for one in rows[:MOST_MOVES])
    heads = [Head(_("Kind of move"), "text"), Head(day(found.first)), Head(day(found.last))]
    table = Table("moves", _("Who moved"), _("Customer"), heads)
    if len(rows) > MOST_MOVES:
        table.words = _(
            "The first %(shown)s of %(count)s; the totals are of all.", shown=MOST_MOVES, count=len(rows)
        )
    for one in rows[:MOST_MOVES]:
        name = people[one.customer].name if one.customer in people else str(one.customer)
        table.lines.append(
            Line(
                name,
                [
                    str(NAMES[one.kind]),
                    Figure.of(arr_rows.ON, one.before, on=found.first, payer=one.customer),
                    Figure.of(arr_rows.ON, one.after, on=found.last, payer=one.customer),
                ],
            )
        )
    return table


def _ends(said: Question, last: date) -> list[date]:
    """Return the ends of the months up to the last day, at most twelve, the last day itself as the last of them."""
    found, month = [last], months.first_of(last)
    while len(found) < MOST_ENDS and month > said.start:
        found.append(month - DAY)
        month = nth(month, 1, -1)
    return found[::-1]


def _cohorts(runs: list[Run], said: Question, last: date) -> Table:
    """Return cohorts by the month of the first paid term: what is left of each at the ends of months."""
    ends = _ends(said, last)
    table = Table("cohorts", _("Cohorts of money"), _("First paid term"), [Head(_("Customers"), "count"), *(Head(f"{end:%Y-%m}") for end in ends)], wide=True)  # fmt: skip
    table.words = _(
        "By the month in which the first paid term began, from terms and never from a stated day."
    )
    totals = dict.fromkeys(ends, 0)
    for one in cohorts(runs, ends):
        held = dict(one.values)
        cells: list[object] = [len(one.customers)]
        for end in ends:
            totals[end] += held.get(end, 0)
            cells.append(
                Figure.of(arr_rows.COHORT, held[end], on=end, cohort=f"{one.month:%Y-%m}")
                if end in held
                else ""
            )
        table.lines.append(Line(month_words(one.month), cells))
    whole = [Figure.of(arr_rows.ON, totals[end], on=end) for end in ends]
    table.lines.append(Line(_("In total"), ["", *whole], total=True))
    return table
