"""The targets of a year: what is reached, the pace, what is needed a month, and the counts beside money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal.core import clock, i18n, labels
from portal.core.money import Money
from portal.core.words import day
from portal.core.words import month as month_words
from portal.reports.charts import bullets, scale
from portal.reports.charts.paired import Draw
from portal.reports.goals import counts, pace, targets
from portal.reports.goals.counts import Counted, Cover
from portal.reports.goals.pace import Pace, Standing
from portal.reports.goals.targets import FIRST_ANSWERS, INCOME, WHOLE_BP, Target
from portal.reports.income import links, pages, words
from portal.reports.income.asked import Question
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Table
from portal.reports.income.pages import Page
from portal.reports.lists import group_name
from portal.reports.measures import digits
from portal.reports.spread import spoken
from portal.reports.spread.reporting import Banner, Pictured, sentence
from portal.reports.spread.windows import over, setting

OUTLOOK = "office/reports/outlook.html"
T = Standing
labels.name(
    Standing,
    {T.ON_TRACK: _l("On track"), T.AT_RISK: _l("At risk of the target"), T.BEHIND: _l("Behind"), T.NO_DATA: _l("no data")},
    {T.ON_TRACK: "good", T.AT_RISK: "warn", T.BEHIND: "bad"},
)  # fmt: skip
CODES = {
    "recognised": "recognised",
    "invoiced": "net_invoiced",
    "collected": "collected_net",
    "booked": "booked",
}
NAMES = {
    "organisations": _l("Organisations in force"), "certified": _l("People with a valid certificate"),
    "universities": _l("Partner universities"), "first_answers": _l("First answers within 24 hours"),
    "conversion": _l("Organisations that pay"), "cost": _l("Months of cost covered"), "at_risk": _l("Renewals at risk"),
}  # fmt: skip


def install() -> None:
    """Add the page."""
    pages.add(Page("targets", _l("Targets"), build, tab=60, template=OUTLOOK))


@dataclass(frozen=True, slots=True)
class Held:
    """A target of income with what is reached of it."""

    target: Target
    pace: Pace
    figure: Figure


def name_of(said: Question, one: Target) -> str:
    """Return what a target is of."""
    if one.measure != INCOME:
        return str(NAMES[one.measure])
    if one.group:
        name = group_name(one.group)
    else:
        name = said.lists.called(one.stream) if one.stream else _("All income")
    return _("%(name)s (ambition)", name=name) if one.ambition else name


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
        actions=[Link(_("Set a target"), links.to("reports.target_setting")), Link(_("Forecast"), f"{links.to('reports.forecast')}?{said.query()}")],
    )  # fmt: skip
    if not found:
        report.empty = (_("No target for %(year)s", year=year), _("Propose one; a second person sets it, and it is kept as a dated row."))  # fmt: skip
        return report
    if held:
        report.banners.append(_banner(held[0], through))
        report.draw(
            _income(said, held, through), _drawing(said, [one for one in held if not one.target.ambition])
        )
    report.tables.append(_counted(said, found, through))
    report.tables.append(watched(through))
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
        Head(_("Reached")), Head(_("Target"), "share"), Head(_("Attainment"), "share"), Head(_("Pace"), "share"),
        Head(_("Verdict"), "text"), Head(_("Needed a month"), "share"), Head(_("Basis"), "text"), Head(_("Set by"), "text"),
    ]  # fmt: skip
    table = Table("income", _("What is reached of the year’s income?"), _("Target"), heads, wide=True)
    left = held[0].pace.months_left
    table.words = _("To %(day)s; %(left)s full months are left.", day=day(through), left=left)
    for one in held:
        found = one.pace
        table.lines.append(
            Line(
                name_of(said, one.target),
                [one.figure, _fen(found.goal), spoken.percent(found.attainment) if found.attainment is not None else "–",
                 digits(found.pace, 4) or _("no data"), labels.label(found.standing),
                 _fen(found.needed) if found.needed is not None else "–", str(words.NAMES[CODES[one.target.basis]]),
                 one.target.set_by],
                note=_("by a profile of months") if one.target.profile else "",
            )
        )  # fmt: skip
    return table


def _fen(amount: int) -> str:
    return f"{Money(amount).decimal:,.2f}"


def _drawing(said: Question, held: list[Held]) -> Draw:
    unit = scale.unit(i18n.language())
    rows = []
    for n, one in enumerate(held):
        found = one.pace
        fitted = unit.fitting([found.goal])
        words_ = _("%(reached)s of %(goal)s %(unit)s · %(verdict)s", reached=fitted.said(Money(found.actual)),
                   goal=fitted.said(Money(found.goal)), unit=unit.name, verdict=labels.label(found.standing))  # fmt: skip
        rows.append(bullets.Bullet(name_of(said, one.target), found.actual, found.goal, found.due, words_, n))
    spoken_rows = sentence((row.name, row.said) for row in rows)

    def draw(prefix: str, width: float) -> Markup:
        return bullets.bullets(
            prefix, rows, pace=_("where the year should be by now"), title=_("Income against its targets"), said=spoken_rows,
            width=width,
        )  # fmt: skip

    return draw


def counted(one: Target, through: date) -> Counted:
    """Return what is reached of a target that is counted."""
    if one.measure == "certified":
        return counts.people(through)
    if one.measure == FIRST_ANSWERS:
        return counts.first_answers(one.start, min(one.end, through + counts.DAY), through)
    return counts.organisations(through, category=counts.UNIVERSITY if one.measure == "universities" else "")


def _counted(said: Question, found: list[Target], through: date) -> Table:
    heads = [
        Head(_("Reached"), "count"), Head(_("Target"), "count"), Head(_("Attainment"), "share"), Head(_("Pace"), "share"),
        Head(_("Verdict"), "text"), Head(_("Set by"), "text"),
    ]  # fmt: skip
    table = Table("counts", _("What is counted"), _("Target"), heads)
    table.words = _("As of %(day)s. Each number opens its rows.", day=day(through))
    bound = Fraction(setting("target.at_risk", said.known, "0.9"))
    for one in found:
        if one.measure != INCOME:
            reached = counted(one, through)
            cells = (
                _rate(one, reached, through)
                if one.measure == FIRST_ANSWERS
                else _count(one, reached, through, bound)
            )
            table.lines.append(Line(name_of(said, one), [*cells, one.set_by], note=_note(reached)))
    return table


def _note(reached: Counted) -> str:
    if reached.code == "organisations" and reached.note:
        return _("of them %(count)s founding members, whose first dues are waived", count=reached.note)
    return ""


def _opens(code: str, words_: str, through: date) -> Link:
    return Link(words_, links.to("reports.counted", code=code, day=str(through)))


def _count(one: Target, reached: Counted, through: date, bound: Fraction) -> list[object]:
    found = pace.look(
        one.amount,
        reached.number,
        start=one.start,
        end=one.end,
        through=through,
        profile=one.profile,
        bound=bound,
    )
    return [
        _opens(reached.code, f"{reached.number:,}", through), f"{one.amount:,}",
        spoken.percent(found.attainment) if found.attainment is not None else "–", digits(found.pace, 4) or _("no data"),
        labels.label(found.standing),
    ]  # fmt: skip


def _rate(one: Target, reached: Counted, through: date) -> list[object]:
    """Return a rate against its target: it has no pace, it is kept or not."""
    if not reached.whole:
        return [
            _("no data"),
            spoken.percent(Fraction(one.amount, WHOLE_BP)),
            "–",
            "–",
            labels.label(Standing.NO_DATA),
        ]
    kept = reached.number * WHOLE_BP >= one.amount * reached.whole
    said = _("%(part)s of %(whole)s", part=reached.number, whole=reached.whole)
    return [
        Link(said, links.to("reports.counted", code=FIRST_ANSWERS, day=str(through))), spoken.percent(Fraction(one.amount, WHOLE_BP)),
        spoken.percent(Fraction(reached.number, reached.whole)), "–", labels.label(Standing.ON_TRACK if kept else Standing.BEHIND),
    ]  # fmt: skip


def watched(through: date) -> Table:
    """Return what is watched without a target: who pays of those who use, and how many months the bank lasts."""
    table = Table(
        "watched", _("Watched without a target"), _("Measure"),
        [Head(_("Part"), "count"), Head(_("Out of"), "count"), Head(_("Ratio"), "share"), Head(_("How"), "text")],
    )  # fmt: skip
    paying, found = counts.conversion(through), counts.cover(through)
    table.lines.append(
        Line(
            str(NAMES["conversion"]),
            [_opens("conversion", f"{paying.number:,}", through), f"{paying.whole or 0:,}", spoken.share(paying.share),
             _("Organisations that paid within 12 months, of those with a registered user or node.")],
        )
    )  # fmt: skip
    table.lines.append(
        Line(str(NAMES["cost"]), [_fen(found.cash), _cost(found), _months(found), _how(found)])
    )
    return table


def _cost(found: Cover) -> str:
    total = sum(cost for _month, cost in found.costs)
    return _fen(total // len(found.costs)) if found.costs and total > 0 else "–"


def _months(found: Cover) -> str:
    return digits(found.months, 1) or _("no data") if found.months is not None else _("no data")


def _how(found: Cover) -> str:
    first, last = found.costs[0][0], found.costs[-1][0]
    source = (
        _("as finance stated") if found.stated else _("as booked on accounts of cost, which may not be all")
    )
    return _(
        "Bank balance over the average cost of a month, %(first)s to %(last)s, %(source)s.",
        first=month_words(first), last=month_words(last), source=source,
    )  # fmt: skip
