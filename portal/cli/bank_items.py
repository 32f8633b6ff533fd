"""Commands of the item bank and the learning path: items in GIFT format, and lists of completed steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from portal.accounts import door
from portal.accounts.people import Person
from portal.certs import completions, item_import
from portal.cli import prepared
from portal.cli.doors import FILE, FORM, bring_in
from portal.core.db import transaction
from portal.core.errors import Refused


def _person(address: str) -> Person | None:
    if not address:
        return None
    found = door.by_email(address)
    if found is None:
        raise Refused(f"Nobody has the address {address}.")
    return found


@bring_in.command("items")
@click.argument("file", type=FILE)
@click.option("--exam", required=True, help="The level the items are for, such as OPDEV.")
@click.option(
    "--by",
    "address",
    default="",
    help="Mail address of the author; without it somebody takes the drafts over.",
)
@click.option("--language", type=click.Choice(["auto", "zh", "en"]), default="auto", show_default=True)
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_items(file: Path, exam: str, address: str, language: str, dry_run: bool, form: str) -> None:
    """Bring exam items in from a GIFT file, whole or not at all; the same file again changes nothing."""
    if file.stat().st_size > item_import.BIGGEST:
        raise Refused(f"{file.name}: the file is larger than 5 MB")
    outcome = item_import.Outcome()
    with prepared().app_context():
        try:
            found = item_import.read(file.read_bytes(), file.name)
        except Refused as refusal:  # one line on standard error, however many records are meant
            raise Refused("; ".join(str(refusal).split("\n"))) from None
        try:
            with transaction():
                outcome = item_import.bring_in(found, exam, by=_person(address), language=language)
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
    body: dict[str, Any] = {
        "new": len(outcome.new), "changed": len(outcome.changed), "same": outcome.same, "warnings": outcome.warnings,
    }  # fmt: skip
    said = f"new {body['new']}, changed {body['changed']}, same {outcome.same}"
    click.echo(
        json.dumps(body, ensure_ascii=False) if form == "json" else "\n".join([said, *outcome.warnings])
    )


@bring_in.command("completions")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_completions(file: Path, dry_run: bool, form: str) -> None:
    """Confirm learning steps from a CSV file: email,step,done_on."""
    done = completions.Outcome()
    with prepared().app_context():
        try:
            with transaction():
                done = completions.bring_in(file.read_bytes(), file.name, by="command line")
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
    body = {"confirmed": done.confirmed, "same": done.same}
    click.echo(json.dumps(body) if form == "json" else f"confirmed {done.confirmed}, same {done.same}")
