"""The figures of members as staff see them: how many came, stayed and went, each number opening its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, redirect, render_template, url_for
from flask_babel import gettext as _

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.billing import months
from portal.core import clock
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, place_in
from portal.core.periods import nth
from portal.members import wall
from portal.members.standing import Standing
from portal.reports import ahead, rows, tables
from portal.reports import holders as who
from portal.reports.retention import Retention, look

figures = Blueprint("figures", __name__, url_prefix="/office/figures")
SIZES = (50, 100, 200)
EARLIEST, LATEST = 1900, 2999


@dataclass(frozen=True, slots=True)
class Asked:
    """The period that the address asks for, as known on a day (None: now), by holder or by group."""

    first: date
    last: date
    known: date | None
    grouped: bool

    def query(self, **more: str) -> str:
        """Return the address's query for the same question."""
        said = {"from": f"{self.first:%Y-%m}", "to": f"{self.last:%Y-%m}"}
        if self.known is not None:
            said["known"] = str(self.known)
        if self.grouped:
            said["groups"] = "yes"
        return urlencode(said | {key: value for key, value in more.items() if value})

    def look(self) -> Retention:
        """Work the report out."""
        known = months.end_of(self.known) if self.known else None
        return look(self.first, self.last, known=known, grouped=self.grouped)


def _month(name: str, otherwise: date) -> date:
    text = asked(name, most=10)
    try:
        found = date.fromisoformat(f"{text}-01") if text else otherwise
    except ValueError:
        raise _unreadable(text) from None
    if not EARLIEST <= found.year <= LATEST:
        raise _unreadable(text)
    return found


def _unreadable(text: str) -> Refused:
    return Refused(_("“%(text)s” cannot be read as a month or a day here.", text=text), status=422)


def question() -> Asked:
    """Return what the address asks for; by default the twelve months up to this one."""
    last = _month("to", months.first_of(clock.today()))
    first = _month("from", nth(last, 1, -11))
    text = asked("known", most=10)
    try:
        known = date.fromisoformat(text) if text else None
    except ValueError:
        raise _unreadable(text) from None
    if known is not None and not EARLIEST <= known.year <= LATEST:
        raise _unreadable(text)
    return Asked(first, last, known, bool(asked("groups")))


@figures.get("/")
@allow(May.READ_FIGURES)
def bridge() -> Any:
    """Show how members came, moved, stayed and went over a period."""
    said = question()
    found = said.look()

    def href(figure: str, **more: str) -> str:
        return f"{url_for('figures.behind')}?{said.query(figure=figure, **more)}"

    return render_template(
        "office/figures.html", said=said, found=found, href=href, today=clock.today(), bridge=tables.bridge(found),
        churn=tables.churned(found), kept=tables.kept_figures(found), cohorts=tables.cohort_grid(found), names=rows.NAMES,
        file=lambda what, form: f"{url_for('figures.file', what=what, form=form)}?{said.query()}",
    )  # fmt: skip


@figures.get("/rows")
@allow(May.READ_FIGURES)
def behind() -> Any:
    """Show the rows behind one number."""
    g.nav = "figures.bridge"
    said, figure = question(), asked("figure", most=20)
    if not figure:
        return redirect(f"{url_for('figures.bridge')}?{said.query()}")
    found = lines_asked(said, figure)
    page = place_in(len(found), SIZES)
    page.items.extend(found[page.start : page.start + page.size])
    return render_template(
        "office/figure_rows.html", said=said, title=rows.NAMES[figure], page=page, pair=figure in rows.PAIRS,
        named=who.named(one.holder for one in page.items), total=_sum(found, "value"), closed=_sum(found, "closed"),
        tier=asked("tier", most=40), tier_name=wall.tier_name, money=Money,
        moves=any(one.other for one in found), dated=any(one.day for one in found),
        file=lambda form: f"{url_for('figures.rows_file', form=form)}?{_again(said)}",
    )  # fmt: skip


def _again(said: Asked) -> str:
    return said.query(**{key: asked(key, most=40) for key in ("figure", "tier", "year", "day")})


def lines_asked(said: Asked, figure: str) -> list[rows.Line]:
    """Return the rows behind the number that the address asks for."""
    found = rows.lines(
        said.look(),
        figure,
        tier=asked("tier", most=40),
        year=asked("year", most=4),
        day=asked("day", most=10),
    )
    if found is None:
        raise Missing(_("There is no such figure."))
    return found


def _sum(found: list[rows.Line], name: str) -> Money:
    return Money(sum(getattr(one, name) or 0 for one in found))


@figures.get("/next")
@allow(May.READ_FIGURES)
def ahead_page() -> str:
    """Show the terms that end within ninety days by step, and the dues at risk."""
    g.nav = "figures.bridge"
    found, step = ahead.look(), asked("step", most=10)
    chosen = [row for one in found.steps if step in ("", one.code) for row in one.rows]
    if step in {one.value for one in ahead.AT_RISK}:
        chosen = found.risks[Standing(step)]
    page = place_in(len(chosen), SIZES)
    page.items.extend(chosen[page.start : page.start + page.size])
    return render_template(
        "office/figures_next.html", found=found, step=step, page=page, money=Money, tier_name=wall.tier_name,
        named=who.named(row.holder for row in page.items), total=sum(row.value for row in chosen),
    )  # fmt: skip
