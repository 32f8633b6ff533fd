"""Commands about exam items: responses of a past sitting taken in, and the analysis of its items."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from portal.certs import item_report, sittings
from portal.cli import prepared
from portal.cli.doors import FILE, FORM, bring_in, report
from portal.core.db import reading, transaction
from portal.core.errors import Refused

EXAM = click.option("--exam", required=True, help="The exam's code, like OPDEV.")


@bring_in.command("responses")
@click.argument("file", type=FILE)
@EXAM
@click.option("--sitting", "name", default=None, help="What the sitting is called; default: the file's name.")
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_responses(file: Path, exam: str, name: str | None, dry_run: bool, form: str) -> None:
    """Bring the item responses of a past sitting in, for item analysis."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{file.name}: the file is not UTF-8 text") from None
    outcome = sittings.Outcome("")
    with prepared().app_context():
        try:
            with _bar(text.count("\n")) as bar, transaction():
                outcome = sittings.bring_in(
                    text, exam=exam, name=name or file.name, named=name is not None, step=bar.update
                )
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
        except Refused as refusal:
            raise Refused(f"{file.name}: {refusal}") from None
    body = {
        "exam": exam, "sitting": outcome.sitting, "candidates": outcome.candidates, "items": outcome.items,
        "same": outcome.same, "notes": outcome.notes,
    }  # fmt: skip
    said = f"sitting {outcome.sitting}: {outcome.candidates} candidates, {outcome.items} items"
    lines = outcome.notes if outcome.same else [said, *outcome.notes]
    click.echo(json.dumps(body, ensure_ascii=False) if form == "json" else "\n".join(lines))


def _bar(length: int) -> Any:
    """Return a progress bar on a terminal, on standard error, and nothing elsewhere."""
    return click.progressbar(
        length=length, label="responses", file=sys.stderr, hidden=not sys.stderr.isatty()
    )


@report.command("items")
@EXAM
@click.option("--sitting", "name", default=None, help="Which sitting; default: the latest.")
@FORM
def report_items(exam: str, name: str | None, form: str) -> None:
    """Print the analysis of a sitting's items: difficulty, discrimination, reliability, flags."""
    with prepared().app_context(), reading():
        body = item_report.body(item_report.look(sittings.found(exam, name)))
    if form == "json":
        click.echo(json.dumps(body, ensure_ascii=False))
        return
    for key, value in body.items():
        if key not in ("items", "flags"):
            click.echo(f"{key}\t{_said(value)}")
    click.echo("flags\t" + _said(", ".join(body["flags"]) or None))
    heads = list(body["items"][0])
    click.echo("\t".join(heads))
    for one in body["items"]:
        click.echo("\t".join(_said(", ".join(v) or None if isinstance(v, list) else v) for v in one.values()))


def _said(value: Any) -> str:
    return "-" if value is None else f"{value:.8f}" if isinstance(value, float) else str(value)
