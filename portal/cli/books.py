"""Commands about the books: past ones taken in, and the revenue report."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from portal.billing import past_books, past_file
from portal.cli import prepared
from portal.cli.doors import DAY, FILE, FORM, bring_in, report
from portal.cli.record import taken_out
from portal.core import clock, export, sheets
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
@click.option("--format", "form", type=click.Choice(["text", "json", "csv", "xlsx"]), default="text")
@click.option(
    "--output",
    type=click.File("wb", lazy=True),
    default="-",
    help="File for csv and xlsx; default: standard output.",
)
def report_revenue(
    start: datetime, end: datetime, known: datetime | None, form: str, output: BinaryIO
) -> None:
    """Print what was earned: five bases by stream, diversity, targets, forecast; the bases alone as CSV or XLSX."""
    with prepared().app_context():
        with reading():
            body = revenue(start.date(), end.date(), known.date() if known else clock.today())
        taken_out(
            "report-revenue",
            form,
            **{"from": body["period"][0], "to": body["period"][1]},
            known=body["as_known"],
        )
    if form == "json":
        click.echo(json.dumps(body, ensure_ascii=False, indent=1))
        return
    if form in ("csv", "xlsx"):
        output.write(_table(body, form))
        return
    click.echo(f"{body['period'][0]} to {body['period'][1]}, as known on {body['as_known']} (CNY)")
    for basis, amounts in body["by_stream"].items():
        click.echo(f"{basis}\t{plain(Money(body['totals'][basis]))}")
        for stream, amount in amounts.items():
            if amount:
                click.echo(f"  {stream}\t{plain(Money(amount))}")


def _table(body: dict[str, Any], form: str) -> bytes:
    """Return the bases of a report as a table: a row a basis, a column a stream, the total last."""
    streams = list(dict.fromkeys(stream for amounts in body["by_stream"].values() for stream in amounts))
    heads = ["basis", *streams, "total"]
    rows = [
        [basis, *(Money(amounts.get(stream, 0)) for stream in streams), Money(body["totals"][basis])]
        for basis, amounts in body["by_stream"].items()
    ]
    if form == "csv":
        return "".join(export.lines_of(heads, rows)).encode()
    notes = [["period", " – ".join(body["period"])], ["as known", body["as_known"]], ["currency", "CNY"]]
    return sheets.book(
        [sheets.Sheet("revenue", heads, rows), sheets.Sheet("notes", ["what", "value"], notes)]
    )
