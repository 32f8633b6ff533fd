"""Targets of the year and its forecast: recognised so far, scheduled, committed without a date."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from portal.reports import journal, measures, owing
from portal.reports.flows import Flows, Sums

UNDATED = {"milestone", "units", "point"}


def outlook(flows: Flows, by_month: dict[date, Sums]) -> dict[str, Any]:
    """Return targets (if the year has any) and the forecast of the fiscal year in which the period ends."""
    year = flows.end.year
    first, last = date(year, 1, 1), date(year, 12, 31)
    so_far: dict[str, int] = defaultdict(int)
    for month, amounts in flows.earned.items():
        if month >= first:
            for stream, amount in amounts.items():
                so_far[stream] += amount
    body: dict[str, Any] = {}
    goals = flows.lists.targets.get(year)
    if goals:
        groups = flows.lists.by_group(so_far)
        body["targets"] = {
            name: measures.target(
                int(goal), groups.get(name, 0), elapsed=(flows.end - first).days + 1, days=(last - first).days + 1,
                months_left=12 - flows.end.month,
            )
            for name, goal in goals.items()
        }  # fmt: skip
    return body | {f"forecast_fy{year}": _forecast(flows, last, sum(so_far.values()))}


def _forecast(flows: Flows, last: date, recognised: int) -> dict[str, Any]:
    scheduled = flows.add(
        (flows.facts.stream(line), amount)
        for line, (amount, _later) in owing.ahead(flows.facts.until, flows.end, last).items()
    )
    committed = _committed(flows)
    sums = [sum(scheduled.values()), sum(committed.values())]
    return {
        "recognised": recognised,
        "scheduled": sums[0],
        "committed_undated": sums[1],
        "scheduled_by_stream": scheduled,
        "committed_by_stream": committed,
        "certain_plus_committed": recognised + sum(sums),
    }


def _committed(flows: Flows) -> Sums:
    """Return signed value with no date yet: milestones not accepted, units not used, things not delivered."""
    invoiced = journal.invoiced(flows.facts.until)
    credited: dict[int, int] = defaultdict(int)
    for note in flows.facts.notes:
        for one in note.lines:
            credited[one.order_line_id] += one.net.minor
    undated = {line: sold for line, sold in flows.facts.sold.items() if sold.method in UNDATED}
    plans, rows = owing.plans(sorted(undated), flows.facts.until), []
    for line_id, sold in undated.items():
        whole = sold.net if sold.method == "milestone" else invoiced.get(line_id, 0)
        dated = sum(part.amount for part in plans.get(line_id, []))
        rows.append((sold.stream, max(0, whole - credited[line_id] - dated)))
    return flows.add(rows)
