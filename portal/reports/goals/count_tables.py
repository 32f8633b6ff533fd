"""What is counted beside money, as tables: targets of people and organisations, rates, and what is only watched."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.words import day
from portal.core.words import month as month_words
from portal.reports.goals import counts, pace
from portal.reports.goals.counts import Counted, Cover
from portal.reports.goals.pace import Standing
from portal.reports.goals.targets import FIRST_ANSWERS, INCOME, WHOLE_BP, Target
from portal.reports.income import links
from portal.reports.income.asked import Question
from portal.reports.income.figure import Head, Line, Link, Table
from portal.reports.income.reader import sees_payers
from portal.reports.lists import group_name
from portal.reports.measures import digits
from portal.reports.spread import spoken
from portal.reports.spread.windows import setting

T = Standing
labels.name(
    Standing,
    {T.ON_TRACK: _l("On track"), T.AT_RISK: _l("At risk of the target"), T.BEHIND: _l("Behind"), T.NO_DATA: _l("no data")},
    {T.ON_TRACK: "good", T.AT_RISK: "warn", T.BEHIND: "bad"},
)  # fmt: skip
NAMES = {
    "organisations": _l("Organisations in force"), "certified": _l("People with a valid certificate"),
    "universities": _l("Partner universities"), "first_answers": _l("First answers within 24 hours"),
    "conversion": _l("Organisations that pay"), "cost": _l("Months of cost covered"), "at_risk": _l("Renewals at risk"),
}  # fmt: skip


def name_of(said: Question, one: Target) -> str:
    """Return what a target is of."""
    if one.measure != INCOME:
        return str(NAMES[one.measure])
    if one.group:
        name = group_name(one.group)
    else:
        name = said.lists.called(one.stream) if one.stream else _("All income")
    return _("%(name)s (ambition)", name=name) if one.ambition else name


def counted(one: Target, through: date) -> Counted:
    """Return what is reached of a target that is counted."""
    if one.measure == "certified":
        return counts.people(through)
    if one.measure == FIRST_ANSWERS:
        return counts.first_answers(one.start, min(one.end, through + counts.DAY), through)
    return counts.organisations(through, category=counts.UNIVERSITY if one.measure == "universities" else "")


def counted_table(said: Question, found: list[Target], through: date) -> Table:
    heads = [
        Head(_("Reached so far"), "count"), Head(_("Target"), "count"), Head(_("Attainment"), "share"), Head(_("Pace"), "share"),
        Head(_("Judgement"), "text"), Head(_("Set by"), "text"),
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
        Line(
            Link(str(NAMES["cost"]), links.to("reports.costs")),
            [_cash(found), _cost(found), covered(found), _how(found)],
        )
    )
    return table


def _cash(found: Cover) -> str | Link:
    """Return the bank's balance; whoever reads the books is led to its account."""
    words = spoken.fen(found.cash)
    return Link(words, links.to("money.chart")) if sees_payers() else words


def _cost(found: Cover) -> str:
    total = sum(cost for _month, cost in found.costs)
    return spoken.fen(total // len(found.costs)) if found.costs and total > 0 else "–"


def covered(found: Cover) -> str:
    """Return how many months the bank's balance lasts, in words."""
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
