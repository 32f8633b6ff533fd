"""The mails about signing a contract of services."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import web
from portal.core.mail import Letter
from portal.members.letters import send_all
from portal.services.contracts.models import ServiceContract
from portal.services.quotes.letters import deciders


def to_sign(row: ServiceContract, *, returned: Callable[[], str] | None = None) -> None:
    """Ask the signatory to sign, or to sign again."""
    if row.asked is None:
        return

    def letter() -> Letter:
        return Letter(
            _("Please sign service contract %(number)s", number=row.number)
            if returned is None
            else _("Please sign again: the scan of %(number)s was returned", number=row.number),
            (
                *([_("What is wrong with the scan: %(why)s", why=returned())] if returned else []),
                _("You can sign it online by typing your name, or print it, put the company chop on it and upload the scan."),
                _("For %(who)s.", who=row.party_name),
            ),
            button=(_("Read and sign"), web.absolute("quotes.contract", uid=row.uid)),
        )  # fmt: skip

    send_all(f"service-contract-sign:{row.uid}:{row.edition}", [row.asked], letter, row.subject)


def to_countersign(row: ServiceContract) -> None:
    """Tell the counter-signers that a signed contract waits."""

    def letter() -> Letter:
        return Letter(
            _("To be counter-signed: %(number)s", number=row.number),
            (_("%(who)s signed the service contract.", who=row.party_name),),
            button=(_("Open the contract"), web.absolute("quote_office.contract", uid=row.uid)),
        )

    send_all(
        f"service-contract-countersign:{row.uid}:{row.edition}",
        grants.holders(May.COUNTERSIGN),
        letter,
        row.subject,
    )


def voided(row: ServiceContract, reason: str) -> None:
    """Tell both sides that a contract is void."""

    def letter() -> Letter:
        return Letter(
            _("Service contract %(number)s is void", number=row.number),
            (_("Why: %(reason)s", reason=reason), _("A new contract may follow.")),
            button=(_("See the quote"), web.absolute("quotes.quote", uid=row.quote.uid)),
        )

    send_all(f"service-contract-void:{row.uid}", deciders(row.quote.party), letter, row.subject)


def executed(row: ServiceContract) -> None:
    """Tell the buyer that both sides have signed."""

    def letter() -> Letter:
        return Letter(
            _("Service contract %(number)s is signed by both sides", number=row.number),
            (_("The sealed document stands on its page."),),
            button=(_("Open the contract"), web.absolute("quotes.contract", uid=row.uid)),
        )

    send_all(f"service-contract-executed:{row.uid}", deciders(row.quote.party), letter, row.subject)
