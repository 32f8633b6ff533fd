"""The mail that brings a quote to who decides on it."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.billing.letters import payers
from portal.billing.quote_models import Quote
from portal.core import mail, web
from portal.core.mail import Letter
from portal.core.words import day, money


def announce(quote: Quote) -> None:
    """Mail a quote to who pays: sum, last day, and the page where it is accepted."""
    for person in payers(quote.party):

        def letter() -> Letter:
            return Letter(
                _("Quote %(number)s: %(sum)s", number=quote.number, sum=money(quote.gross)),
                (
                    _("Please accept or decline it until %(day)s.", day=day(quote.expires_on)),
                    _("For %(who)s.", who=quote.party.title or quote.party.name),
                ),
                button=(_("See the quote"), web.absolute("plans.quote", uid=quote.uid)),
            )

        mail.send(
            f"quote:{quote.uid}:{person.uid}", person.email, person.name, person.language, letter,
            topic=quote.subject,
        )  # fmt: skip
