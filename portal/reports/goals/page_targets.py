"""The targets of a year: what is reached, the pace, what is needed a month, and the counts beside money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from portal.core import clock, i18n, labels
from portal.core.money import Money
from portal.core.words import day
from portal.reports.charts import bullets, scale
from portal.reports.charts.paired import Draw
from portal.reports.goals import count_tables, pace, targets
from portal.reports.goals.pace import Pace
from portal.reports.goals.targets import INCOME, Target
from portal.reports.income import links, pages, words
from portal.reports.income.asked import Question
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Table
from portal.reports.income.pages import Page
from portal.reports.measures import digits
from portal.reports.spread import spoken
from portal.reports.spread.reporting import Banner, Pictured, sentence
from portal.reports.spread.windows import over, setting

OUTLOOK = "office/reports/outlook.html"
CODES = {
    "recognised": "recognised",
    "invoiced": "net_invoiced",
    "collected": "collected_net",
    "booked": "booked",
}


def install() -> None:
    """Add the page."""
    pages.add(Page("targets", _l("Targets"), build, tab=60, template=OUTLOOK))


@dataclass(frozen=True, slots=True)
class Held:
    """A target of income with what is reached of it."""

    target: Target
    pace: Pace
    figure: Figure


def goals(said: Question, year: int) -> list[Target]:
    """Return the targets of a year as known; imported books bring their own of income."""
    found = targets.in_force(year, said.known)
    own = said.lists.targets.get(year) if said.lists.version.startswith("books") else None
    if not own:
        return found
    brought = [
        Target(targets.code_of(year, INCOME, scope), INCOME, scope, year, int(goal), "recognised", (), _("Imported books"), False)
        for scope, goal in [("total", sum(own.values())), *((f"group:{code}", goal) for code, goal in own.items())]
    ]  # fmt: skip
    return [*brought, *(one for one in found if one.measure != INCOME)]


def hold(said: Question, goal: Target, books: Books, through: date) -> Held:
    """Return how a target of income stands when a day has ended."""
    code = CODES[goal.basis]
    pieces = books.by(code, lambda one: one.stream)
    groups = said.lists.groups
    amount = sum(
        fen
        for stream, fen in pieces.items()
        if goal.stream in ("", stream) and goal.group in ("", groups.get(stream))
    )
    bound = Fraction(setting("target.at_risk", said.known, "0.9"))
    found = pace.look(
        goal.amount,
        amount,
        start=goal.start,
        end=goal.end,
        through=through,
        profile=goal.profile,
        bound=bound,
    )
    figure = over(code, amount, books.said.start, books.said.end, stream=goal.stream, group=goal.group)
    return Held(goal, found, figure)


def build(said: Question) -> Pictured:
    """Return the targets of the year in which the period ends, as reached by then."""
    year = said.last_day.year
    to_date = said.over(date(year, 1, 1), said.end)
    through = min(said.last_day, said.known, clock.today())
    books, found = books_of(to_date), goals(said, year)
    held = [hold(said, one, books, through) for one in found if one.measure == INCOME]
    report = Pictured(
        "targets", _("Will the year reach its targets?"),
        _("Pace compares what is reached with what should be by now; at 1 a target is on track. Each target says on which basis it stands and who set it."),
        _("As each target says"), detail=[one.figure for one in held],
        actions=[Link(_("Set a target"), links.to("reports.target_setting")), Link(_("Costs of months"), links.to("reports.costs")), Link(_("Forecast"), f"{links.to('reports.forecast')}?{said.query()}")],
    )  # fmt: skip
    if not found:
        report.empty = (_("No target for %(year)s", year=year), _("Propose one; a second person sets it, and it is kept as a dated row."))  # fmt: skip
        return report
    if held:
        report.banners.append(_banner(held[0], through))
        report.draw(
            _income(said, held, through), _drawing(said, [one for one in held if not one.target.ambition])
        )
    report.tables.append(count_tables.counted_table(said, found, through))
    report.tables.append(count_tables.watched(through))
    return report


def _banner(one: Held, through: date) -> Banner:
    stands = one.pace.standing
    share = spoken.percent(one.pace.attainment) if one.pace.attainment is not None else _("no data")
    said = _(
        "%(share)s of the year’s target is reached on %(day)s; by now it should be %(due)s.",
        share=share, day=day(through), due=spoken.percent(one.pace.weight),
    )  # fmt: skip
    return Banner(labels.tone(stands), labels.label(stands), said)


def _income(said: Question, held: list[Held], through: date) -> Table:
    heads = [
        Head(_("Reached so far")), Head(_("Target"), "share"), Head(_("Attainment"), "share"), Head(_("Pace"), "share"),
        Head(_("Judgement"), "text"), Head(_("Needed a month"), "share"), Head(_("Basis"), "text"), Head(_("Set by"), "text"),
    ]  # fmt: skip
    table = Table("income", _("What is reached of the year’s income?"), _("Target"), heads)
    left = held[0].pace.months_left
    table.words = ngettext(
        "To %(day)s; %(num)s full month is left.",
        "To %(day)s; %(num)s full months are left.",
        left,
        day=day(through),
    )
    for one in held:
        found = one.pace
        table.lines.append(
            Line(
                count_tables.name_of(said, one.target),
                [one.figure, spoken.fen(found.goal), spoken.percent(found.attainment) if found.attainment is not None else "–",
                 digits(found.pace, 4) or _("no data"), labels.label(found.standing),
                 spoken.fen(found.needed) if found.needed is not None else "–", str(words.NAMES[CODES[one.target.basis]]),
                 one.target.set_by],
                note=_("by a profile of months") if one.target.profile else "",
            )
        )  # fmt: skip
    return table


def _drawing(said: Question, held: list[Held]) -> Draw:
    unit = scale.unit(i18n.language())
    rows = []
    for n, one in enumerate(held):
        found = one.pace
        fitted = unit.fitting([found.goal])
        words_ = _("%(reached)s of %(goal)s %(unit)s · %(verdict)s", reached=fitted.said(Money(found.actual)),
                   goal=fitted.said(Money(found.goal)), unit=unit.name, verdict=labels.label(found.standing))  # fmt: skip
        rows.append(
            bullets.Bullet(
                count_tables.name_of(said, one.target), found.actual, found.goal, found.due, words_, n
            )
        )
    spoken_rows = sentence((row.name, row.said) for row in rows)

    def draw(prefix: str, width: float) -> Markup:
        return bullets.bullets(
            prefix, rows, pace=_("where the year should be by now"), title=_("Income against its targets"), said=spoken_rows,
            width=width,
        )  # fmt: skip

    return draw
