"""What stands on a day is the same sum whether entries are looked for or those that do not count are left out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from flask import Flask

from portal.billing import months
from portal.core.db import reading
from portal.reports import journal
from tests.report_world import bring_in

DAYS = [date(2025, 12, 31), date(2026, 2, 28), date(2026, 4, 15), date(2026, 6, 30), date(2026, 12, 31)]


def test_both_ways_to_what_stands_give_the_same(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        bring_in("books-small.json")

        def found(recent: timedelta) -> list[object]:
            monkeypatch.setattr(journal, "RECENT", recent)
            with reading():
                return [
                    (
                        journal.standings(until, day), journal.balances(until, day), dict(journal.owed(until, day)),
                        journal.owed_in_all(until, day),
                    )
                    for day, until in product(DAYS, map(months.end_of, DAYS))
                ]  # fmt: skip

        never, always = found(timedelta(-9_999)), found(timedelta(9_999))
        assert always == never
        assert len({str(one) for one in never}) >= len(DAYS)  # the days tell different things
