"""Commands of certificates: the faces they are set in, the keys they are signed with."""

from __future__ import annotations

from datetime import datetime

import click
from sqlalchemy import select

from portal.accounts.may import STAFF, May
from portal.accounts.people import Grant, Person
from portal.certs import key_traces
from portal.certs.documents import fonts
from portal.cli import cli, prepared
from portal.core import certifying, clock, signing
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.settings import settings
from portal.core.signing import KeyUse

USE = click.Choice([use.value for use in KeyUse if use is not KeyUse.LICENCE])
BY = click.option("--by", "first", required=True, help="Mail address of who does it.")
SECOND = click.option("--second", required=True, help="Mail address of the second person, who agreed.")


@cli.group("fonts")
def font_group() -> None:
    """The faces of certificates."""


@font_group.command("build")
def build() -> None:
    """Make the faces of certificates from the fonts of this machine, unless they are there."""
    with prepared().app_context():
        made = fonts.build()
        click.echo(
            f"The faces of certificates are in {settings().home / 'fonts'}{'.' if made else ', as before.'}"
        )


@cli.group("keys")
def key_group() -> None:
    """The keys the house signs with; two people stand for each step."""


def _keeper(mail: str) -> Person:
    today = clock.today()
    roles = [role for role, verbs in STAFF.items() if May.KEEP_KEYS in verbs]
    found = db.session.scalars(
        select(Person)
        .join(Grant)
        .where(
            Person.email == mail.strip().lower(), Person.disabled_at.is_(None), Grant.role.in_(roles),
            Grant.start <= today, (Grant.end.is_(None)) | (Grant.end > today),
        )
    ).first()  # fmt: skip
    if found is None:
        raise Refused(f"{mail} is nobody who may keep keys.")
    return found


def _two(first: str, second: str) -> dict[str, str]:
    """Return both people as the record names them; one person twice is refused."""
    people = [_keeper(first), _keeper(second)]
    if people[0].id == people[1].id:
        raise Refused("Two different people must stand for a key.")
    by, other = (f"{one.name} <{one.email}>"[:120] for one in people)
    return {"by": by, "second": other}


@key_group.command("list")
def list_keys() -> None:
    """List every key with its state, its days and its fingerprint."""
    with prepared().app_context(), reading():
        for row in signing.every():
            days = f"{clock.day_of(row.start)} to {clock.day_of(row.end)}"
            click.echo(f"{row.kid}\t{row.state.value}\t{days}\t{certifying.fingerprint(row)}")


@key_group.command("new")
@click.argument("use", type=USE)
@BY
@SECOND
def new(use: str, first: str, second: str) -> None:
    """Make a key: the first of its use signs at once, a later one waits for `portal keys rotate`."""
    with prepared().app_context(), transaction():
        row = certifying.make(KeyUse(use), **_two(first, second))
        click.echo(f"{row.kid} is {row.state.value}.")


@key_group.command("rotate")
@click.argument("use", type=USE)
@BY
@SECOND
def rotate(use: str, first: str, second: str) -> None:
    """Let the next key sign from now on; the one before stays published."""
    with prepared().app_context(), transaction():
        row = signing.rotate(KeyUse(use), **_two(first, second))
        click.echo(f"{row.kid} signs from now on.")


@key_group.command("retire")
@click.argument("kid")
@click.option("--compromised", is_flag=True, help="It has leaked: nothing it signed counts any more.")
@BY
@SECOND
def retire(kid: str, compromised: bool, first: str, second: str) -> None:
    """End a key; with --compromised also take it out of what is published."""
    with prepared().app_context(), transaction():
        act = signing.compromise if compromised else signing.retire
        row = act(kid, **_two(first, second))
        click.echo(f"{row.kid} is {row.state.value}.")


@key_group.command("documents")
@click.argument("kid")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only those signed from this day on.")
def documents(kid: str, since: datetime | None) -> None:
    """Print the numbers of the documents that rest on a key, one a line, as a batch that issues them anew takes them."""
    with prepared().app_context(), reading():
        begin = clock.start_of(since.date()) if since else None
        for number in key_traces.numbers_of(signing.found(kid), since=begin):
            click.echo(number)


@key_group.command("root")
def root() -> None:
    """Print the root certificate by which readers of PDFs check our signatures."""
    with prepared().app_context(), reading():
        row = signing.current(KeyUse.ROOT)
        if row is None:
            raise Refused("There is no root yet: `portal keys new pdf` makes it.")
        click.echo(row.certificate_pem, nl=False)
