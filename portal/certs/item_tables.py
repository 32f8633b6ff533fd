"""The figures of a sitting as people read them: words of flags and options, rounded figures, tables for pages and files."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.certs import item_charts
from portal.certs.item_charts import Distribution
from portal.certs.item_report import RIGHT, WRONG, ItemReport
from portal.certs.psychometrics import Figure, ItemFigures, rounded
from portal.core import catalogue

NOTHING = "–"
# Each flag: its words, what it means, and its tone.
FLAGS = {
    "too_hard": (_l("Too hard"), "warn"),
    "too_easy": (_l("Too easy"), "warn"),
    "low_discrimination": (_l("Hardly tells strong from weak"), "bad"),
    "language_gap": (_l("Languages differ"), "bad"),
    "low_alpha": (_l("Low reliability"), "bad"),
    "small_sample": (_l("Small sample"), "wait"),
}
SORTS: dict[str, Callable[[ItemFigures], Any]] = {
    "difficulty": lambda one: one.difficulty,
    "discrimination": lambda one: one.corrected_item_total,
    "without": lambda one: one.alpha_if_deleted,
    "omitted": lambda one: one.omitted,
    "flags": lambda one: len(one.flags),
    "item": lambda one: one.item,
}


def exam_name(code: str) -> str:
    """Return what an exam is called: its level's title after the code, or the code alone."""
    body = catalogue.entries("level").get(code)
    return f"{code} {catalogue.in_words(body['name'])}" if body and "name" in body else code


def said(value: Figure | None, places: int = 3) -> str:
    """Return a figure for the eye, half up, with a true minus; a dash where it is undefined."""
    found = rounded(value, places)
    return NOTHING if found is None else f"{found:f}".replace("-", "−")


def percent(value: Fraction | None, places: int = 0) -> str:
    """Return a share in percent for the eye; a dash where it is undefined."""
    return NOTHING if value is None else f"{rounded(value * 100, places):f} %"


def flag(code: str) -> str:
    """Return what a flag says."""
    return str(FLAGS[code][0])


def tone(code: str) -> str:
    """Return the tone of a flag."""
    return FLAGS[code][1]


def option(code: str | None) -> str:
    """Return what an option is called; None is an omitted answer."""
    return {None: _("Omitted"), RIGHT: _("Answered right"), WRONG: _("Answered wrong")}.get(code) or str(code)


def sorted_items(found: ItemReport, sort: str) -> list[tuple[int, ItemFigures]]:
    """Return the items with their numbers, in the order asked for (`-` before it: largest first); undefined ones last."""
    rows = list(enumerate(found.analysis.items, 1))
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return rows
    known = [row for row in rows if key(row[1]) is not None]
    ordered = sorted(known, key=lambda row: key(row[1]), reverse=sort.startswith("-"))
    return ordered + [row for row in rows if key(row[1]) is None]


def most_points(found: ItemReport) -> Fraction:
    """Return the highest total there can be."""
    return sum((Fraction(one) for one in found.answers.maxima), Fraction(0))


def spread(found: ItemReport, cut: Fraction | None = None) -> Distribution:
    """Return how the totals are spread, with the cut and one SEM around it."""
    most, made = most_points(found), found.analysis
    return item_charts.distribution(made.totals, most, cut=None if cut is None else cut * most, sem=made.sem)


def near_cut(found: ItemReport, cut: Fraction | None) -> dict[str, Any] | None:
    """Return how many reach a cut, and how many lie within one SEM of it on either side; None without a cut."""
    if cut is None:
        return None
    points, made = cut * most_points(found), found.analysis
    passed = sum(total >= points for total in made.totals)
    near = (
        None if made.sem is None else sum(abs(total - points) <= Fraction(made.sem) for total in made.totals)
    )
    return {
        "points": points,
        "passed": passed,
        "near": near,
        "share": Fraction(passed, made.n) if made.n else None,
    }


# ---- Files

Cells = tuple[list[str], list[list[Any]]]


def _items(found: ItemReport) -> Cells:
    heads = [
        _("Exam item"), _("Difficulty"), _("Corrected item-total correlation"), _("Alpha without the item"),
        _("Omitted answers"), _("Findings"), _("Anchor item"),
    ]  # fmt: skip
    anchors = {str(one["code"]) for one in found.sitting.items if one.get("anchor")}
    return heads, [
        [
            one.item, _exact(one.difficulty), _exact(one.corrected_item_total), _exact(one.alpha_if_deleted), one.omitted,
            _("; ").join(flag(code) for code in one.flags), int(one.item in anchors),
        ]
        for one in found.analysis.items
    ]  # fmt: skip


def _exact(value: Figure | None) -> Decimal | None:
    return rounded(value)


def _figures(found: ItemReport) -> Cells:
    made = found.analysis
    named: list[tuple[str, Any]] = [
        (_("Exam"), found.sitting.exam), (_("Sitting"), found.sitting.name), (_("Number of candidates"), made.n),
        (_("Number of items"), made.k), (_("Cronbach's alpha"), _exact(made.alpha)), (_("KR-20"), _exact(made.kr20)),
        (_("Mean total"), _exact(made.mean)), (_("Standard deviation"), _exact(made.sd)),
        (_("Standard error of measurement"), _exact(made.sem)), (_("Findings"), _("; ").join(flag(one) for one in made.flags)),
    ]  # fmt: skip
    return [_("Statistic"), _("Value")], [list(one) for one in named]


def _totals(found: ItemReport) -> Cells:
    rows = [[bar.words, bar.count, rounded(bar.share, 4)] for bar in spread(found).bars]
    return [_("Total points"), _("Number of candidates"), _("Share")], rows


TABLES: dict[str, Callable[[ItemReport], Cells]] = {"items": _items, "figures": _figures, "totals": _totals}
