"""People from the command line: the first administrator of a new installation, and somebody who lost all factors."""

from __future__ import annotations

import click
from email_validator import EmailNotValidError, validate_email

from portal.accounts import door, factors, grants, letters
from portal.accounts.may import StaffRole
from portal.cli import cli, prepared
from portal.core.db import transaction
from portal.core.errors import Missing, Refused


@cli.command("invite-staff")
@click.argument("mail")
@click.option("--role", type=click.Choice([role.value for role in StaffRole]), required=True)
@click.option("--name", required=True, help="The person's name.")
@click.option("--language", type=click.Choice(["en", "zh_Hans_CN"]), default="zh_Hans_CN", show_default=True)
@click.option(
    "--agreed",
    default="",
    help="Who agreed, and why not on the Staff page: needed once there is an administrator.",
)
def invite_staff(mail: str, role: str, name: str, language: str, agreed: str) -> None:
    """Give somebody a role here: meant for the first administrator."""
    try:
        address = validate_email(mail, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise Refused(f"{mail} does not look like a mail address.") from None
    with prepared().app_context(), transaction():
        grants.give_by_command(address, StaffRole(role), name=name, language=language, agreed=agreed)
    click.echo(
        f"{address} has the role {role}. A link to choose a password is on its way; it works for 10 minutes."
    )
    click.echo("Too late? Choose “Forgot the password?” on the sign-in page.")


@cli.command("forget-factors")
@click.argument("mail")
@click.option("--agreed", required=True, help="Which two people agreed, and how the identity was shown.")
def forget_factors(mail: str, agreed: str) -> None:
    """Take away the lost code app, passkeys and recovery codes of a person, and end every session."""
    if len(agreed.strip()) < 10:
        raise Refused("Please say which two people agreed, and how the identity was shown.")
    with prepared().app_context(), transaction():
        person = door.by_email(mail)
        if person is None:
            raise Missing(f"Nobody here has the address {mail}.")
        factors.forget_all(person, by=grants.COMMAND, agreed=agreed.strip())
        door.end_all(person)
        letters.changed(person, "factor")
    click.echo(
        f"{person.email} signs in with password and a code by mail now; staff set up a new factor at once."
    )
