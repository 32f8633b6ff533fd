"""What the demo aims at: targets of next year, one of them set by two people and one waiting; costs of the last months."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import transaction
from portal.core.money import Money
from portal.core.periods import nth
from portal.reports.goals import costs, setting

Who = Callable[[str], Person]
EVEN_LATER = (500, 500, 700, 700, 800, 800, 900, 900, 1000, 1000, 1100, 1100)
COSTS = (41_250_000, 43_800_000, 40_900_000, 46_100_000, 44_700_000, 47_350_000)


def fill(who: Who, today: date) -> None:
    """Write the costs that finance stated, and propose targets of next year."""
    first = today.replace(day=1)
    for n, amount in enumerate(COSTS):
        month = nth(first, 1, n - len(COSTS))
        with clock.stopped_at(min(today, nth(month, 1, 1))), transaction():
            costs.state(
                month,
                Money(amount),
                zh="总账费用合计",
                en="All accounts of cost in the general ledger",
                seen=0,
                by=who("finance"),
            )
    year, last_week = today.year + 1, today - timedelta(days=7)
    with clock.stopped_at(last_week), transaction():
        total = setting.propose(
            "income", "total", year, 1_400_000_000, basis="recognised", profile=EVEN_LATER, valid_from=last_week,
            reason="理事会预算：会员增至 100 家，服务收入按季度递增。", by=who("finance"),
        )  # fmt: skip
    with clock.stopped_at(last_week + timedelta(days=1)), transaction():
        setting.put(total, by=who("executive"))
    with clock.stopped_at(last_week + timedelta(days=2)), transaction():
        setting.propose(
            "income", "group:dues", year, 700_000_000, basis="recognised", profile=(), valid_from=last_week + timedelta(days=2),
            reason="Founding members pay their first dues next year.", by=who("executive"),
        )  # fmt: skip
