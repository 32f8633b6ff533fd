"""Commands for what comes in and goes out: demo, doctor, verify, imports, exports, reports, backup."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import yaml
from flask import Flask
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import months
from portal.billing.plain_text import Dialect, ledger_text
from portal.billing.verify import verify_books
from portal.certs import award_verify, grade_verify, picture_verify, seat_verify, sitting_verify
from portal.certs.documents import readiness
from portal.certs.education import verify as education_verify
from portal.cli import cli, prepared
from portal.cli.record import taken_out
from portal.core import audit, backup, clock, flags, machine
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.settings import settings
from portal.demo import build, sign_ins
from portal.demo.cast import PASSWORD
from portal.jobs import people_verify
from portal.jobs import verify as job_verify
from portal.members import benefit_verify, contact_care, landscape, names, reports, terms, verify_wall
from portal.members.belonging import Membership
from portal.members.verify import verify_deeds
from portal.reports.closed import snapshots
from portal.reports.stored import building
from portal.services import verify as services_verify
from portal.services.consumed import verify as consumed_verify
from portal.services.licences import verify as licence_verify
from portal.services.slots import verify as slot_verify
from portal.services.sponsors import verify as sponsor_verify
from portal.services.statements import verify as statement_verify
from portal.services.support import verify as support_verify

DAY = click.DateTime(["%Y-%m-%d"])
FORM = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _say(body: Any, text: str, form: str) -> None:
    click.echo(json.dumps(body, ensure_ascii=False, default=str) if form == "json" else text)


def _print_sign_ins(base: str) -> None:
    click.echo(f"Password of everybody in the demo: {PASSWORD}")
    for one in sign_ins():
        click.echo(f"  {one.role:<20}{one.email:<36}{base}{one.path}")


def offer_demo(app: Flask, port: int) -> None:
    """Load the demo into an empty database, and print a way in for each role."""
    with app.app_context():
        if db.session.scalar(select(Person.id).limit(1)) is None:
            db.session.rollback()
            click.echo("Loading the demo foundation; this takes about a minute, once.")
            build(app)
        db.session.rollback()
        if flags.demo():
            db.session.rollback()
            _print_sign_ins(f"http://127.0.0.1:{port}")


@cli.command()
def demo() -> None:
    """Fill an empty database with a believable foundation, and print a sign-in for each role."""
    app = prepared()
    with app.app_context():
        if settings().production:
            raise Refused("The demo does not run in production.")
        build(app)
        db.session.rollback()
        _print_sign_ins(settings().public_url)


@cli.command()
def doctor() -> None:
    """Say which settings are in force, without secrets, and what this machine lacks."""
    with prepared().app_context():
        for name, value in machine.report(settings()):
            click.echo(f"{name}={value}")
        if said := readiness.all_lacking():
            click.echo(f"certificates wait: {said}", err=True)
    lacking = [need for need in machine.needs() if not need.ok]
    for need in lacking:
        click.echo(f"missing: {need.name} ({need.what_for}): apt-get install {need.packages}", err=True)
    if any(not need.tests_only for need in lacking):
        sys.exit(1)
    click.echo("Everything needed is here.")


def everything() -> tuple[dict[str, int], list[str]]:
    """Check all that holds always: return how much of each kind was looked at, and a sentence for each fault."""
    checks = {
        "audit": audit.verify, "journal": verify_books, "memberships": reports.verify_memberships,
        "proposals": verify_deeds, "claims": benefit_verify.verify_claims,
        "contacts": contact_care.verify_contacts, "wall": verify_wall.verify_wall, "seats": seat_verify.verify_seats,
        "sittings": sitting_verify.verify_sittings,
        "certificates": award_verify.verify_awards, "continuing education": education_verify.verify_education,
        "results": grade_verify.verify_results, "pictures": picture_verify.verify_pictures,
        "tickets": support_verify.verify_support,
        "licences": licence_verify.verify_licences,
        "quotes": services_verify.verify_quotes, "projects": services_verify.verify_engagements,
        "statements": statement_verify.verify_statements,
        "places": sponsor_verify.verify_places,
        "slots": slot_verify.verify_slots,
        "consumed": consumed_verify.verify_consumed,
        "snapshots": snapshots.verify,
        "report totals": building.verify,
        "candidates": people_verify.verify_candidates,
        "posts": job_verify.verify_posts, "employers": job_verify.verify_slots, "terms": job_verify.verify_terms,
    }  # fmt: skip
    answers = {name: check() for name, check in checks.items()}
    checked = {name: number for name, (number, _faults) in answers.items()}
    return checked, [fault for _number, faults in answers.values() for fault in faults]


@cli.command()
@FORM
def verify(form: str) -> None:
    """Check every invariant of books, audit chain and memberships; print what was checked and found."""
    with prepared().app_context(), reading():
        checked, found = everything()
    words = [f"{name}: {number} checked" for name, number in checked.items()]
    _say({"checked": checked, "found": found}, "\n".join([*words, *(found or ["Clean."])]), form)
    if found:
        sys.exit(1)


@cli.group("import")
def bring_in() -> None:
    """Bring data in; a file is taken whole or not at all."""


@bring_in.command("landscape")
@click.argument("file", type=FILE)
@click.option("--from", "start", type=DAY, default=None)
@click.option("--until", "end", type=DAY, default=None)
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@FORM
def import_landscape(
    file: Path, start: datetime | None, end: datetime | None, dry_run: bool, form: str
) -> None:
    """Bring members in from a landscape file."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{file.name}: the file is not UTF-8 text") from None
    outcome = None
    with prepared().app_context():
        try:
            with transaction():
                outcome = landscape.bring_in(
                    text, start=start.date() if start else None, end=end.date() if end else None
                )
                if dry_run:
                    raise click.Abort
        except click.Abort:
            click.echo("Nothing was changed: dry run.", err=True)
    if outcome is None:
        return
    body = {
        "new": outcome.new,
        "changed": outcome.changed,
        "same": outcome.same,
        "by_tier": dict(outcome.by_tier),
        "notes": outcome.notes,
    }
    tiers = ", ".join(f"{tier} {number}" for tier, number in outcome.by_tier.items())
    _say(
        body,
        "\n".join(
            [
                f"new {outcome.new}, changed {outcome.changed}, same {outcome.same}",
                f"by tier: {tiers}",
                *outcome.notes,
            ]
        ),
        form,
    )


