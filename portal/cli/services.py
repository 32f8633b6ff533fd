"""Commands of services: mail that comes in for support, and promises that are broken."""

from __future__ import annotations

import sys

import click
from sqlalchemy import select

from portal.cli import cli, prepared
from portal.cli.doors import FORM, _say
from portal.core import clock
from portal.core.db import reading, transaction
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
