"""The rows behind each figure about members: what a number counts, line by line, summing to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.reports.movement import FIGURES, Cohort, Row, Worth, churn
from portal.reports.retention import Retention


@dataclass(frozen=True, slots=True)
class Line:
    """One holder of a figure: `value` are its dues then, `closed` those at the closing where two days are compared."""

    holder: int
    tier: str
    day: date | None = None
    value: int | None = None
    closed: int | None = None
    other: str = ""


NAMES: dict[str, LazyString] = {
    "opening": _l("Opening"),
    "new": _l("New"),
    "returned": _l("Returned"),
    "moved_in": _l("Moved in"),
    "moved_out": _l("Moved out"),
    "departed": _l("Departed"),
    "in_grace": _l("Grace runs"),
    "closing": _l("Closing"),
    "upgrade": _l("Upgrades"),
    "downgrade": _l("Downgrades"),
    "reclass": _l("Changes to a tier neither higher nor lower"),
    "churned": _l("Opening members who departed"),
    "kept": _l("Opening members who are members at the closing"),
    "paying": _l("Members with dues at the opening"),
    "due": _l("Terms that ran out or were resigned"),
    "followed": _l("Terms followed without a gap"),
    "cohort": _l("Cohort"),
}
PAIRS = ("kept", "paying")


def lines(
    found: Retention, figure: str, *, tier: str = "", year: str = "", day: str = ""
) -> list[Line] | None:
    """Return the rows of a figure; None if there is no such figure."""
    if figure in FIGURES:
        return _plain(found.made.of(figure, tier))
    if figure in ("upgrade", "downgrade", "reclass"):
        return _plain(found.made.moves(figure))
    if figure == "cohort":
        return _cohort(found, year, day)
    others: dict[str, Callable[[], list[Line]]] = {
        "churned": lambda: _plain(churn(found.made, tier).gone),
        "kept": lambda: _pairs(found, lambda one: one.opened is not None and one.closed is not None),
        "paying": lambda: _pairs(found, lambda one: bool(one.opened)),
        "due": lambda: _plain(found.due),
        "followed": lambda: _plain(found.followed),
    }
    return others[figure]() if figure in others else None


def _plain(rows: list[Row]) -> list[Line]:
    return [Line(row.holder, row.tier, row.day, row.value, other=row.other) for row in rows]


def _pairs(found: Retention, asked: Callable[[Worth], bool]) -> list[Line]:
    return [
        Line(one.holder, one.tier, value=one.opened or 0, closed=one.closed or 0)
        for one in found.both
        if asked(one)
    ]


def _cohort(found: Retention, year: str, day: str) -> list[Line] | None:
    cohort = next((one for one in found.cohorts if str(one.year) == year), None)
    if cohort is None:
        return None
    members = _members(cohort, day)
    return None if members is None else [Line(one, _first_tier(found, one)) for one in members]


def _members(cohort: Cohort, day: str) -> tuple[int, ...] | None:
    if not day:
        return cohort.holders
    return next((point.holders for point in cohort.points if str(point.day) == day), None)


def _first_tier(found: Retention, holder: int) -> str:
    return min((one for one in found.holders[holder] if one.held), key=lambda one: (one.start, one.term)).tier
