"""Commands that change licences or count their use: issue, hold, lift, revoke, usage; and bringing a list in."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import click

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.cli import prepared
from portal.cli.doors import bring_in
from portal.cli.licences import _found, licence_group
from portal.core import clock
from portal.core.db import reading, transaction
from portal.core.errors import Refused
from portal.services.licences import figure_shapes, granting, importing, life, usage
from portal.services.licences.holding import OPENS
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import Hold
from portal.services.licences.models.record import Verb
from portal.services.licences.parts import found
from portal.services.licences.usage import Interval

STAFF = click.option("--by", "first", required=True, help="Mail address of who does it.")
SECOND_OF_STAFF = click.option(
    "--second", required=True, help="Mail address of the second person, who agreed."
)


@licence_group.command("usage")
@click.argument("uid")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 400))
@click.option("--interval", default="day", type=click.Choice([one.value for one in Interval]))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def show_usage(uid: str, days: int, interval: str, form: str) -> None:
    """Print the use of a licence: most nodes live and reporting, limit, refused claims, step by step."""
    with prepared().app_context(), reading():
        row, now = _found(uid), clock.now()
        steps = usage.of(row, max(now - timedelta(days=days), row.created_at), now, Interval(interval))
        told = [figure_shapes.step(one).model_dump(mode="json") for one in steps]
        if form == "json":
            click.echo(json.dumps(told, indent=1))
            return
        for one in told:
            click.echo(
                "\t".join(str(one[name]) for name in ("start", "live", "reporting", "limit", "refused"))
            )


@licence_group.command("issue")
@click.option("--organisation", "key", required=True, help="Id, registration number or legal name.")
@click.option("--plan", required=True)
@click.option("--nodes", required=True, type=click.IntRange(1, 100_000))
@click.option("--days", required=True, type=click.IntRange(1, 1096))
@click.option("--reason", required=True)
@STAFF
@SECOND_OF_STAFF
def issue(key: str, plan: str, nodes: int, days: int, reason: str, first: str, second: str) -> None:
    """Grant nodes for some days: proposed by one of staff and confirmed by the other."""
    with prepared().app_context(), transaction():
        by, other = _two_of_staff(first, second)
        asked = granting.propose_nodes(
            importing.organisation(key), plan, Verb.GRANT, nodes=nodes, days=days, reason=reason, by=by
        )
        granting.decide(asked, confirmed=True, by=other)
        click.echo(f"{asked.licence.uid} has {nodes} nodes for {days} days.")


@licence_group.command("hold")
@click.argument("uid")
@click.option("--reason", required=True, type=click.Choice([one.value for one in HoldReason]))
@click.option("--words-en", required=True)
@click.option("--words-zh", required=True)
@click.option("--notice-days", type=click.IntRange(0, 90), default=None)
@STAFF
def hold(uid: str, reason: str, words_en: str, words_zh: str, notice_days: int | None, first: str) -> None:
    """Suspend a licence for a reason; nodes keep their seats."""
    with prepared().app_context(), transaction():
        by, row = _staff(first, OPENS[HoldReason(reason)]), _found(uid)
        notice = None if notice_days is None else timedelta(days=notice_days)
        made = life.suspend(
            row.id,
            HoldReason(reason),
            words=(words_en, words_zh),
            source=f"staff:{reason}",
            by=by,
            notice=notice,
        )
        if made is None:
            raise Refused(f"{uid} is suspended for this reason already.")
        click.echo(f"{made.uid} holds {uid} from {made.starts_at.isoformat()}.")


@licence_group.command("lift")
@click.argument("uid")
@click.argument("hold_uid")
@STAFF
def lift(uid: str, hold_uid: str, first: str) -> None:
    """Lift a suspension; with the last one every node goes on."""
    with prepared().app_context(), transaction():
        row = found(_found(uid), Hold, hold_uid)
        done = life.lift(row, by=_staff(first, OPENS[row.reason]))
        click.echo(f"{hold_uid} is lifted." if done else f"{hold_uid} was lifted before.")


@licence_group.command("revoke")
@click.argument("uid")
@click.option("--reason", required=True)
@STAFF
@SECOND_OF_STAFF
def revoke(uid: str, reason: str, first: str, second: str) -> None:
    """End a licence for good: proposed by one of staff and confirmed by the other."""
    with prepared().app_context(), transaction():
        by, other = _two_of_staff(first, second)
        asked = granting.propose_revocation(_found(uid), reason=reason, by=by)
        granting.decide(asked, confirmed=True, by=other)
        click.echo(f"{uid} is revoked.")


@bring_in.command("licences")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be written.")
def import_licences(file: Path, dry_run: bool) -> None:
    """Bring licences in from a CSV: organisation, tool, nodes, start, end, fingerprints. Again, nothing changes."""
    with prepared().app_context():
        raw = file.read_bytes()
        try:
            with transaction():
                rows = importing.read(raw)
                licences, terms, machines = importing.take(rows)
                if dry_run:
                    raise _Only
        except _Only:
            pass
        would = "would be " if dry_run else ""
        click.echo(
            f"{len(rows)} lines: {licences} licences, {terms} terms and {machines} machines {would}written."
        )


class _Only(Exception):
    """It was only to be seen."""


def _staff(mail: str, verbs: frozenset[May]) -> Person:
    """Return somebody of staff who may do one of these."""
    person = next((one for one in grants.holders(*verbs) if one.email == mail.strip().lower()), None)
    if person is None:
        raise Refused(f"{mail} is nobody of staff who may do this.")
    return person


def _two_of_staff(first: str, second: str) -> tuple[Person, Person]:
    runs = frozenset({May.RUN_LICENCES})
    return _staff(first, runs), _staff(second, runs)
