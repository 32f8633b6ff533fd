"""The forecast of a year in bands, the surest first, with every probability printed and each amount opening its items."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal.core import catalogue, clock, i18n
from portal.core.money import Money
from portal.core.words import day, money
from portal.reports import known
from portal.reports.charts import bands, scale
from portal.reports.charts.paired import Draw
from portal.reports.goals import expecting, page_targets, targets
from portal.reports.goals.forecast import BANDS, CERTAIN, WHOLE, Forecast
from portal.reports.income import behind, links, pages
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Row, Table
from portal.reports.income.pages import Page
from portal.reports.once import once
from portal.reports.spread.reporting import Banner, Pictured, sentence

CODE = "expected"
OUTLOOK = "office/reports/outlook.html"
NAMES = {
    "recognised": _l("Recognised"), "scheduled": _l("Scheduled: invoiced, dated inside the year"),
    "committed": _l("Committed: signed, dated, not invoiced or not accepted"), "renewals": _l("Renewals × probability"),
    "pipeline": _l("Pipeline × stage"),
}  # fmt: skip
SHORT = {
    "recognised": _l("Recognised"), "scheduled": _l("Scheduled"), "committed": _l("Committed"), "renewals": _l("Renewals likely"),
    "pipeline": _l("Pipeline"),
}  # fmt: skip


def install() -> None:
    """Add the page, and let its amounts open what they are made of."""
    pages.add(Page("forecast", _l("Forecast"), build, tab=61, template=OUTLOOK))
    behind.add(
        Kind(
            CODE, _l("Expected of the year"),
            _l("What of the fiscal year is earned, planned, signed, may be renewed or is under way, as known on the day, at its probability."),
            _rows, ("band", "stream", "month"),
        )
    )  # fmt: skip


def gathered(said: Question) -> tuple[Forecast, tuple[int, bool, int]]:
    """Return the forecast of the year in which the period ends, and the probability of renewals it is made with."""
    start, end = expecting.year_of(said.last_day)
    whole = said.over(start, end)

    def make() -> tuple[Forecast, tuple[int, bool, int]]:
        odds = expecting.renewal_percent(said.known)
        return expecting.forecast(books_of(whole), start.year, odds[0]), odds

    return once(("forecast", *whole.args().items(), start, said.known), make)


def _rows(said: Question, by: Narrower) -> list[Row]:
    found, _odds = gathered(said)
    return [
        Row(one.amount, one.stream, None, one.month, one.party, one.line, ("order_line", one.line) if one.line else None, _said(one.band, one.words))
        for band in BANDS
        for one in found.of(band, stream=by.get("stream", ""))
        if by.get("band", band) == band and by.get("month", f"{one.month:%Y-%m}") == f"{one.month:%Y-%m}"
    ]  # fmt: skip


def _said(band: str, words: str) -> str:
    name = str(SHORT[band])
    return f"{name}: {words}" if words else name


def build(said: Question) -> Pictured:
    """Return the bands of the year by stream, and month by month against the target."""
    found, odds = gathered(said)
    goal = next(
        (one for one in page_targets.goals(said, found.year) if one.scope == "total" and not one.ambition),
        None,
    )
    report = Pictured(
        "forecast", _("Where will the year end?"),
        _("From what is earned to what is only hoped for. A signed remainder without a date is left out: it stands in what is to be performed."),
        _("Recognised, and what is expected to be"), detail=[Figure.of(CODE, found.total)],
        actions=[Link(_("Targets"), f"{links.to('reports.targets')}?{said.query()}")],
    )  # fmt: skip
    if said.known < clock.today() and found.sum("pipeline"):
        report.warnings.append(
            _(
                "What is under way, quotes and applications, is read as it stands today: its earlier stages are not kept."
            )
        )
    report.banners.append(_banner(found, goal))
    report.draw(_months(found), _drawing(found, goal))
    report.tables.append(_streams(said, found))
    report.tables.append(_odds(odds, said.known))
    if not found.items:
        report.empty = (
            _("Nothing to expect yet"),
            _("Signed lines, terms that end and open quotes appear here."),
        )
    return report


def _banner(found: Forecast, goal: targets.Target | None) -> Banner:
    sure = sum(found.sum(band) for band in CERTAIN)
    said = _(
        "%(total)s expected for %(year)s, %(sure)s of it earned, scheduled or signed, as of %(day)s.",
        total=money(Money(found.total)), year=found.year, sure=money(Money(sure)), day=day(found.through),
    )  # fmt: skip
    if goal is None:
        return Banner("mute", _("Forecast"), said)
    if sure >= goal.amount:
        return Banner("good", _("The target is safe"), said)
    gap = money(Money(goal.amount - found.total))
    if found.total >= goal.amount:
        return Banner("warn", _("The target hangs on what is not signed"), said)
    return Banner(
        "bad",
        _("The target is out of sight"),
        _("%(said)s %(gap)s are missing to the target.", said=said, gap=gap),
    )


def _months(found: Forecast) -> Table:
    table = Table("months", _("How does the year add up?"), _("Month"), [*(Head(str(SHORT[band])) for band in BANDS), Head(_("In total"))])  # fmt: skip
    for month in found.months:
        key = f"{month:%Y-%m}"
        cells = [Figure.of(CODE, found.sum(band, month=month), band=band, month=key) for band in BANDS]
        table.lines.append(Line(key, [*cells, Figure.of(CODE, sum(one.amount for one in cells), month=key)]))
    totals = [Figure.of(CODE, found.sum(band), band=band) for band in BANDS]
    table.lines.append(Line(_("In total"), [*totals, Figure.of(CODE, found.total)], total=True))
    return table


def _streams(said: Question, found: Forecast) -> Table:
    table = Table(
        "streams",
        _("By stream"),
        _("Stream"),
        [*(Head(str(SHORT[band])) for band in BANDS), Head(_("In total"))],
    )
    table.words = " · ".join(str(NAMES[band]) for band in BANDS[1:])
    known = list(said.lists.streams)
    for stream in [*known, *sorted({one.stream for one in found.items} - set(known))]:
        cells = [Figure.of(CODE, found.sum(band, stream=stream), band=band, stream=stream) for band in BANDS]
        whole = Figure.of(CODE, sum(one.amount for one in cells), stream=stream)
        table.lines.append(Line(said.lists.called(stream), [*cells, whole]))
    totals = [Figure.of(CODE, found.sum(band), band=band) for band in BANDS]
    table.lines.append(Line(_("In total"), [*totals, Figure.of(CODE, found.total)], total=True))
    return table


def _odds(odds: tuple[int, bool, int], on: date) -> Table:
    percent, own, due = odds
    least = int(known.policy("forecast.own_renewals", on))
    table = Table(
        "odds",
        _("With which probabilities"),
        _("What"),
        [Head(_("Probability"), "share"), Head(_("Reason for it"), "text")],
    )
    why = (
        _("our own: %(due)s terms came up for renewal so far", due=due)
        if own
        else _(
            "assumed until %(least)s renewals of our own exist; %(due)s came up so far", least=least, due=due
        )
    )
    table.lines.append(Line(_("A term that ends is renewed"), [f"{percent} %", why]))
    for body in known.entries("pipeline_stage", on).values():
        table.lines.append(
            Line(catalogue.in_words(body["name"]), [f"{body['percent']} %", _("stage of the catalogue")])
        )
    for band in CERTAIN:
        table.lines.append(Line(str(SHORT[band]), [f"{WHOLE} %", _("earned, planned or signed")]))
    return table


def _drawing(found: Forecast, goal: targets.Target | None) -> Draw:
    unit = scale.unit(i18n.language())
    layers = [
        bands.Band(str(SHORT[band]), [found.sum(band, month=month) for month in found.months])
        for band in BANDS
    ]
    said = sentence((one.name, money(Money(sum(one.amounts)))) for one in layers)
    known = found.through.month if found.through >= date(found.year, 1, 1) else 0
    chinese = i18n.language().startswith("zh")
    labels = [f"{month.month}月" if chinese else f"{month:%b}" for month in found.months]
    line = (goal.amount, _("Target %(amount)s", amount=unit.said(Money(goal.amount)))) if goal else None

    def draw(prefix: str, width: float) -> Markup:
        return bands.bands(
            prefix, labels, layers, unit=unit, title=_("How the year adds up, month by month"), said=said, known=known,
            today=_("today"), goal=line, width=width,
        )  # fmt: skip

    return draw
