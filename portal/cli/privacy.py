"""Commands about privacy: what is kept beyond its time, shown and, when told so, deleted."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import datetime

import click

from portal.cli import cli, prepared
from portal.cli.doors import DAY, FORM
from portal.core import clock, retaining
from portal.core.db import reading


@cli.command("retain")
@click.option("--delete", "deletes", is_flag=True, help="Delete; without it nothing is changed.")
@click.option("--as-of", "as_of", type=DAY, default=None, help="As if it were noon of this day.")
@FORM
def retain(deletes: bool, as_of: datetime | None, form: str) -> None:
    """Show what is kept beyond its time; with --delete, delete it, each row leaving one without the data."""
    moment = clock.stopped_at(as_of.date()) if as_of else nullcontext()
    with prepared().app_context(), moment:
        with reading():
            found = retaining.dry_run()
        done = retaining.run(by="portal retain") if deletes else 0
    body = {"due": {one.kind: one.count for one in found}, "deleted": done}
    if form == "json":
        click.echo(json.dumps(body))
        return
    for one in found:
        click.echo(f"{one.kind}\t{one.count} rows older than {one.days} days")
    click.echo(f"{done} rows are deleted." if deletes else "Nothing was changed: dry run.")
