"""The reports of the house beside the leanest SQL for the same figures: equal to the fen, and how long each takes."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

from benchmarks import lean, past
from portal.billing import ageing, months
from portal.core import clock
from portal.core.db import db, let_go
from portal.core.money import Money
from portal.reports.revenue import revenue

START, END = date(2025, 1, 1), date(2025, 12, 31)
TIMES = 3


def settled_down() -> None:
    """Let the database know its rows, as it does by itself at night."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE")


def least(works: list[Callable[[], Any]]) -> list[tuple[Any, float]]:
    """Do each work some times in turn; return what each gave and its least seconds."""
    found: list[tuple[Any, float]] = [(None, float("inf"))] * len(works)
    for _ in range(TIMES):
        for at, work in enumerate(works):
            start = time.perf_counter()
            given = work()
            took = time.perf_counter() - start
            let_go()
            found[at] = (given, min(took, found[at][1]))
    return found


def _same(body: dict[str, Any], plain: dict[str, Any]) -> None:
    """Stop if one figure differs."""
    for name, value in plain.items():
        ours: Any
        if name == "payers":
            ours = [amount for _name, amount, _share in body["payers"]]
        elif name == "by_month":
            ours = body["recognised_by_month_total"]
        else:
            ours = body["by_stream"].get(name, body.get(name))
        if isinstance(value, dict):
            ours = {key: amount for key, amount in ours.items() if amount}
            value = {key: amount for key, amount in value.items() if amount}
        if ours != value:
            raise SystemExit(f"{name} differs: {ours} and {value}")


def _same_ages(debtors: list[ageing.Debtor], plain: tuple[dict[int, list[int]], dict[int, int]]) -> None:
    owed, credit = plain
    found = {one.id: [sum_.minor for sum_ in one.sums] for one in debtors if one.open}
    unused = {one.id: one.credit.minor for one in debtors if one.credit != Money(0)}
    if found != owed or unused != credit:
        raise SystemExit("the ageing differs")


def _told(name: str, lines: int, ours: float, theirs: float) -> None:
    print(
        f"{name:7} over {lines} journal lines: {ours:.2f} s, lean SQL {theirs:.2f} s, {ours / theirs:.2f} times; "
        f"a line costs {ours / lines * 1e6:.2f} us, in lean SQL {theirs / lines * 1e6:.2f} us"
    )


def compare(lines: int) -> None:
    """Write books of a tenth of the lines, of half of them, then of all; print both reports' times beside the lean SQL's.

    The step from a tenth leaves the caches of the processor, for us as for the lean SQL; the step from half does not.
    """
    until = months.end_of(clock.today())
    took: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    written = 0
    for size in (lines // 10, lines // 2, lines):
        written += past.write(size - written, after=written)
        settled_down()
        (body, ours), (plain, theirs) = least(
            [lambda: revenue(START, END, clock.today()), lambda: lean.revenue(START, END, until)]
        )
        _same(body, plain)
        took["revenue"].append((written, ours, theirs))
        (debtors, ours), (aged, theirs) = least([lambda: ageing.as_of(END), lambda: lean.ageing(END)])
        _same_ages(debtors, aged)
        took["ageing"].append((written, ours, theirs))
        for name, found in took.items():
            _told(name, *found[-1])
    for name, found in took.items():
        for before, after in itertools.pairwise(found):
            rows, ours, theirs = (now / then for then, now in zip(before, after, strict=True))
            print(
                f"{name}: {rows:.1f} times the lines take {ours:.1f} times as long, lean SQL {theirs:.1f} times"
            )
