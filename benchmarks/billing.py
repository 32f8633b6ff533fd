"""Billing at scale: each part prints what it did, how long it took and what it cost. `python -m benchmarks.billing [PART…]`."""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from benchmarks import servers

os.environ.setdefault("PORTAL_SECRET_KEY", "a key for the benchmark only, of forty characters")


def app_of_its_own() -> Flask:
    """Return an application on a database of its own: TEST_DATABASE_URL if it is given, else a new SQLite file."""
    from portal.app import create_app
    from portal.cli import migrate_now

    os.environ["PORTAL_HOME"] = tempfile.mkdtemp(prefix="portal-benchmark-")
    os.environ["PORTAL_DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")
    Path(os.environ["PORTAL_HOME"]).mkdir(exist_ok=True)
    app = create_app()
    with app.app_context():
        migrate_now()
    return app


def _counted(work: Callable[[], Any]) -> tuple[Any, int, float]:
    """Do some work; return its result, how many statements it sent and the seconds it took."""
    from sqlalchemy import event

    from portal.core.db import db

    sent = [0]

    def count(*_: Any) -> None:
        sent[0] += 1

    event.listen(db.engine, "before_cursor_execute", count)
    start = time.perf_counter()
    try:
        found = work()
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    return found, sent[0], time.perf_counter() - start


def matching(rows: int = 10_000) -> None:
    """Match bank lines: a statement of `rows` lines against half as many open invoices; the rate of each step."""
    from portal.core.db import let_go
    from tests import bank_lines

    app = app_of_its_own()
    with app.app_context():
        told = bank_lines.invent(rows, random.Random(6))
        let_go()
        done, sent, took = _counted(lambda: bank_lines.take(told))
        print(
            f"matching {rows} bank lines: {took:.1f} s, {rows / took:.0f} lines/s, {sent / rows:.1f} statements a line"
        )
        print(bank_lines.rates(done))
        again, sent, took = _counted(lambda: bank_lines.take(told, name="again"))
        print(f"the same lines again: {again.fresh} new, {took:.1f} s, {sent} statements")
        print(f"memory: {_peak()} MB at most")


def renewals(rows: int = 10_000) -> None:
    """Renew, issue and settle `rows` subscriptions, each step a transaction: rate, statements, and memory as it grows."""
    from benchmarks import renewing

    app = app_of_its_own()
    with app.app_context():
        numbers = renewing.subscribed(rows)
        renewing.settle(renewing.renew(numbers[:50]))  # warm: catalogue, statements, connections
        before, told = _peak(), []
        for start in range(50, rows, max(1, rows // 5)):
            part = numbers[start : start + max(1, rows // 5)]
            bills, sent, took = _counted(lambda part=part: renewing.renew(part))
            _none, more, paid = _counted(lambda bills=bills: renewing.settle(bills))
            told.append((len(part), sent, took, more, paid))
            print(
                f"  {start + len(part):6d} renewed and paid: {len(part) / (took + paid):.0f}/s, "
                f"{sent / len(part):.1f} statements to renew and issue, {more / len(part):.1f} to settle, "
                f"memory {_peak()} MB"
            )
        done, sent, took, more, paid = (sum(column) for column in zip(*told, strict=True))
        print(
            f"renewals {done}: {took:.0f} s to renew and issue, {paid:.0f} s to settle, {done / (took + paid):.0f} renewals/s, "
            f"{(sent + more) / done:.1f} statements each, memory {before} MB before, {_peak()} MB at most"
        )


def reports(lines: int = 1_000_000) -> None:
    """Revenue and ageing over `lines` lines of the journal, against the leanest SQL for the same figures."""
    from benchmarks import comparing

    app = app_of_its_own()
    with app.app_context():
        comparing.compare(lines)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


PARTS: dict[str, Callable[..., None]] = {"renewals": renewals, "matching": matching, "reports": reports}


def main() -> None:
    """Run the parts named, or all: `matching` or `matching=2000` for another size; `--postgresql` on a server of its own."""
    words = sys.argv[1:]
    with servers.asked_for(words):
        for word in words or PARTS:
            name, _, size = word.partition("=")
            PARTS[name](*([int(size)] if size else []))


if __name__ == "__main__":
    main()
