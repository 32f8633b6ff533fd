"""The reconciliation: each balance opening + movements = closing, beside its accounts, any difference in words."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts.may import May
from portal.core import heap
from portal.reports.closed import ledger_rows
from portal.reports.closed.positions import Position, positions, said
from portal.reports.facts import gather
from portal.reports.flows import Flows
from portal.reports.income import pages
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Head, Line, Link, Report, Table
from portal.reports.income.pages import Page


def install() -> None:
    """Add the page and the rows behind its figures."""
    ledger_rows.install()
    pages.add(Page("reconciliation", _l("Reconciliation"), build, May.READ_MONEY, tab=80))


def _figure(one: Position, part: str, amount: int) -> Figure:
    return Figure.of(ledger_rows.CODE, amount, of=one.code, part=part)


def _table(one: Position, month: str | None) -> Table:
    if one.holds:
        words = _("Agrees with its accounts.")
        if one.waits:
            words += " " + _(
                "Earned and not booked yet: %(sum)s; the nightly chore books it when its month is over.",
                sum=said(abs(one.waits)),
            )
    else:
        words = " ".join([_("Differs."), *one.faults()])
    made = Table(one.code, one.words, _("Movement"), [Head(_("Amount (CNY)"))], words=words)
    if one.code != "streams":
        made.lines.append(Line(_("Opening"), [_figure(one, "opening", one.opening)]))
    made.lines += [Line(move.words, [_figure(one, move.code, move.amount)]) for move in one.moves]
    made.lines.append(Line(_("Closing"), [_figure(one, "closing", one.closing)], total=True))
    journal = url_for("money.journal", account=one.accounts[0], month=month)
    names = _(", ").join(one.accounts)
    booked = Line(
        Link(_("The accounts say"), journal), [_figure(one, "booked", one.booked)], total=True, note=names
    )
    made.lines.append(booked)
    return made


def build(asked: Question) -> Report:
    """Return every roll-forward of the period, of the whole books."""
    whole = ledger_rows.whole(asked)
    with heap.filling():
        flows = Flows(gather(whole.known, whole.start, whole.last_day), whole.lists)
        found = positions(flows)
    month = f"{whole.start:%Y-%m}" if whole.start == whole.last else None
    report = Report(
        "reconciliation", _("Reconciliation"),
        _("Opening + movements = closing, beside what the accounts say. Each amount opens the rows that sum to it."),
        _("Balances of the journal"), tables=[_table(one, month) for one in found],
    )  # fmt: skip
    report.warnings = [f"{one.words}: {fault}" for one in found if not one.holds for fault in one.faults()]
    if asked.narrowed:
        report.warnings.append(
            _("A reconciliation is of the whole books: streams and payers are not asked for here.")
        )
    return report
