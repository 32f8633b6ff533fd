"""The page of contradictions: what the plan says twice, with every parameter, what was decided, by whom, since when."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core.words import day
from portal.reports.goals import conflicts
from portal.reports.goals.conflicts import Conflict, Side
from portal.reports.income import pages
from portal.reports.income.asked import Question
from portal.reports.income.figure import Head, Line, Table
from portal.reports.income.pages import Page
from portal.reports.measures import digits
from portal.reports.spread import spoken
from portal.reports.spread.reporting import Pictured

OUTLOOK = "office/reports/outlook.html"


def install() -> None:
    """Add the page."""
    pages.add(Page("contradictions", _l("Contradictions"), build, tab=90, template=OUTLOOK))


def build(said: Question) -> Pictured:
    """Return every contradiction as of the day known, its sums worked out from its parameters."""
    found = conflicts.in_force(said.known, said.lists.limit)
    report = Pictured(
        "contradictions", _("Where does the plan contradict itself?"),
        _("Each row says what the plan says twice, what was decided meanwhile, by whom and since when. The sums are worked out from the parameters shown."),
        _("Parameters of the plan, no income"),
    )  # fmt: skip
    if not found:
        report.empty = (_("No contradiction is on record"), _("They are dated rows of the catalogue."))
    if found:
        report.tables = [_listed(found), *(_table(n, one) for n, one in enumerate(found, 1))]
    return report


def _listed(found: list[Conflict]) -> Table:
    """Return the contradictions themselves: what was decided, by whom, since when."""
    heads = [
        Head(_("What was decided"), "text"),
        Head(_("Who owns it"), "text"),
        Head(_("Since"), "share"),
        Head(_("Version"), "count"),
    ]
    table = Table("all", _("What was decided meanwhile"), _("Contradiction"), heads)
    for n, one in enumerate(found, 1):
        cells = [one.decision, one.owner, day(one.since), one.version]
        table.lines.append(Line(f"{n}. {one.conflict}", cells))
    return table


def _table(n: int, one: Conflict) -> Table:
    """Return the parameters of a contradiction with what they come to."""
    counted = all(side.counted for side in one.sides)
    heads = [Head(_("How many"), "count")]
    if not counted:
        heads += [
            Head(_("Each, CNY"), "share"),
            Head(_("Comes to, CNY"), "share"),
            Head(_("What that means"), "text"),
        ]
    table = Table(f"c{n}", _("Parameters of %(n)s", n=n), _("What the plan says"), heads, words=one.conflict)
    for side in one.sides:
        table.lines += _side(side, counted=counted)
    return table


def _side(side: Side, *, counted: bool) -> list[Line]:
    if counted:
        return [Line(part.words, [part.count]) for part in side.parts]
    tax = _("net of %(rate)s tax within", rate=f"{side.tax_bp / 100:g}\u00a0%") if side.tax_bp else ""
    shows = tax or _judged(side)
    if len(side.parts) == 1:
        part = side.parts[0]
        return [Line(side.words, [f"{part.count:,}", spoken.fen(part.amount), spoken.fen(side.total), shows])]
    lines = [
        Line(part.words, [f"{part.count:,}", spoken.fen(part.amount), spoken.fen(part.sum), ""])
        for part in side.parts
    ]
    return [*lines, Line(f"= {side.words}", ["", "", spoken.fen(side.total), shows])]


def _judged(side: Side) -> str:
    one = side.judged
    if one is None or one.found.top is None:
        return ""
    return _(
        "%(top)s %(share)s: %(verdict)s; HHI %(hhi)s; %(room)s",
        top=one.found.top, share=spoken.share(one.top_share, one.limits), verdict=spoken.SHORT[one.verdict],
        hhi=digits(one.hhi) or "", room=spoken.room(one),
    )  # fmt: skip
