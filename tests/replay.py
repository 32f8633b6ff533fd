"""A replay of the lines that a simulation printed, which knows nothing of the portal, beside what its reports say.

usage: python -m tests.replay FILE – lines of `portal simulate … --format json`, ten years of them if need be.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

Lines = list[dict[str, Any]]
RANK = ["platinum", "gold", "silver", "startup"]
COUNTED = ("new", "returned", "departed", "in_grace", "upgrades", "downgrades", "closing")
GRACE = timedelta(days=30)


class Span(NamedTuple):
    """A term up to the day that ended it: dues of a year in fen, and why it ended before its time."""

    start: date
    stop: date
    tier: str
    value: int
    cause: str


def report(lines: Lines, name: str) -> dict[str, Any]:
    """Return what a report said."""
    return next(line for line in lines if line.get("report") == name)


def of(lines: Lines, kind: str) -> Lines:
    """Return the events of a kind."""
    return [line for line in lines if line.get("event") == kind]


def day(text: str | None) -> date:
    """Return the day of a text; the last of all days where there is none."""
    return date.fromisoformat(text) if text else date.max


def _cuts(lines: Lines) -> dict[int, tuple[date, int, str]]:
    """Return when and why each term ended before its time: the first day counts, then the latest record."""
    undone = {line["id"] for line in of(lines, "undone") if line["undoes"] == "ending"}
    cut: dict[int, tuple[date, int, str]] = {}
    for line in of(lines, "ending"):
        said = (day(line["on"]), -line["id"], line["cause"])
        if line["id"] not in undone and said < cut.get(line["term"], (date.max, 1, "")):
            cut[line["term"]] = said
    return cut


def spans(lines: Lines) -> dict[str, list[Span]]:
    """Return the terms of each name."""
    cut = _cuts(lines)
    found: dict[str, list[Span]] = {}
    for line in of(lines, "term"):
        start, end = day(line["start"]), day(line["end"])
        stop, _id, cause = cut.get(line["id"], (end, 0, ""))
        whole = (start.month, start.day) == (end.month, end.day)
        value = (
            line["charged"]
            if whole and end.year - start.year == 1
            else (2 * line["charged"] * 365 + (end - start).days) // (2 * (end - start).days)
        )
        found.setdefault(line["name"], []).append(Span(start, min(stop, end), line["tier"], value, cause))
    return found


def members(lines: Lines) -> dict[str, Any]:
    """Return how many names a term covers on the day of the report, in all and by tier."""
    on = day(report(lines, "members")["on"])
    tiers = {
        name: one.tier for name, rows in spans(lines).items() for one in rows if one.start <= on < one.stop
    }
    return {"total": len(tiers), "by_tier": dict(Counter(tiers.values()))}


def report_of_members(lines: Lines) -> dict[str, Any]:
    """Return the same figures as the report printed them."""
    told = report(lines, "members")
    return {"total": told["total"], "by_tier": {tier.lower(): n for tier, n in told["by_tier"].items() if n}}


def _moves(rows: list[Span], last: date) -> Counter[str]:
    """Count what one name did between its first day and the last day of the report."""
    counts, before = Counter[str](), None
    held = [one for one in rows if one.start < one.stop]
    for on in sorted({one for row in held for one in row[:2] if one <= last}):
        now = next((one for one in held if one.start <= on < one.stop), None)
        if before is None and now is not None:
            counts["new" if on == min(one.start for one in held) else "returned"] += 1
        elif before is not None and now is None:
            follows = any(one.start > on for one in held)
            waits = not before.cause and not follows and last < on + GRACE
            counts["in_grace" if waits else "departed"] += 1
        elif before and now and before.tier != now.tier:
            counts["upgrades" if RANK.index(now.tier) < RANK.index(before.tier) else "downgrades"] += 1
        before = now
    counts["closing"] += before is not None
    return counts


def retention(lines: Lines) -> dict[str, Any]:
    """Return the movements of the whole time, and how many joined in each year."""
    last = day(report(lines, "members")["on"])
    found = spans(lines)
    counts = sum((_moves(rows, last) for rows in found.values()), Counter[str]())
    cohorts = Counter(str(min(one.start for one in rows).year) for rows in found.values())
    return {**{name: counts[name] for name in COUNTED}, "cohorts": dict(cohorts)}


def report_of_retention(lines: Lines) -> dict[str, Any]:
    """Return the same figures as the report printed them."""
    told = report(lines, "retention")
    return {
        **{name: told[name] for name in COUNTED},
        "cohorts": {one["cohort"]: one["size"] for one in told["cohorts"]},
    }


def invoiced(lines: Lines) -> int:
    """Return the net of all invoices that stand, less that of the credit notes, in fen."""
    void = {line["number"] for line in of(lines, "voided")}
    asked = sum(line["net"] for line in of(lines, "invoice") if line["number"] not in void)
    return int(asked - sum(line["net"] for line in of(lines, "credit_note")))


def main(file: Path) -> int:
    """Compare a file's reports with its lines; return how many of them differ."""
    lines: Lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    pairs = {
        "members": (members(lines), report_of_members(lines)),
        "retention": (retention(lines), report_of_retention(lines)),
        "invoiced": (invoiced(lines), report(lines, "revenue")["net_invoiced"]),
        "verify": ([], report(lines, "verify")["found"]),
    }
    for name, (ours, told) in pairs.items():
        print(f"{name}: {'equal' if ours == told else 'DIFFERENT'}: {ours}")  # noqa: T201 (a command)
        if ours != told:
            print(f"{name}: the report says {told}")  # noqa: T201 (a command)
    return sum(ours != told for ours, told in pairs.values())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
