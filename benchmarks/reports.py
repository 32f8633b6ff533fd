"""The report pages over many journal lines, against the leanest SQL for the same figures. `python -m benchmarks.reports [lines=1000000]`."""

from __future__ import annotations

import itertools
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import current_app
from sqlalchemy import delete, event, select, text

from benchmarks import billing, comparing, past, servers
from portal.billing import months
from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.core import clock
from portal.core.db import db, let_go, reading, transaction
from portal.reports.closed import bodies, checks
from portal.reports.income import asked, pages
from portal.reports.income.figure import Figure
from portal.reports.stored import building

START, END = date(2025, 1, 1), date(2025, 12, 31)
QUESTION = {"from": "2025-01", "to": "2025-12"}
# Pages that ask for one payer or stream have no whole of their own to measure.
NARROW = ("payer", "stream")
MONTH = {"sqlite": "strftime('%Y-%m', e.posted_on)", "postgresql": "to_char(e.posted_on, 'YYYY-MM')"}


def lean() -> dict[tuple[str, str], int]:
    """Return the year's income by stream and month in the leanest SQL we know."""
    month = MONTH[db.engine.dialect.name]
    statement = text(
        f"SELECT o.stream, {month}, -SUM(l.amount) FROM journal_line l "
        "JOIN journal_entry e ON e.id = l.entry_id AND e.known_at <= :until "
        "JOIN order_line o ON o.id = l.order_line_id "
        "WHERE l.account LIKE '6001.%' AND e.posted_on BETWEEN :start AND :end GROUP BY 1, 2"
    )
    until = months.end_of(clock.today())
    rows = db.session.execute(statement, {"until": until, "start": START, "end": END})
    return {(stream, month): int(amount) for stream, month, amount in rows if amount}


def by_month() -> dict[tuple[str, str], int]:
    """Return what the page of months says: every figure of its table, by stream and month."""
    report = pages.of("months").build(asked.read(QUESTION, clock.today()))
    found: dict[tuple[str, str], int] = defaultdict(int)
    for figure in report.figures():
        by = dict(figure.rows)
        if "month" in by and "stream" in by and isinstance(figure, Figure):
            found[by["stream"], by["month"]] = figure.amount
    return {key: amount for key, amount in found.items() if amount}


def _asked(work: Callable[[], Any]) -> Any:
    """Do some work as a reader of the pages does: within a request of its own, in which addresses can be made."""
    with current_app.app_context(), current_app.test_request_context("/"):
        return work()


def _counted(work: Callable[[], Any]) -> tuple[int, float]:
    """Do some work; return how many statements it sent and the seconds it took."""
    sent = [0]

    def count(*_: Any) -> None:
        sent[0] += 1

    event.listen(db.engine, "before_cursor_execute", count)
    start = time.perf_counter()
    try:
        _asked(work)
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
        let_go()
    return sent[0], time.perf_counter() - start


def _whole(lines: int) -> None:
    """Print statements and seconds of every page, of the close checks and of a snapshot's body."""
    said = asked.read(QUESTION, clock.today())
    works: dict[str, Callable[[], Any]] = {
        f"page {page.key}": lambda page=page: page.build(said)  # type: ignore[misc]
        for page in pages.every()
        if page.key not in NARROW
    }
    works["close checks"] = lambda: checks.look(date(2025, 12, 1))
    works["snapshot"] = lambda: bodies.parts(*bodies.flows(date(2025, 12, 1), clock.now()))
    for name, work in works.items():
        with reading():
            sent, took = _counted(work)
        print(f"  {name} over {lines} journal lines: {sent} statements, {took:.2f} s")


def _close(last: date) -> None:
    """Close every month up to one, as a foundation does, and keep their totals."""
    month = past.FIRST
    with transaction():
        known = set(db.session.scalars(select(AccountingPeriod.month)))
        while month <= last:
            if month not in known:
                closed_at = months.end_of(months.following(month))
                db.session.add(AccountingPeriod(month=month, state=PeriodState.CLOSED, closed_at=closed_at))
            month = months.following(month)
    with transaction():
        start = time.perf_counter()
        count = building.rebuild()
    print(f"totals of {count} closed months made anew in {time.perf_counter() - start:.2f} s")


def _open() -> None:
    """Open every month, so that books of more lines can be written."""
    with transaction():
        db.session.execute(delete(AccountingPeriod))


def _measured(written: int, state: str) -> tuple[int, float, float]:
    comparing.settled_down()
    (ours, mine), (plain, theirs) = comparing.least([lambda: _asked(by_month), lambda: _asked(lean)])
    if ours != plain:
        raise SystemExit("the year by month and stream differs from the lean SQL")
    start = time.process_time()
    with reading():
        sent, _seconds = _counted(by_month)
    print(
        f"year by month and stream over {written} journal lines, {state}: {mine:.2f} s ({time.process_time() - start:.2f} s of CPU, "
        f"{sent} statements), lean SQL {theirs:.2f} s, {mine / theirs:.2f} times"
    )
    return written, mine, theirs


def compare(lines: int) -> None:
    """Write books of a tenth of the lines, then of all; print the page of months beside the lean SQL, and how both grow.

    Once with every month open, as nobody leaves them, and once with all but the last closed.
    """
    took: list[tuple[int, float, float]] = []
    written = 0
    for size in (lines // 10, lines):
        written += past.write(size - written, after=written)
        _measured(written, "no month closed")
        _close(date(2025, 11, 1))
        took.append(_measured(written, "all but the last month closed"))
        if size < lines:
            _open()
    for before, after in itertools.pairwise(took):
        rows, mine, theirs = (now / then for then, now in zip(before, after, strict=True))
        print(f"{rows:.1f} times the lines take {mine:.1f} times as long, lean SQL {theirs:.1f} times")
    _whole(written)


def main() -> None:
    """Measure on SQLite, or with `--postgresql` on a server of its own."""
    words = sys.argv[1:]
    with servers.asked_for(words):
        size = int(words[0].rpartition("=")[2]) if words else 1_000_000
        app = billing.app_of_its_own()
        with app.app_context():
            compare(size)


if __name__ == "__main__":
    main()
