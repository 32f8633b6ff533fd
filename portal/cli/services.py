"""Commands of services: mail that comes in for support, promises that are broken, the queue for adaptation slots."""

from __future__ import annotations

import sys

import click
from sqlalchemy import select

from portal.cli import cli, prepared
from portal.cli.doors import FORM, _say
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.services.slots import showing as slot_words
from portal.services.slots.forms import quarter_of
from portal.services.slots.models import SlotQuarter
from portal.services.support import mail_in, showing
from portal.services.support.models import SupportTicket


@cli.group("services")
def services_group() -> None:
    """Support and other services."""


@services_group.command("mail")
def mail() -> None:
    """Take one mail for support from standard input, as a delivery agent hands it over."""
    raw = sys.stdin.buffer.read(mail_in.BIGGEST + 1)
    with prepared().app_context(), transaction():
        fate, ticket = mail_in.take(raw)
        click.echo(f"{fate.value} {ticket.number}" if ticket is not None else fate.value)


@services_group.command("clocks")
@FORM
def clocks(form: str) -> None:
    """List the open tickets by the next promise that falls due."""
    with prepared().app_context(), reading():
        rows = [
            {
                "ticket": one.ticket.number, "state": one.ticket.state.value, "severity": one.ticket.severity.value,
                "clock": one.kind.value if one.kind else None, "due": one.due.isoformat() if one.due else None,
                "late": one.late,
            }
            for one in showing.queue(select(SupportTicket))
        ]  # fmt: skip
        now = clock.now().isoformat()
    text = "\n".join(
        f"{row['ticket']}\t{row['due'] or '-'}\t{row['clock'] or '-'}\t{row['state']}" for row in rows
    )
    _say({"at": now, "tickets": rows}, text or "No ticket waits.", form)


@services_group.command("slots")
@click.option("--quarter", required=True, help="The quarter, for example 2026Q3.")
@FORM
def slots(quarter: str, form: str) -> None:
    """Print a quarter's slots and its queue in the order of the fair rule, each with the reason."""
    try:
        start = quarter_of(quarter)
    except ValueError as error:
        raise Refused(f"{error}: a quarter reads 2026Q3") from None
    with prepared().app_context(), reading():
        row = db.session.scalars(select(SlotQuarter).where(SlotQuarter.start == start)).first()
        if row is None:
            raise Refused(f"No capacity is written down for {quarter}.")
        told = slot_words.table(row)
    lines = [f"{told['quarter']}\t{len(told['given'])} of {told['slots']} slots given"]
    lines += [f"{one['state']}\t{one['organisation']}\t{one['kind']}" for one in told["given"]]
    lines += [
        f"{one['place']}\t{one['organisation']}\t{one['asked_on']}\t{one['fraction']}\t{one['why']}"
        + ("\tnow" if one["now"] else "")
        for one in told["queue"]
    ]
    _say(told, "\n".join(lines), form)
