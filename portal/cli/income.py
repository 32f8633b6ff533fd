"""Commands about income: a report page as it stands in the office, as text, CSV, XLSX, PDF or JSON."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

import click
from flask_babel import force_locale

from portal.cli import prepared
from portal.cli.books import MONTH
from portal.cli.doors import DAY, report
from portal.cli.record import taken_out
from portal.core import clock
from portal.core.db import let_go, reading, transaction
from portal.reports.income import asked, files, pages, papers
from portal.reports.income.asked import Question
from portal.reports.income.figure import Report
from portal.reports.stored import building

PAGES = ("overview", "months", "payers", "waterfall", "deferred", "rpo", "ageing", "corrections", "waived")
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}


@report.command("income")
@click.argument("page", type=click.Choice(PAGES))
@click.option("--from", "start", type=MONTH, required=True, help="First month, like 2026-01.")
@click.option("--to", "end", type=MONTH, required=True, help="Last month.")
@click.option(
    "--as-known", "known", type=DAY, default=None, help="Facts recorded by this day; default: today."
)
@click.option(
    "--basis", type=click.Choice(list(asked.BASES)), default=asked.DEFAULT, help="For months and payers."
)
@click.option("--stream", default="", help="One stream alone.")
@click.option("--language", type=click.Choice(list(LOCALES)), default="zh", help="Of names and heads.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "xlsx", "pdf", "json"]), default="text")
@click.option(
    "--output", type=click.File("wb", lazy=True), default="-", help="File to write; default: standard output."
)
def report_income(
    page: str, start: datetime, end: datetime, known: datetime | None, basis: str, stream: str, language: str,
    form: str, output: BinaryIO,
) -> None:  # fmt: skip
    """Print a report page of income: overview, months, payers, waterfall, deferred, rpo, ageing, corrections, waived."""
    given = {
        "from": f"{start:%Y-%m}", "to": f"{end:%Y-%m}", "basis": basis, "stream": stream,
        "known": f"{known:%Y-%m-%d}" if known else "",
    }  # fmt: skip
    with prepared().app_context(), force_locale(LOCALES[language]):
        with reading():
            said = asked.read(given, clock.today())
            made = pages.of(page).build(said)
            data = (
                "" if form == "pdf" else _text(said, made) if form == "text" else files.of(said, made, form)
            )
        let_go()
        if form == "pdf":
            data = files.of(said, made, form)
        taken_out(f"report-{page}", form, **given | {"known": said.known, "language": language})
    output.write(data.encode() if isinstance(data, str) else data)


@report.command("totals")
def report_totals() -> None:
    """Make the kept totals of closed months anew from the entries, and say of how many months."""
    with prepared().app_context(), transaction():
        click.echo(f"{building.rebuild()} months")


def _text(said: Question, made: Report) -> str:
    """Return what a page is of, and its tables as lines with tabs between the cells."""
    lines = [made.title]
    lines += [f"{name}\t{value}" for name, value in files.facts(said, made)[1:]]
    for table in made.tables:
        heads, rows = files.cells(table)
        lines += ["", table.title, "\t".join(heads)]
        lines += ["\t".join(papers.printed(cell) for cell in row) for row in rows]
    if made.empty:
        lines += ["", *made.empty]
    return "\n".join(lines) + "\n"
