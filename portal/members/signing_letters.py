"""The mails about signing and joining."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

from portal.accounts import contacts, grants
from portal.accounts.may import ContactRole, May
from portal.core import web
from portal.core.catalogue import brand
from portal.core.mail import Letter
from portal.members.belonging import Agreement, Membership
from portal.members.letters import applicants, page_of, send_all


def to_sign(agreement: Agreement, *, returned: Callable[[], str] | None = None) -> None:
    """Ask the signatory to sign, or to sign again: `returned` says, in his language, what is wrong with the scan."""
    asked, org = agreement.asked, agreement.application.org
    if asked is None:
        return

    def letter() -> Letter:
        how = _(
            "You can sign it online by typing your name, or print it, put the company chop on it and upload the scan."
        )
        if org.person_id is not None:
            how = _("You sign it online by typing your name.")
        return Letter(
            _("Please sign the membership agreement of %(org)s", org=agreement.party_name)
            if not returned
            else _("Please sign again: the scan of %(org)s was returned", org=agreement.party_name),
            (
                *([_("What is wrong with the scan: %(why)s", why=returned())] if returned else []),
                how,
                _("Agreement %(number)s, Chinese and English in one document.", number=agreement.number),
            ),
            button=(_("Read and sign"), web.absolute("apply.agreement", uid=agreement.uid)),
        )

    send_all(f"agreement-sign:{agreement.uid}:{agreement.version}", [asked], letter, agreement.subject)


def to_countersign(agreement: Agreement) -> None:
    """Tell the counter-signers that a signed agreement waits."""

    def letter() -> Letter:
        return Letter(
            _("To be counter-signed: %(org)s", org=agreement.party_name),
            (_("Agreement %(number)s is signed by the member.", number=agreement.number),),
            button=(_("Open the case"), web.absolute("cases.case", uid=agreement.application.uid)),
        )

    send_all(
        f"agreement-countersign:{agreement.uid}:{agreement.version}",
        grants.holders(May.COUNTERSIGN),
        letter,
        agreement.subject,
    )


def voided(agreement: Agreement, reason: str) -> None:
    """Tell the member and legal that an agreement is void, and why."""

    def theirs() -> Letter:
        return Letter(
            _("The membership agreement of %(org)s is void", org=agreement.party_name),
            (
                _("Agreement %(number)s can no longer be signed.", number=agreement.number),
                _("Your approval stands; we write to you when a new agreement is ready."),
            ),
            button=(_("Open the application"), page_of(agreement.application)),
        )

    def ours() -> Letter:
        return Letter(
            _("Void: agreement of %(org)s", org=agreement.party_name),
            (
                _(
                    "Agreement %(number)s is void: %(why)s. A new draft may follow.",
                    number=agreement.number,
                    why=reason,
                ),
            ),
            button=(_("Open the case"), web.absolute("cases.case", uid=agreement.application.uid)),
        )

    key = f"agreement-voided:{agreement.uid}"
    send_all(key, applicants(agreement.application), theirs, agreement.subject)
    send_all(f"{key}:staff", grants.holders(May.PREPARE_AGREEMENTS), ours, agreement.subject)


def executed(agreement: Agreement) -> None:
    """Tell the member that both sides have signed."""

    def letter() -> Letter:
        sha = agreement.final.sha256 if agreement.final else ""
        return Letter(
            _("The membership agreement of %(org)s is signed by both sides", org=agreement.party_name),
            (
                _("You find the sealed document on its page."),
                _("Its SHA-256 is %(sha)s.", sha=sha),
            ),
            button=(_("Open the agreement"), web.absolute("apply.agreement", uid=agreement.uid)),
        )

    send_all(
        f"agreement-executed:{agreement.uid}", applicants(agreement.application), letter, agreement.subject
    )


def welcome(membership: Membership) -> None:
    """Welcome a new member to its home."""

    def letter() -> Letter:
        org = membership.org
        return Letter(
            _("Welcome to %(brand)s, %(org)s", brand=brand().short, org=org.name),
            (
                _("You are now a member. Your benefits are open.")
                if org.person_id is not None
                else _("%(org)s is now a member. Your benefits are open.", org=org.name),
                _("Your home page shows what comes next."),
            ),
            button=(_("Open your home page"), web.absolute("member.home")),
        )

    people = contacts.holders(membership.org, *ContactRole)
    send_all(f"welcome:{membership.uid}", people, letter, membership.subject)
