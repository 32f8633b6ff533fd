"""What a snapshot says: the figures of a month and of its year so far, its rows by stream and payer, as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any

from portal.billing import months
from portal.core import clock, heap
from portal.reports import revenue
from portal.reports.closed.cells import cells
from portal.reports.facts import gather
from portal.reports.flows import Flows
from portal.reports.lists import in_force

# What the books say; targets and the forecast look ahead and are no part of a closed month.
KEPT = (
    "period", "by_stream", "recognised_by_month", "totals", "net_invoiced", "rollforward", "ar_rollforward",
    "aging_net30", "bank_movement", "payment_fees", "fx_unrealised", "fx_realised", "vat_output",
    "waived_list_value", "diversity_recognised_streams", "diversity_recognised_groups", "diversity_invoiced_streams",
    "diversity_invoiced_groups", "group_recognised", "dues_share",
)  # fmt: skip
PARTS = ("month_figures", "year_figures", "cells")


def canonical(body: Any) -> str:
    """Return a value as the one text that stands for it: keys in order, no spaces, letters as they are."""
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(prev: str, body: str) -> str:
    """Return SHA-256 of the hash before and the body, as hexadecimal text."""
    return hashlib.sha256((prev + body).encode()).hexdigest()


def instant(at: datetime) -> str:
    """Return an instant as it stands in a body."""
    return at.astimezone(clock.OFFICE).isoformat()


def _figures(flows: Flows) -> dict[str, Any]:
    found = revenue.figures(flows)
    return {key: found[key] for key in KEPT if key in found}


def flows(month: date, at: datetime) -> tuple[Flows, Flows]:
    """Return the sums of a month and of its year so far, as they were known at an instant."""
    first, last, known = months.first_of(month), months.last_of(month), clock.day_of(at)
    lists = in_force(known)
    with heap.filling():
        one = gather(known, first, last, at=at)
        return Flows(one, lists), Flows(one.over(date(month.year, 1, 1), last), lists)


def parts(one: Flows, year: Flows) -> dict[str, Any]:
    """Return the figures of a month and of its year so far, and the month's rows, as plain values."""
    found = {"month_figures": _figures(one), "year_figures": _figures(year), "cells": cells(one)}
    plain: dict[str, Any] = json.loads(canonical(found))
    return plain