@cli.group("export")
def send_out() -> None:
    """Write data out."""


@send_out.command("landscape")
def export_landscape() -> None:
    """Write the member wall as a landscape file."""
    with prepared().app_context(), reading():
        click.echo(
            yaml.safe_dump(landscape.document(), allow_unicode=True, sort_keys=False, width=1000), nl=False
        )


@send_out.command("journal")
@click.option("--format", "form", type=click.Choice([one.value for one in Dialect]), required=True)
@click.option("--until", "until", type=DAY, default=None, help="The last day to write.")
def export_journal(form: str, until: datetime | None) -> None:
    """Write the ledger as plain text that bean-check and hledger check accept, balances asserted."""
    with prepared().app_context(), reading():
        taken_out("journal", form, until=until and until.date())
        for piece in ledger_text(Dialect(form), until.date() if until else None):
            click.echo(piece, nl=False)


@cli.group("report")
def report() -> None:
    """Figures."""


@report.command("members")
@click.option("--on", "on", type=DAY, required=True)
@click.option("--as-known", "known", type=DAY, default=None, help="Facts recorded by this day; default: now.")
@FORM
def report_members(on: datetime, known: datetime | None, form: str) -> None:
    """Count the members by tier on a day."""
    with prepared().app_context(), reading():
        by_tier = reports.members_on(on.date(), known=months.end_of(known.date()) if known else None)
    body = {"on": str(on.date()), "by_tier": by_tier, "total": sum(by_tier.values())}
    _say(
        body,
        "\n".join([*(f"{tier}\t{number}" for tier, number in by_tier.items()), f"total\t{body['total']}"]),
        form,
    )


@cli.group("standing")
def standing() -> None:
    """The stored copies of standings."""


@standing.command("rebuild")
def rebuild() -> None:
    """Compute every stored standing anew from its facts."""
    with prepared().app_context(), transaction():
        changed = terms.refresh(db.session.scalars(select(Membership)).all())
    click.echo(f"{changed} changed")


@cli.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def make_backup(file: Path) -> None:
    """Write a consistent copy of database and files while the portal runs."""
    with prepared().app_context():
        click.echo(backup.write(file, on=clock.now()))


@cli.command("restore")
@click.argument("file", type=FILE)
def restore(file: Path) -> None:
    """Put a backup into an empty home."""
    backup.unpack(file)
    with prepared().app_context():
        click.echo(f"Restored into {settings().home}. Run `portal verify` to check it.")


@cli.command("names")
def rebuild_names() -> None:
    """Write anew what search, sorting and comparing use of every organisation's names."""
    with prepared().app_context(), transaction():
        count = names.rebuild()
    click.echo(f"The names of {count} organisations are indexed.")
