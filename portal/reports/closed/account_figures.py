"""The figures of the public half-yearly account: read from the snapshots of its six closed months, and from nothing else of the books."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing import closing, months
from portal.certs import awarding
from portal.certs.models.award import Award
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import histories, wall
from portal.members.spans import place
from portal.reports import lists, measures
from portal.reports.closed import joining, snapshots
from portal.reports.closed.joining import Bucket, Cell
from portal.reports.closed.models import Snapshot
from portal.reports.income import payers

BASES = ("recognised", "collected")
OTHERS = {"en": "Several streams together", "zh": "多个收入类别合计"}


def six(year: int, half: int) -> list[date]:
    """Return the first days of the months of a half year."""
    return [date(year, month, 1) for month in range(6 * half - 5, 6 * half + 1)]


def closed(year: int, half: int) -> list[Snapshot]:
    """Return the snapshots of the half year's months; `Refused` while one of them is open.

    Months before the books began have none, and are not missed.
    """
    first = closing.first_month()
    found, wanting = [], []
    for month in six(year, half):
        if first is not None and month < first:
            continue
        row = snapshots.newest(month)
        if row is None:
            wanting.append(f"{month:%Y-%m}")
        else:
            found.append(row)
    if wanting or not found:
        raise Refused(
            _(
                "Only closed months go into the public account. Not closed yet: %(months)s.",
                months=", ".join(wanting or [f"{six(year, half)[-1]:%Y-%m}"]),
            ),
            status=422,
        )
    return found


def cells_of(rows: Sequence[Snapshot], known: date) -> list[Cell]:
    """Return what each payer, a corporate group as one, gave to each stream over some months."""
    head = payers.heads(known)
    sums: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        for stream, by_payer in snapshots.read(row)["cells"].items():
            for number, amounts in by_payer.items():
                payer = head.get(int(number), int(number))
                for basis in (*BASES, "waived"):
                    sums[stream, payer][basis] += int(amounts.get(basis, 0))
    return [Cell(stream, payer, dict(amounts)) for (stream, payer), amounts in sorted(sums.items())]


def _names(bucket: Bucket, known: lists.Lists) -> dict[str, str]:
    found = []
    for stream in bucket.streams:
        said = known.names.get(stream) or stream
        found.append({"en": said, "zh": said} if isinstance(said, str) else said)
    return {"en": ", ".join(one["en"] for one in found), "zh": "、".join(one["zh"] for one in found)}


def _diversity(lines: Sequence[Bucket], basis: str, limit: Fraction) -> dict[str, Any]:
    """Return how much hangs on the largest line shown: nothing of what the lines hide."""
    amounts = {", ".join(one.streams): one.sums[basis] for one in lines}
    found = measures.diversity(amounts, limit).body()
    keys = ("n", "total", "top_share", "hhi", "effective_number", "limit_breached")
    return {key: found[key] for key in keys}


def _waived(cells: Sequence[Cell], fewest: int) -> int | None:
    who = {one.payer for one in cells if one.amounts.get("waived")}
    total = sum(one.amounts.get("waived", 0) for one in cells)
    return total if not who or len(who) >= fewest else None


def members(day: date) -> dict[str, int]:
    """Return how many organisations a term covers on a day, by the code of the tier, in order of the tiers."""
    order = wall.tier_order()
    ranks = {code: n for n, code in enumerate(order)}
    found: Counter[str] = Counter()
    for spans in histories.spans().values():
        if (held := place(spans, day, ranks)) is not None:
            found[held.tier] += 1
    return {code: found[code] for code in dict.fromkeys([*order, *sorted(found)]) if code in found}


def certified(day: date) -> int:
    """Return how many people had a certificate in force at the end of a day."""
    at = months.end_of(day)
    statement = select(func.count(Award.person_id.distinct())).where(awarding.in_force(at))
    return db.session.scalar(statement) or 0


def figures(year: int, half: int, *, together: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
    """Return what the account of a half year says, before words and use of funds.

    `Refused` while a month is open, or where so few paid that the sums themselves would tell what somebody paid.
    """
    rows = closed(year, half)
    end = months.last_of(rows[-1].month)
    known = lists.in_force(end)
    fewest = int(catalogue.policy("account.fewest_payers", on=end))
    cells = cells_of(rows, end)
    groups = dict(known.groups)
    for one in cells:
        groups.setdefault(one.stream, "other")
    shown = joining.join(cells, groups, BASES, fewest=fewest, together=together)
    if shown is None:
        raise Refused(
            _l(
                "Fewer than %(count)s payers paid in this half year: any sum would tell what one of them paid.",
                count=fewest,
            ),
            status=422,
        )
    return {
        "period": [str(date(year, 6 * half - 5, 1)), str(end)],
        "snapshots": [{"n": row.n, "month": f"{row.month:%Y-%m}", "hash": row.hash} for row in rows],
        "versions": snapshots.read(rows[-1])["versions"],
        "fewest": fewest,
        "listed": len(known.groups),
        "lines": [
            {"streams": list(one.streams), "name": _names(one, known), **one.sums} for one in shown
        ],
        "totals": {basis: sum(one.sums[basis] for one in shown) for basis in BASES},
        "diversity": {basis: _diversity(shown, basis, known.limit) for basis in BASES},
        "ceiling": f"{known.limit.numerator}/{known.limit.denominator}",
        "waived": _waived(cells, fewest),
        "members": members(end),
        "certified": certified(end),
        "benchmarks": list(catalogue.entries("benchmark", on=end).values()),
    }  # fmt: skip
