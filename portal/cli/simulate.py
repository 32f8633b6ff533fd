"""`portal simulate`: years of simulated time on a scratch database, each event a line, then verification and reports."""

from __future__ import annotations

import gc
import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import structlog
from flask import Flask
from sqlalchemy import event

from portal import simulation
from portal.app import create_app
from portal.cli import cli, migrate_now
from portal.cli.doors import FILE, FORM, everything
from portal.core import clock
from portal.core.db import db, let_go, reading
from portal.core.settings import load
from portal.members import reports
from portal.reports import retention
from portal.reports.revenue import revenue
from portal.simulation import scenario as scenarios
from portal.simulation.scenario import Scenario
from portal.simulation.telling import Event

KEY = "what is simulated is read by nobody and signed for no one"


@cli.command()
@click.argument("scenario", type=FILE)
@FORM
def simulate(scenario: Path, form: str) -> None:
    """Live through years on a scratch database: try a price list, a grace period, a way in which people pay."""
    asked, began = scenarios.read(scenario), clock.monotonic()
    with scratch(asked) as app, app.app_context(), overheard() as faults, unhurried_gc():
        found = run(asked, form=form, faults=faults)
    seconds, memory = clock.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    units = 1024 if sys.platform != "darwin" else 1024 * 1024
    click.echo(f"{seconds:.0f} seconds, {memory // units} MiB at most", err=True)
    if found:
        sys.exit(1)


@contextmanager
def scratch(asked: Scenario) -> Iterator[Flask]:
    """Make an application on a database of its own in a temporary folder; nobody waits for the disk there."""
    with TemporaryDirectory(prefix="portal-simulation-") as folder:
        app = create_app(load({"PORTAL_HOME": folder, "PORTAL_SECRET_KEY": KEY}))
        with app.app_context(), clock.stopped_at(asked.start):
            event.listen(db.engine, "connect", _hurry)
            migrate_now()
        try:
            yield app
        finally:
            with app.app_context():
                db.engine.dispose()


@contextmanager
def unhurried_gc() -> Iterator[None]:
    """Look for garbage more rarely: statements are made and dropped by the million, and hardly any form cycles."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _hurry(raw: Any, _record: Any) -> None:
    raw.execute("PRAGMA synchronous=OFF")


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Keep the log off standard output: what fails is shown on standard error, and counts as found."""
    faults: list[str] = []

    def hear(_logger: Any, method: str, entry: Any) -> Any:
        if method in {"error", "exception", "critical"}:
            faults.append(" ".join(f"{key}={entry[key]}" for key in sorted(entry) if key != "exception"))
            click.echo(faults[-1], err=True)
            if "exception" in entry:
                click.echo(entry["exception"], err=True)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, hear])
    try:
        yield faults
    finally:
        structlog.configure(**before)


def run(asked: Scenario, *, form: str, faults: list[str]) -> list[str]:
    """Live through a scenario in the scratch application; return what verification and the log found."""
    world, found = simulation.prepare(asked), faults
    days = (simulation.last_day(asked) - asked.start).days + 1

    def tell(one: Event) -> None:
        click.echo(one.json() if form == "json" else one.text())

    def at_end(last: date) -> None:
        found.extend(_conclude(asked, last, form))

    with _bar(days) as bar:
        simulation.live(world, tell=tell, step=lambda: bar.update(1), at_end=at_end)
    return found


def _bar(length: int) -> Any:
    """Return a progress bar on a terminal, on standard error, and nothing elsewhere."""
    return click.progressbar(length=length, label="days", file=sys.stderr, hidden=not sys.stderr.isatty())


def _conclude(asked: Scenario, last: date, form: str) -> list[str]:
    """Verify the scratch database and print the reports as of its last evening; return what was found."""
    let_go()
    with reading():
        checked, found = everything()
        by_tier = reports.members_on(last)
        kept = retention.body(retention.look(asked.start, last))
        earned = revenue(asked.start, last, last)
    say: Callable[[str, Any], None] = _json if form == "json" else _text
    say("verify", {"checked": checked, "found": found})
    say("members", {"on": str(last), "by_tier": by_tier, "total": sum(by_tier.values())})
    say("retention", kept)
    say("revenue", earned)
    return found


def _json(name: str, body: Any) -> None:
    click.echo(json.dumps({"report": name, **body}, ensure_ascii=False, default=str))


def _text(name: str, body: Any) -> None:
    click.echo(f"\n{name}")
    for key, value in body.items():
        if isinstance(value, dict):
            click.echo(f"  {key}")
            for inner, one in value.items():
                click.echo(f"    {inner}  {_flat(one)}")
        elif isinstance(value, list):
            click.echo(f"  {key}" if value else f"  {key}  –")
            for one in value:
                click.echo(f"    {_flat(one)}")
        else:
            click.echo(f"  {key}  {_flat(value)}")


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key} {_flat(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(one) for one in value)
    return "–" if value is None else str(value)
