"""What was agreed and not yet earned (RPO), line by line: in the next twelve months, later, or without a date."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from portal.billing.plans import DAY
from portal.core.money import half_up
from portal.core.periods import nth
from portal.reports import owing
from portal.reports.facts import Sold
from portal.reports.flows import Flows

AHEAD = 12


def unperformed(flows: Flows) -> dict[str, list[tuple[int, int]]]:
    """Return booked less recognised to date by line (fen), and its parts: within twelve months, later, without a date.

    What a plan or an agreed period dates is dated; a milestone not accepted, a unit not used or a line without a
    period has no date. A line never dates more than is left of it.
    """
    booked: dict[int, int] = defaultdict(int)
    for one in flows.agreed(date.min, flows.end):
        booked[one.line_id] += one.amount
    income = {line: one.income for line, one in flows.facts.lines.items()}
    for line, amount in flows.late.items():
        income[line] = income.get(line, 0) + amount
    border = nth(flows.end, 1, AHEAD)
    ahead = owing.ahead(flows.facts.until, flows.end, border)
    found: dict[str, list[tuple[int, int]]] = {"rpo": [], "rpo_next": [], "rpo_later": [], "rpo_undated": []}
    for line in sorted({*booked, *income}):
        left = booked[line] - income.get(line, 0)
        if not left:
            continue
        soon, later = _dated(flows.facts.sold[line], ahead.get(line, (0, 0)), left, (flows.end, border))
        parts = {"rpo": left, "rpo_next": soon, "rpo_later": later, "rpo_undated": left - soon - later}
        for code, amount in parts.items():
            if amount:
                found[code].append((line, amount))
    return found


def _dated(sold: Sold, ahead: tuple[int, int], left: int, within: tuple[date, date]) -> tuple[int, int]:
    """Return what of a line's rest is dated up to the border, and behind it: by its plan, else by its agreed period."""
    end, border = within
    soon = max(0, min(left, ahead[0]))
    later = max(0, min(left - soon, ahead[1]))
    rest = left - soon - later
    if rest <= 0 or sold.method != "daily" or sold.period is None:
        return soon, later
    # Agreed and not yet invoiced: over the days of its period that are ahead.
    start, stop = sold.period
    first = max(start, end + DAY)
    days = (stop - first).days
    if days <= 0:
        return soon, later
    part = half_up(rest * max(0, min((border + DAY - first).days, days)), days)
    return soon + part, later + rest - part
