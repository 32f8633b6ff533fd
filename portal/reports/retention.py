"""The retention report: arrivals, departures, changes of tier, what was kept and cohorts, from terms and endings as known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from portal.billing import months
from portal.core import clock
from portal.core.errors import Refused
from portal.members import wall
from portal.members.spans import Span
from portal.reports import holders as who
from portal.reports.measures import digits, share
from portal.reports.movement import (
    FIGURES,
    LISTED,
    Cohort,
    Movement,
    Row,
    Window,
    Worth,
    churn,
    cohorts,
    gross_retention,
    kept,
    movement,
    net_retention,
    renewals,
    worths,
)

LONGEST_YEARS, LATEST_YEAR = 50, 2999


@dataclass(frozen=True, slots=True)
class Retention:
    """All that the report and its pages read, worked out once."""

    window: Window
    holders: Mapping[int, Sequence[Span]]
    made: Movement
    both: list[Worth]
    due: list[Row]
    followed: list[Row]
    cohorts: list[Cohort]
    grouped: bool
    to: date

    def tiers(self) -> list[str]:
        """Return the tiers that some figure names, in the catalogue's order."""
        found = self.made.tiers()
        return [code for code in dict.fromkeys([*wall.tier_order(), *sorted(found)]) if code in found]


def look(first: date, last: date, *, known: datetime | None = None, grouped: bool = False) -> Retention:
    """Work out the report over the months from `first`'s to `last`'s, as known at an instant."""
    if months.first_of(last) < months.first_of(first):
        raise Refused(_l("The period ends before it begins."), status=422)
    if last.year - first.year > LONGEST_YEARS or last.year > LATEST_YEAR:
        raise Refused(_l("Please choose a shorter period."), status=422)
    start, day = months.first_of(first), clock.day_of(known) if known else clock.today()
    end = max(
        start, min(months.following(last), day + timedelta(days=1))
    )  # what is not over yet is not known
    window = who.window(start, end, known=known)
    found = who.holders(known=known, grouped_on=window.last if grouped else None)
    made = movement(found, window)
    due, followed = renewals(found, window)
    through = min(window.last, window.known)
    return Retention(window, found, made, worths(made), due, followed, cohorts(found, through), grouped, last)


def _ratio(part: int, whole: int) -> str | None:
    return digits(share(part, whole))


def body(found: Retention) -> dict[str, Any]:
    """Return the report under its fixed keys: counts and fen as integers, ratios as text with six decimals."""
    made, window = found.made, found.window
    stayed, opened = kept(found.both)
    gross, net = gross_retention(found.both), net_retention(found.both)
    with force_locale("en"):
        names = {code: wall.tier_name(code) for code in found.tiers()}
    return {
        "from": f"{window.start:%Y-%m}",
        "to": f"{found.to:%Y-%m}",
        "as_known": str(window.known),
        "grouped": found.grouped,
        **_bridge(made, ""),
        "arrivals": made.count("new") + made.count("returned"),
        "departures": made.count("departed"),
        "upgrades": len(made.moves("upgrade")),
        "downgrades": len(made.moves("downgrade")),
        "reclasses": len(made.moves("reclass")),
        "kept": stayed,
        "kept_share": _ratio(stayed, opened),
        "value_opening": net[1],
        "value_kept": gross[0],
        "value_closing": net[0],
        "grr": _ratio(*gross),
        "nrr": _ratio(*net),
        "renewals_due": len(found.due),
        "renewals_followed": len(found.followed),
        "renewal_rate": _ratio(len(found.followed), len(found.due)),
        **_churn(made, ""),
        "by_tier": {name: _bridge(made, code) | _churn(made, code) for code, name in names.items()},
        "cohorts": [_cohort(one) for one in found.cohorts],
    }


def _bridge(made: Movement, tier: str) -> dict[str, int]:
    return {name: made.count(name, tier) for name in FIGURES}


def _churn(made: Movement, tier: str) -> dict[str, Any]:
    gone = churn(made, tier)
    return {
        "churn_logos": gone.logos[0],
        "churn_logos_share": _ratio(*gone.logos),
        "churn_money": gone.money[0],
        "churn_money_share": _ratio(*gone.money),
    }


def _cohort(one: Cohort) -> dict[str, Any]:
    size = len(one.holders)
    return {
        "cohort": "listed" if one.year == LISTED else str(one.year),
        "size": size,
        "points": [
            {"on": str(point.day), "members": len(point.holders), "share": _ratio(len(point.holders), size)}
            for point in one.points
        ],
    }
