"""The mails about accounts, each written when it is sent, in the receiver's language."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import tickets
from portal.accounts.organisations import Invitation
from portal.accounts.people import Person, TicketKind
from portal.core import clock, labels, mail, vault, web, words
from portal.core.catalogue import brand
from portal.core.mail import Letter


def _key(person: Person, topic: str) -> str:
    """Return a mail's own key: each of these mails is asked for by a person and may be asked for again."""
    return f"{topic}:{person.uid}:{vault.token()[:12]}"


def confirm(person: Person, secret: str) -> None:
    """Ask the person to confirm the address."""

    def letter() -> Letter:
        return Letter(
            _("Confirm your address for %(brand)s", brand=brand().short),
            (
                _(
                    "Please confirm that this is your address. The link works for %(hours)s hours, once.",
                    hours=int(tickets.LIVES[TicketKind.CONFIRM].total_seconds() // 3600),
                ),
                _("If you did not register, do nothing: without this step the account stays shut."),
            ),
            button=(_("Confirm the address"), web.absolute("accounts.confirm_link", secret=secret)),
            secret=True,
        )

    mail.send(
        _key(person, "confirm"), person.email, person.name, person.language, letter, topic=person.subject
    )


def already_here(person: Person) -> None:
    """Tell somebody who registers again that the account exists; the page does not say so."""

    def letter() -> Letter:
        return Letter(
            _("You already have an account at %(brand)s", brand=brand().short),
            (
                _("Somebody, probably you, registered with this address again. Nothing was changed."),
                _("You can sign in, or choose a new password if you forgot yours."),
            ),
            button=(_("Sign in"), web.absolute("accounts.sign_in")),
        )

    mail.send(
        _key(person, "already"), person.email, person.name, person.language, letter, topic=person.subject
    )


def reset(person: Person, secret: str) -> None:
    """Send the link to choose a new password."""

    def letter() -> Letter:
        return Letter(
            _("Choose a new password for %(brand)s", brand=brand().short),
            (
                _("Use the button within 10 minutes. It works once and ends all your sessions."),
                _("If you did not ask for this, do nothing; your password stays as it is."),
            ),
            button=(_("Choose a new password"), web.absolute("accounts.reset_link", secret=secret)),
            secret=True,
        )

    mail.send(_key(person, "reset"), person.email, person.name, person.language, letter, topic=person.subject)


def nobody(email: str, language: str) -> None:
    """Tell whoever asked for a new password that this address has no account; the page does not say so."""

    def letter() -> Letter:
        return Letter(
            _("No account at %(brand)s has this address", brand=brand().short),
            (
                _("Somebody, probably you, asked for a new password for this address."),
                _("There is no account with it. Did you register with another address?"),
            ),
            button=(_("Register"), web.absolute("accounts.register")),
        )

    mail.send(f"nobody:{vault.token()[:12]}", email, email, language, letter)


def new_address(person: Person, email: str, secret: str) -> None:
    """Ask for proof of an address that is to become the account's."""

    def letter() -> Letter:
        return Letter(
            _("Confirm your new address for %(brand)s", brand=brand().short),
            (
                _("Please confirm that this is your address. The link works for 24 hours, once."),
                _("If you did not ask for this, do nothing: nothing changes then."),
            ),
            button=(_("Confirm the address"), web.absolute("accounts.confirm_link", secret=secret)),
            secret=True,
        )

    mail.send(_key(person, "new-address"), email, person.name, person.language, letter, topic=person.subject)


def code(person: Person, digits: str) -> None:
    """Send the code that completes a sign-in."""

    def letter() -> Letter:
        return Letter(
            _("%(code)s is your sign-in code", code=digits),
            (
                _("Type this code on the page where you are signing in. It works for 10 minutes, once."),
                _("If you are not signing in now, somebody knows your password: please change it."),
            ),
            code=digits,
            secret=True,
        )

    mail.send(_key(person, "code"), person.email, person.name, person.language, letter, topic=person.subject)


def changed(person: Person, what: str) -> None:
    """Tell the person that something about the account's security changed; `what` names it in a code word."""

    def letter() -> Letter:
        said = {
            "password": _("Your password was changed, and every session but the present one was ended."),
            "factor": _("The second step of your sign-in was changed."),
            "recovery": _("A recovery code was used to sign in."),
            "mail": _("The mail address of your account was changed; this is the last mail to the old one."),
            "lost": _(
                "Two of our staff removed the second step of your sign-in, because it was reported lost."
            ),
            "disabled": _("Our staff closed your account."),
        }[what]
        return Letter(
            _("A change to your account at %(brand)s", brand=brand().short),
            (said, _("If this was not you, reset your password now and write to us.")),
            button=(_("Account and security"), web.absolute("accounts.security")),
        )

    mail.send(
        _key(person, "changed"), person.email, person.name, person.language, letter, topic=person.subject
    )


def invitation(row: Invitation, secret: str) -> None:
    """Invite somebody to act for an organisation."""

    def letter() -> Letter:
        return Letter(
            _("%(who)s invites you to act for %(org)s", who=row.by_name, org=row.org.name),
            (
                _("Your role: %(role)s.", role=labels.label(row.role)),
                _(
                    "Accept until %(day)s. You need an account with this mail address; it takes a minute.",
                    day=words.day(clock.day_of(row.expires_at)),
                ),
            ),
            button=(_("See the invitation"), web.absolute("accounts.invitation_link", secret=secret)),
            secret=True,
        )

    mail.send(f"invitation:{row.uid}", row.email, row.email, row.language, letter, topic=row.org.subject)


def welcomed(person: Person, org_name: str, role: str) -> None:
    """Tell somebody that he now acts for an organisation."""

    def letter() -> Letter:
        return Letter(
            _("You now act for %(org)s", org=org_name),
            (_("Your role: %(role)s.", role=role),),
            button=(_("Open the portal"), web.absolute("public.home")),
        )

    mail.send(
        _key(person, "welcomed"), person.email, person.name, person.language, letter, topic=person.subject
    )


def role_by_command(boss: Person, name: str, role: str, agreed: str) -> None:
    """Tell an administrator that a role was given from the command line."""

    def letter() -> Letter:
        return Letter(
            _("%(who)s was given a role from the command line", who=name),
            (
                _("The role: %(role)s. The note: %(note)s", role=role, note=agreed),
                _("If nobody told you of this, end the role now and look into the audit."),
            ),
            button=(_("Staff"), web.absolute("staff.people")),
        )

    mail.send(_key(boss, "command"), boss.email, boss.name, boss.language, letter, topic=boss.subject)
