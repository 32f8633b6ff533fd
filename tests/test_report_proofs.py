"""The reports against a plain calculation, day by day from the file of the books: every basis, stream and month, as known on any day."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.core import clock
from portal.core.db import reading, transaction
from portal.reports.income import asked, behind
from portal.reports.income.asked import Question
from portal.reports.income.books import Books
from portal.reports.income.figure import Figure
from portal.reports.stored import building
from portal.reports.stored import reading as stored
from tests.plainly import FIRST, Plainly, random_books
from tests.report_world import take

NOW = date(2026, 10, 20)
FLOWS = (
    "booked",
    "invoiced_net",
    "invoiced_tax",
    "credited_net",
    "credited_tax",
    "net_invoiced",
    "collected_gross",
    "collected_net",
    "recognised",
    "waived",
)
STOCKS = ("deferred", "contract_asset", "unpaid", "rpo", "ar")
# A random book, and whether totals of its closed months are kept: the figures are the same.
SEEDS = [(n, kept) for n in range(12) for kept in (True, False)]
# From, to, as known: past and running months, before the first entry and after the last.
QUESTIONS = [
    ("2025-09", "2026-10", NOW), ("2026-01", "2026-06", NOW), ("2026-03", "2026-03", date(2026, 3, 31)),
    ("2025-11", "2026-05", date(2026, 4, 17)), ("2026-02", "2026-12", date(2026, 2, 28)), ("2026-07", "2027-03", NOW),
    ("2024-01", "2025-08", NOW), ("2025-09", "2026-06", date(2026, 6, 30)),
]  # fmt: skip


def given(start: str, last: str, known: date) -> Question:
    return asked.read({"from": start, "to": last, "known": known.isoformat()}, clock.today())


def folded(books: Books, code: str) -> None:
    """Require that sums by payer and by month of booking are those of the lines."""
    of_line: dict[str, Callable[[int], Any]] = {"party": books.party_of, "agreed": books.agreed}
    for grain, key in of_line.items():
        sums: dict[Any, int] = defaultdict(int)
        for (line,), amount in books.moved(code, "line").items():
            sums[key(line),] += amount
        assert _some(books.moved(code, grain)) == _some(sums), (code, grain)


@pytest.mark.parametrize(("seed", "kept"), SEEDS if os.environ.get("PROOFS") else [(1, False), (2, True)])
def test_every_basis_stream_and_month_as_worked_out_plainly(app: Flask, seed: int, kept: bool) -> None:
    body = random_books(seed, until=NOW - timedelta(days=3))
    with app.app_context(), clock.stopped_at(NOW):
        take(body)
        if kept:
            with transaction():
                assert building.rebuild() > 2
                assert any(one.settled for one in stored.kept()), (
                    "or nothing kept answers what is not booked yet"
                )
        with reading():
            for start, last, known in QUESTIONS:
                said = given(start, last, known)
                books, plain = Books(said), Plainly(body, said.last_day, known)
                flows = plain.flows(said.start)
                for code in FLOWS:
                    found = books.by(code, lambda one: (one.stream, one.month))
                    assert _some(found) == _some(flows[code]), (seed, start, last, known, code)
                    assert _some(books.moved(code, "stream", "month")) == _some(flows[code]), (seed, code)
                    folded(books, code)
                stands = plain.stocks()
                for code in STOCKS:
                    assert _some(books.stands(code, books.stream_of)) == _some(stands[code]), (
                        seed,
                        start,
                        last,
                        known,
                        code,
                    )
                late: dict[object, int] = defaultdict(int)
                for row in behind.rows_of(said, Figure.of("corrections", 0)):
                    assert row.day is not None
                    late[row.stream, row.month, row.day.replace(day=1)] += row.amount
                assert _some(late) == _some(plain.corrections(said.start)), (seed, start, last, known)


def _some(sums: Mapping[Any, int]) -> dict[Any, int]:
    return {key: amount for key, amount in sums.items() if amount}


def test_a_random_book_reaches_what_is_rare() -> None:
    body = random_books(1, until=NOW)
    plain = Plainly(body, NOW, NOW)
    assert FIRST < NOW
    assert any(amount < 0 for amount in plain.flows(FIRST)["recognised"].values())
    assert plain.corrections(FIRST)
    assert any(plain.stocks()["contract_asset"].values())
