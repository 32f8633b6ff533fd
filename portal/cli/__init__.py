"""The command line: `portal COMMAND`. Exit status 0 done, 1 refused or failed, 2 usage."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask_migrate import upgrade

from portal.app import create_app
from portal.certs.documents import readiness
from portal.core import catalogue, chores, flags, processes
from portal.core.db import db, let_go, reading, transaction
from portal.core.errors import Refused
from portal.core.settings import load, place, settings


def prepared() -> Flask:
    """Return the application; an embedded database is migrated and given the catalogue first."""
    app = create_app()
    with app.app_context():
        if settings().sqlite:
            settings().home.mkdir(parents=True, exist_ok=True)
            migrate_now()
    return app


def served() -> Flask:
    """Return the application of a server's worker, which ends with its server."""
    processes.die_with(os.getppid())
    return create_app()


def refuse_demo() -> None:
    """Refuse to serve demo data in production: its accounts open with one button."""
    if settings().production and flags.raised(flags.DEMO):
        raise Refused(
            "This database holds demo data; production needs one of its own. Set PORTAL_DATABASE_URL."
        )
    let_go()


def migrate_now() -> None:
    """Bring the database to the newest schema, and load the catalogue that comes with the portal."""
    upgrade()
    with transaction():
        catalogue.load_folder(place("catalogue"))


@click.group()
def cli() -> None:
    """The Foundation Portal."""


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with create_app().app_context():
        migrate_now()
    click.echo("The database is up to date.")


@cli.command("catalogue")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change.")
def load_catalogue(folder: Path, dry_run: bool) -> None:
    """Load a folder of catalogue files as new dated versions."""
    with prepared().app_context():
        shown: list[str] = []
        try:
            with transaction():
                for change in catalogue.load_folder(folder):
                    shown.append(f"{change.what} {change.kind} {change.code} from {change.valid_from}")
                if dry_run:
                    raise click.Abort
        except click.Abort:
            shown.append("Nothing was changed: dry run.")
    click.echo("\n".join(shown) or "Nothing to change.")


@cli.command("chore")
@click.argument("name")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), default=None)
def run_chore(name: str, as_of: datetime | None) -> None:
    """Run one chore by hand."""
    with prepared().app_context():
        if name not in chores.table():
            raise Refused(f"There is no chore {name}; `portal chores` lists them.")
        click.echo(f"{name}: {chores.run(name, as_of=as_of.date() if as_of else None)} rows")


@cli.command("chores")
def list_chores() -> None:
    """List the chores with their times and last run."""
    with prepared().app_context(), reading():
        last = chores.last_runs()
        for name, chore in chores.table().items():
            click.echo(f"{name}\t{chore.cron}\t{last[name].run_after.isoformat() if name in last else '-'}")


@cli.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def web(port: int, host: str) -> None:
    """Serve the pages."""
    processes.die_with_parent()
    if "PORTAL_PARENT_PIPE" not in os.environ:  # else the parent has seen to it
        processes.claim_port(host, port)
    os.environ["PORTAL_BIND"] = host
    if load().production:  # elsewhere there is nothing to refuse, and a second application takes a second
        with create_app().app_context():
            refuse_demo()
    processes.serve_web(host, port)


@cli.command()
def worker() -> None:
    """Do the work in the outbox."""
    processes.die_with_parent()
    app = create_app()
    with app.app_context():
        if said := readiness.lacking():
            click.echo(f"certificates wait: {said}", err=True)
    chores.run_worker(app, chores.until_signalled(), name=f"worker-{os.getpid()}")


@cli.command("clock")
def run_clock() -> None:
    """File the chores when their time comes."""
    processes.die_with_parent()
    chores.run_clock(create_app(), chores.until_signalled())


@cli.command()
@click.option("--port", default=8000, show_default=True)
@click.option("--demo", is_flag=True, help="Load the demo first if the database is empty.")
def serve(port: int, demo: bool) -> None:
    """Run web, worker and clock as child processes on the embedded database."""
    processes.claim_port("127.0.0.1", port)
    os.environ.setdefault("PORTAL_PUBLIC_URL", f"http://127.0.0.1:{port}")  # what mails and feeds link to
    app = prepared()
    with app.app_context():
        refuse_demo()
    if demo:
        doors.offer_demo(app, port)
    with app.app_context():
        db.engine.dispose()  # a connection is not shared with a child
    click.echo(f"The portal is at http://127.0.0.1:{port} – stop it with Ctrl-C.")
    commands = [["web", "--port", str(port)], ["worker"], ["clock"]]
    processes.supervise(lambda words: main(partial(cli, words)), commands)


def main(run: Callable[..., Any] = cli) -> None:
    """Run a command; a refusal is one clear line and status 1."""
    try:
        run()
    except (Refused, RuntimeError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


# Their commands hang themselves on the group above.
from portal.cli import (  # noqa: E402, F401  # noqa: E402, F401, I001
    bank,
    bank_items,
    books,
    certs,
    doors,
    income,
    items,
    licence_deeds,
    licences,
    past,
    privacy,
    services,
    simulate,
    staff,
)
