"""Commands of licences: look at one, sign an offline file, check one without a network, the keys that sign them."""

from __future__ import annotations

import json
from pathlib import Path

import click
from sqlalchemy import func, select

from portal.cli import cli, prepared
from portal.cli.certs import BY, SECOND, _two
from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.signing import KeyUse
from portal.services.licences import files, proofs, proving, shapes
from portal.services.licences.locking import lock
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node


@cli.group("licence")
def licence_group() -> None:
    """Licences of tools by node."""


cli.add_command(licence_group, "licences")


def _found(uid: str) -> Licence:
    row = db.session.scalars(select(Licence).where(Licence.uid == uid)).first()
    if row is None:
        raise Refused(f"{uid} is no licence.")
    return row


@licence_group.command("show")
@click.argument("uid")
def show(uid: str) -> None:
    """Print a licence as JSON: its state, where it stands within its terms, its limit."""
    with prepared().app_context(), reading():
        click.echo(shapes.licence(_found(uid)).model_dump_json(indent=1))


@licence_group.command("nodes")
@click.argument("uid")
def list_nodes(uid: str) -> None:
    """List the live nodes of a licence: fingerprint, how it stands, end of lease, end of file."""
    with prepared().app_context(), reading():
        now = clock.now()
        live = select(Node).where(Node.licence_id == _found(uid).id, Node.released_at.is_(None))
        for row in db.session.scalars(live.order_by(Node.id)):
            until = "" if row.offline_until is None else row.offline_until.isoformat()
            click.echo(
                f"{row.fingerprint}\t{shapes.stand(row, now).value}\t{row.lease_until.isoformat()}\t{until}"
            )


@licence_group.command("file")
@click.argument("uid")
@click.option(
    "--nodes", "listed", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--days", required=True, type=int)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def sign(uid: str, listed: Path, days: int, out: Path) -> None:
    """Sign an offline file for the fingerprints of a text file, one a line."""
    with prepared().app_context():
        with transaction():
            named = [line.strip() for line in listed.read_text("utf-8").splitlines() if line.strip()]
            made = files.issue(_found(uid).id, named, days, by="command line")
        out.write_text(made.token, "utf-8")
        click.echo(f"{made.jti} holds {len(named)} seats until {made.expires_at.isoformat()}.")


@licence_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Verify an offline file by the published keys and print what it says; status 1 if it does not count."""
    with prepared().app_context(), reading():
        try:
            claims = proofs.opened(file.read_text("utf-8").strip(), proving.public_set())
        except proofs.Forged as fault:
            raise Refused(f"{file}: {fault}") from fault
        click.echo(json.dumps(claims, ensure_ascii=False, indent=1))
        if not claims["nbf"] - proofs.AHEAD <= clock.now().timestamp() < claims["exp"]:
            raise Refused(f"{file}: not in force now")


@licence_group.command("rebuild")
def rebuild() -> None:
    """Count the live nodes of every licence anew."""
    with prepared().app_context():
        with reading():
            every = list(db.session.scalars(select(Licence.id).order_by(Licence.id)))
        changed = 0
        for number in every:
            with transaction():
                row = lock(number)
                live = select(func.count(Node.id)).where(
                    Node.licence_id == row.id, Node.released_at.is_(None)
                )
                counted = db.session.scalar(live) or 0
                changed += counted != row.live_nodes
                row.live_nodes = counted
        click.echo(f"{len(every)} licences counted, {changed} put right.")


@licence_group.group("signing-keys")
def key_group() -> None:
    """The keys that sign licences; two people stand for each step."""


@key_group.command("list")
def list_keys() -> None:
    """List the keys with their state and whether they are published."""
    with prepared().app_context(), reading():
        shown = {row.kid for row in proving.keys_published()}
        for row in signing.every(KeyUse.LICENCE):
            click.echo(f"{row.kid}\t{row.state.value}\t{'published' if row.kid in shown else 'removed'}")


@key_group.command("add")
@BY
@SECOND
def add(first: str, second: str) -> None:
    """Make a key: the first signs at once, a later one is published and waits to be activated."""
    with prepared().app_context(), transaction():
        people = _two(first, second)
        row = signing.create(KeyUse.LICENCE, by=people["by"], second=people["second"])
        click.echo(f"{row.kid} is {row.state.value}.")


@key_group.command("activate")
@BY
@SECOND
def activate(first: str, second: str) -> None:
    """Let the next key sign, once it was published for long enough."""
    with prepared().app_context(), transaction():
        click.echo(f"{proving.rotate(**_two(first, second)).kid} signs from now on.")


@key_group.command("retire")
@click.argument("kid")
@BY
@SECOND
def retire(kid: str, first: str, second: str) -> None:
    """End a key in good order: it stays published until the last proof it signed is over."""
    with prepared().app_context(), transaction():
        if signing.found(kid).use is not KeyUse.LICENCE:
            raise Refused(f"{kid} signs something else.")
        click.echo(f"{signing.retire(kid, **_two(first, second)).kid} is retired.")


@key_group.command("compromise")
@click.argument("kid")
@BY
@SECOND
def compromise(kid: str, first: str, second: str) -> None:
    """Take a key that leaked out of the set at once, and list its files, to be signed anew."""
    with prepared().app_context(), transaction():
        for file in proving.compromise(kid, **_two(first, second)):
            click.echo(f"{file.jti}\t{file.licence.uid}\t{file.expires_at.isoformat()}")
