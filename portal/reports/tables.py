"""The figures of members as tables, the same on pages and in files: heads, rows, and what each cell counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _

from portal.core.money import Money, half_up
from portal.members import wall
from portal.reports.measures import share
from portal.reports.movement import FIGURES, LISTED, churn, gross_retention, kept, net_retention
from portal.reports.retention import Retention
from portal.reports.rows import NAMES

MOVING = tuple(name for name in FIGURES if name != "in_grace")


def percent(part: int, whole: int) -> str:
    """Return a share in percent with two decimals, half up; words where there is nothing to divide by."""
    found = share(part, whole)
    return _("no data") if found is None else said(found)


def said(ratio: Fraction) -> str:
    """Return a ratio in percent with two decimals, half up."""
    hundredths = half_up(ratio.numerator * 10_000, ratio.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


@dataclass(slots=True)
class Table:
    """A table: its heads, and rows of a tier's code, its name and its cells; the last one is of all."""

    heads: list[tuple[str, str]]
    rows: list[tuple[str, str, list[Any]]] = field(default_factory=list)


def _tiers(found: Retention) -> list[tuple[str, str]]:
    return [*((code, wall.tier_name(code)) for code in found.tiers()), ("", _("All"))]


def bridge(found: Retention) -> Table:
    """Return the bridge per tier and in all: opening, movements, closing."""
    shown = FIGURES if found.made.count("in_grace") else MOVING
    table = Table([(name, str(NAMES[name])) for name in shown])
    for code, name in _tiers(found):
        table.rows.append((code, name, [found.made.count(figure, code) for figure in shown]))
    return table


def churned(found: Retention) -> Table:
    """Return the churn by the tier at the opening, in logos and in money."""
    table = Table(
        [
            ("opening", _("Opening members")), ("churned", _("Of them departed")), ("logos", _("Churn in logos")),
            ("dues", _("Their dues a year")), ("lost", _("Of it departed")), ("money", _("Churn in money")),
        ]
    )  # fmt: skip
    for code, name in _tiers(found):
        gone = churn(found.made, code)
        (left, opened), (lost, dues) = gone.logos, gone.money
        if opened or not code:
            cells = [opened, left, percent(left, opened), Money(dues), Money(lost), percent(lost, dues)]
            table.rows.append((code, name, cells))
    return table


@dataclass(frozen=True, slots=True)
class Kept:
    """A ratio with what it divides: `figure` opens its rows."""

    code: str
    name: str
    ratio: str
    part: Any
    whole: Any
    figure: str
    words: str


def kept_figures(found: Retention) -> list[Kept]:
    """Return what was kept: members, dues without and with growth, and terms renewed."""
    stayed, opened = kept(found.both)
    gross, net = gross_retention(found.both), net_retention(found.both)
    renewed, due = len(found.followed), len(found.due)
    return [
        Kept("retention", _("Members kept"), percent(stayed, opened), stayed, opened, "kept",
             _("Opening members who are members at the closing too.")),
        Kept("grr", _("Dues kept (GRR)"), percent(*gross), Money(gross[0]), Money(gross[1]), "paying",
             _("Of members with dues at the opening: the lesser of what they paid then and pay now.")),
        Kept("nrr", _("Dues with growth (NRR)"), percent(*net), Money(net[0]), Money(net[1]), "paying",
             _("Of the same members: what they pay now. A first payment after a waiver is new money and not in it.")),
        Kept("renewal", _("Terms renewed"), percent(renewed, due), renewed, due, "followed",
             _("Terms followed without a gap, of those that ran out or were resigned.")),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CohortRow:
    """A cohort with a cell for every year's end: how many are left and which share, or nothing before it began."""

    year: str
    name: str
    size: int
    cells: list[tuple[date, int, str] | None]


@dataclass(frozen=True, slots=True)
class Grid:
    """All cohorts under the same year's ends."""

    days: list[date]
    rows: list[CohortRow]


def cohort_grid(found: Retention) -> Grid:
    """Return the cohorts by the year of the first term."""
    days = sorted({point.day for one in found.cohorts for point in one.points})
    made = []
    for one in found.cohorts:
        points = {
            p.day: (p.day, len(p.holders), percent(len(p.holders), len(one.holders))) for p in one.points
        }
        name = _("From a list") if one.year == LISTED else str(one.year)
        made.append(CohortRow(str(one.year), name, len(one.holders), [points.get(day) for day in days]))
    return Grid(days, made)
