"""The command that takes a bank statement in: camt.053, MT940 or a bank's CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portal.billing import bank_import
from portal.billing.bank_import import Outcome
from portal.cli import prepared
from portal.cli.doors import FILE, FORM, _say, bring_in
from portal.core import files
from portal.core.db import let_go, transaction
from portal.core.errors import Refused
from portal.core.money import Money

BIGGEST = 64 * 1024 * 1024


def _closing(text: str) -> Money | None:
    try:
        return Money.parse(text) if text else None
    except ValueError:
        raise click.UsageError(f"--closing: {text} is no amount, such as 12,000.00") from None


@bring_in.command("statement")
@click.argument("file", type=FILE)
@click.option("--account", required=True, help="The bank account of the catalogue the statement is of.")
@click.option("--closing", default="", help="The closing balance, if the file has none.")
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_statement(file: Path, account: str, closing: str, dry_run: bool, form: str) -> None:
    """Take a bank statement in; the same file again changes nothing."""
    typed = _closing(closing)
    if file.stat().st_size > BIGGEST:
        raise Refused(f"{file.name}: the file is larger than 64 MB")
    data = file.read_bytes()
    outcome: Outcome | None = None
    with prepared().app_context():
        found = bank_import.read(data, account)
        let_go()
        content = (
            files.put(data, "application/octet-stream") if not dry_run else files.Content("-", len(data), "-")
        )
        try:
            with transaction():
                outcome = bank_import.take(
                    found, content, name=file.name, account=account, by="command line", closing=typed
                )
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
        if outcome is not None:
            body = _body(outcome)
            _say(body, "\n".join(f"{key}: {value}" for key, value in body.items()), form)


def _body(done: Outcome) -> dict[str, Any]:
    return {
        "account": done.account,
        "form": done.form,
        "lines": done.told,
        "new": done.fresh,
        "known": done.told - done.fresh,
        "opening": done.opening.minor,
        "closing": done.closing.minor,
        "matched": done.steps[1],
        "suggested": done.steps[2] + done.steps[3],
        "hints": done.steps[4],
        "unidentified": done.steps[5],
        "out": done.out,
    }
