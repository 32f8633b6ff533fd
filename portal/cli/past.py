"""Commands about the past of members: a membership history taken in, and the report of who stayed."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from portal.billing import months
from portal.cli import prepared
from portal.cli.books import MONTH
from portal.cli.doors import DAY, FILE, FORM, bring_in, report
from portal.core.db import reading, transaction
from portal.core.errors import Refused
from portal.members import history
from portal.reports import retention


@bring_in.command("history")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_history(file: Path, dry_run: bool, form: str) -> None:
    """Bring a membership history in: who joined, left, came back, changed tier or name, month by month."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{file.name}: the file is not UTF-8 text") from None
    outcome = history.Outcome()
    with prepared().app_context():
        try:
            with _bar(text.count("\n")) as bar, transaction():
                outcome = history.bring_in(text, step=lambda: bar.update(1))
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
        except Refused as refusal:
            raise Refused(f"{file.name}: {refusal}") from None
    body = {
        "new": outcome.new, "same": outcome.same, "organisations": outcome.organisations, "notes": outcome.notes,
    }  # fmt: skip
    said = f"new {outcome.new}, same {outcome.same}, new organisations {outcome.organisations}"
    click.echo(json.dumps(body, ensure_ascii=False) if form == "json" else "\n".join([said, *outcome.notes]))


def _bar(length: int) -> Any:
    """Return a progress bar on a terminal, on standard error, and nothing elsewhere."""
    return click.progressbar(length=length, label="events", file=sys.stderr, hidden=not sys.stderr.isatty())


@report.command("retention")
@click.option("--from", "start", type=MONTH, required=True, help="First month, like 2026-01.")
@click.option("--to", "end", type=MONTH, required=True, help="Last month.")
@click.option("--as-known", "known", type=DAY, default=None, help="Facts recorded by this day; default: now.")
@click.option("--groups", is_flag=True, help="Count related companies as one.")
@FORM
def report_retention(start: datetime, end: datetime, known: datetime | None, groups: bool, form: str) -> None:
    """Print arrivals, departures, upgrades, downgrades, what was kept, and cohorts."""
    with prepared().app_context(), reading():
        at = months.end_of(known.date()) if known else None
        body = retention.body(retention.look(start.date(), end.date(), known=at, grouped=groups))
    if form == "json":
        click.echo(json.dumps(body, ensure_ascii=False, indent=1))
        return
    _print(body)


def _print(body: dict[str, Any]) -> None:
    by_tier, cohorts = body["by_tier"], body["cohorts"]
    for name, value in body.items():
        if name not in ("by_tier", "cohorts"):
            click.echo(f"{name}\t{'-' if value is None else value}")
    heads = [name for one in by_tier.values() for name in one]
    for tier, one in by_tier.items():
        click.echo(f"{tier}\t" + "\t".join(f"{name} {one[name]}" for name in dict.fromkeys(heads)))
    for one in cohorts:
        points = "\t".join(f"{point['on']} {point['members']}" for point in one["points"])
        click.echo(f"cohort {one['cohort']}\t{one['size']}\t{points}")
