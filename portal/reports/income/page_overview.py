"""The overview: all bases side by side by stream, what moved in the period and what stands at its end."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.reports.income import pages, tables, words
from portal.reports.income.asked import Question
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Report
from portal.reports.income.pages import Page

MOVED = ("booked", "invoiced_net", "credited_net", "collected_net", "refunded_net", "recognised")
STANDS = ("deferred", "unpaid", "contract_asset", "rpo", "rpo_next", "ar")


def install() -> None:
    """Add the page."""
    pages.add(Page("overview", _l("Overview"), build, tab=10))


def build(said: Question) -> Report:
    """Return the bases side by side."""
    books = books_of(said)
    moved = tables.by_stream(
        books, "moved", _("In the period"), MOVED,
        said=_("Net of VAT, in CNY. Credit notes and refunds have their own columns and are never netted."),
    )  # fmt: skip
    stands = tables.by_stream(
        books, "stands", _("At the end of the period"), STANDS,
        said=_("Each contract line by itself: deferred income is never netted against contract assets. Receivables are gross."),
    )  # fmt: skip
    report = Report(
        "overview", _("Income on all bases"),
        _("Bases stand side by side and are never mixed. Each amount opens the rows that sum to it."), _("All bases"),
        tables=[moved, stands], detail=list(moved.lines[-1].cells),
    )  # fmt: skip
    totals: dict[str, Figure] = {one.code: one for one in [*moved.lines[-1].cells, *stands.lines[-1].cells]}
    report.heads = [
        (str(words.NAMES[code]), totals[code], "")
        for code in ("booked", "collected_net", "recognised", "deferred", "rpo")
    ]
    if not any(one.amount for one in report.figures()):
        report.empty = (
            _("No income on any basis"),
            _(
                "Nothing was agreed, invoiced, collected or earned by the end of this period, as known on that day."
            ),
        )
    return report
