"""Commands about the books: past ones taken in, and the revenue report."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from portal.billing import past_books, past_file, plain_text
from portal.cli import prepared
from portal.cli.doors import DAY, FILE, FORM, bring_in, report, send_out
from portal.core import clock
from portal.core.db import reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.words import plain
from portal.members import names
from portal.reports.revenue import revenue

MONTH = click.DateTime(["%Y-%m"])


@bring_in.command("books")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_books(file: Path, dry_run: bool, form: str) -> None:
    """Bring past orders, invoices, credit notes, receipts, refunds and closed months in."""
    try:
        book = past_file.parse(file.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused(f"{file.name}: the file is not UTF-8 text") from None
    except Refused as refusal:
        raise Refused(f"{file.name}: {refusal}") from None
    outcome = past_books.Outcome()
    with prepared().app_context():
        try:
            with transaction():
                outcome = past_books.bring_in(book, by="import")
                names.rebuild()
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
        except Refused as refusal:
            raise Refused(f"{file.name}: {refusal}") from None
    body = {"new": outcome.new, "same": outcome.same}
    click.echo(json.dumps(body) if form == "json" else f"new {outcome.new}, same {outcome.same}")


@report.command("revenue")
@click.option("--from", "start", type=MONTH, required=True, help="First month, like 2026-01.")
@click.option("--to", "end", type=MONTH, required=True, help="Last month.")
@click.option(
    "--as-known", "known", type=DAY, default=None, help="Facts recorded by this day; default: today."
)
@FORM
def report_revenue(start: datetime, end: datetime, known: datetime | None, form: str) -> None:
    """Print what was earned: five bases by stream, diversity, targets, forecast."""
    with prepared().app_context(), reading():
        body = revenue(start.date(), end.date(), known.date() if known else clock.today())
    if form == "json":
        click.echo(json.dumps(body, ensure_ascii=False, indent=1))
        return
    click.echo(f"{body['period'][0]} to {body['period'][1]}, as known on {body['as_known']} (CNY)")
    for basis, amounts in body["by_stream"].items():
        click.echo(f"{basis}\t{plain(Money(body['totals'][basis]))}")
        for stream, amount in amounts.items():
            if amount:
                click.echo(f"  {stream}\t{plain(Money(amount))}")


@send_out.command("journal")
@click.option("--format", "form", type=click.Choice(["beancount", "hledger"]), required=True)
@click.option("--until", "until", type=DAY, default=None, help="The last day posted.")
def export_journal(form: str, until: datetime | None) -> None:
    """Write the ledger as plain text with every balance asserted."""
    with prepared().app_context(), reading():
        for line in plain_text.journal(form, until.date() if until else None):
            click.echo(line)
