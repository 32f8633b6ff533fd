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

os.environ.setdefault("PORTAL_SECRET_KEY", "a key for the benchmark only, of forty characters")


def _app() -> Flask:
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

    app = _app()
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
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most")


PARTS: dict[str, Callable[..., None]] = {"matching": matching}


def main() -> None:
    """Run the parts named, or all: `matching` or `matching=2000` for another size."""
    for word in sys.argv[1:] or PARTS:
        name, _, size = word.partition("=")
        PARTS[name](*([int(size)] if size else []))


if __name__ == "__main__":
    main()
