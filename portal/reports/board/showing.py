"""The screen of today as tiles: what it is, the number, a word on it, and the page that it opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.core import clock, heads, labels
from portal.core.money import Money
from portal.core.words import day as day_words
from portal.core.words import price
from portal.reports.board import reading
from portal.reports.board.reading import Today
from portal.reports.charts.gauge import gauge
from portal.reports.goals import count_tables, pace, page_targets, targets
from portal.reports.goals.pace import Pace, Standing
from portal.reports.goals.targets import Target
from portal.reports.income import asked, links, pages
from portal.reports.income.asked import Question
from portal.reports.income.blueprint import reports
from portal.reports.income.doors import HOME
from portal.reports.income.figure import Figure
from portal.reports.income.pages import Tab
from portal.reports.spread import spoken, windows
from portal.reports.spread.judging import judge

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tile:
    """One answer: its question, the number, a badge's words and tone, a note, a picture, and where it leads."""

    label: str
    value: str
    href: str
    note: str = ""
    badge: str = ""
    tone: str = "mute"
    picture: Markup | None = None


def _pace(goal: Target | None, actual: int, day: date) -> Pace | None:
    if goal is None:
        return None
    bound = Fraction(windows.setting("target.at_risk", day, "0.9"))
    return pace.look(
        goal.amount, actual, start=goal.start, end=goal.end, through=day, profile=goal.profile, bound=bound
    )


def _verdict(found: Pace | None) -> tuple[str, str]:
    if found is None or found.standing is Standing.NO_DATA:
        return "", "mute"
    return labels.label(found.standing), labels.tone(found.standing)


def _against(key: str, found: Pace | None, label: str, said: str) -> Markup | None:
    if found is None or found.attainment is None:
        return None
    return gauge(f"today-{key}", found.attainment, found.weight, title=label, said=said)


def tiles(said: Question, found: Today, reader: Reader) -> list[Tile]:
    """Return the six tiles."""
    goals = targets.in_force(found.day.year, found.day)
    by = {one.measure: one for one in goals if one.measure != targets.INCOME}
    total = next((one for one in page_targets.goals(said, found.day.year) if one.scope == "total" and not one.ambition), None)  # fmt: skip
    return [
        _income(said, found, total),
        _largest(said, found),
        _count("organisations", found.members, by.get("organisations"), found.day),
        _count("certified", found.certified, by.get("certified"), found.day),
        _risk(found, reader),
        _cash(said, found),
    ]


def _income(said: Question, found: Today, goal: Target | None) -> Tile:
    amount = sum(found.income.values())
    start = found.day.replace(month=1, day=1)
    figure = windows.over("recognised", amount, start, said.end)
    stands = _pace(goal, amount, found.day)
    label, value = _("Income of the year, recognised"), price(Money(amount))
    note = _("no target is set")
    if stands is not None and stands.attainment is not None:
        note = _(
            "%(share)s of %(goal)s; by now %(due)s", share=spoken.percent(stands.attainment), goal=price(Money(stands.goal)),
            due=spoken.percent(stands.weight),
        )  # fmt: skip
    badge, tone = _verdict(stands)
    return Tile(
        label, value, links.rows(said, figure), note, badge, tone, _against("income", stands, label, note)
    )


def _largest(said: Question, found: Today) -> Tile:
    settings = windows.settings(said)
    amounts = {**said.lists.zeros(), **found.income}
    level = settings.binding if settings.binding in ("streams", "groups") else "streams"
    if level == "groups":
        amounts = said.lists.by_group(amounts)
    one = judge(amounts, settings.limits)
    label, top = _("Largest source of income"), one.found.top
    href = f"{url_for('reports.diversity')}?{said.query()}"
    if top is None or one.top_share is None:
        return Tile(label, _("no data"), href, _("nothing was recognised this year"))
    share = spoken.share(one.top_share, one.limits)
    name = spoken.name_of(said, level, top, {})
    note = _("%(name)s; the ceiling is %(ceiling)s", name=name, ceiling=spoken.whole(one.limits.ceiling))
    place = list(amounts).index(top)
    picture = gauge("today-largest", one.top_share, one.limits.ceiling, title=label, said=f"{share}, {note}", limit=True, place=place)  # fmt: skip
    return Tile(label, share, href, note, labels.label(one.verdict), labels.tone(one.verdict), picture)


def _count(code: str, number: int, goal: Target | None, day: date) -> Tile:
    label, stands = str(count_tables.NAMES[code]), _pace(goal, number, day)
    note = _("no target is set")
    if stands is not None and stands.attainment is not None:
        note = _("%(share)s of %(goal)s", share=spoken.percent(stands.attainment), goal=f"{stands.goal:,}")
    badge, tone = _verdict(stands)
    href = url_for("reports.counted", code=code)
    return Tile(
        label, f"{number:,}", href, note, badge, tone, _against(code, stands, label, f"{number}; {note}")
    )


def _risk(found: Today, reader: Reader) -> Tile:
    opens = reader.staff_may(May.READ_FIGURES)
    href = url_for("figures.ahead_page") if opens else url_for("reports.counted", code="at_risk")
    badge, tone = (_("Act now"), "warn") if found.at_risk else (_("None"), "good")
    return Tile(
        _("Renewals at risk"),
        f"{found.at_risk:,}",
        href,
        _("members at risk or in their days of grace"),
        badge,
        tone,
    )


def _cash(said: Question, found: Today) -> Tile:
    note = _("of it overdue: %(sum)s", sum=price(Money(found.overdue)))
    badge, tone = (_("Overdue"), "bad") if found.overdue > 0 else (_("Nothing overdue"), "good")
    picture = None
    if found.owed > 0:
        part = Fraction(max(0, found.overdue), found.owed)
        picture = gauge("today-cash", part, None, title=_("Part of it that is overdue"), said=note, place=3)
    figure = Figure.of("ar", found.owed)
    return Tile(
        _("Cash due, gross"), price(Money(found.owed)), links.rows(said, figure), note, badge, tone, picture
    )


def words(reader: Reader) -> dict[str, Any]:
    """Return what the template of the screen needs."""
    said = asked.read({}, clock.today())
    found = reading.look(clock.today())
    return {
        "tiles": tiles(said, found, reader), "day": day_words(found.day),
        "ways": [
            (_("Overview"), url_for("reports.overview")), (_("Targets"), url_for("reports.targets")),
            (_("Forecast"), url_for("reports.forecast")), (_("What if"), url_for("reports.whatif")),
        ],
    }  # fmt: skip


@reports.get("/today")
@allow(May.READ_INCOME)
def today() -> str:
    """Show the screen of today by itself, to be printed or laid before the board."""
    g.nav = HOME
    return render_template(
        "office/reports/today.html", tabs=pages.tabs(me()), here=request.endpoint, **words(me())
    )


def head(reader: Reader) -> Markup | None:
    """Return the screen for the head of a home, for whoever leads the foundation."""
    if not reader.staff_may(May.SEE_OUTLOOK):
        return None
    return Markup(render_template("office/reports/_today.html", **words(reader)))  # noqa: S704 - a template's own words


def install() -> None:
    """Put the screen among the tabs, and at the head of the homes of those who lead."""
    pages.add_tab(Tab(1, "reports.today", _l("Today"), May.READ_INCOME))
    heads.add("outlook", head)
