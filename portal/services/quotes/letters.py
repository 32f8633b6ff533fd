"""The mails of quotes: to who decides on one, and to who wrote it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing.letters import payers
from portal.billing.models import Party
from portal.core import clock, mail, web
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.words import day, money
from portal.services.quotes.models import CustomerOrder, ServiceQuote


def deciders(party: Party) -> list[Person]:
    """Return who may decide for a buyer: signatories, owners and billing contacts; or the person."""
    if party.org is None:
        return [party.person] if party.person is not None else []
    return contacts.holders(party.org, ContactRole.SIGNATORY, ContactRole.OWNER, ContactRole.BILLING)


def _send(what: str, row: ServiceQuote, people: Iterable[Person], letter: Callable[[], Letter]) -> None:
    for person in people:
        mail.send(
            f"{what}:{row.uid}:{person.uid}",
            person.email,
            person.name,
            person.language,
            letter,
            topic=row.subject,
        )


def _page(row: ServiceQuote) -> tuple[str, str]:
    return (_("See the quote"), web.absolute("quotes.quote", uid=row.uid))


def announce(row: ServiceQuote) -> None:
    """Mail a version that went out: sum, last day, and the page where it is accepted."""
    if row.about.startswith("purchase:"):
        return  # bought at once: nobody has to decide

    def letter() -> Letter:
        return Letter(
            _("Quote %(number)s: %(sum)s", number=row.name, sum=money(row.gross)),
            (
                _("Please accept or decline it until %(day)s.", day=day(row.expires_on or clock.today())),
                _("For %(who)s.", who=row.party.title or row.party.name),
            ),
            button=_page(row),
        )

    _send("service_quote", row, deciders(row.party), letter)


def withdrawn(row: ServiceQuote) -> None:
    """Tell who could have decided that a quote was taken back."""

    def letter() -> Letter:
        return Letter(
            _("Quote %(number)s was withdrawn", number=row.name),
            (_("You need not decide on it any more. Why: %(reason)s", reason=row.end_words or "–"),),
            button=_page(row),
        )

    _send("service_quote_withdrawn", row, deciders(row.party), letter)


def declined(row: ServiceQuote) -> None:
    """Tell who wrote a quote that its buyer said no."""

    def letter() -> Letter:
        return Letter(
            _(
                "%(who)s declined quote %(number)s",
                who=row.party.title or row.party.name,
                number=row.name,
            ),
            (_("The reason stands on its page."),),
            button=(_("See the quote"), web.absolute("quote_office.quote", uid=row.uid)),
        )

    _send("service_quote_declined", row, [row.by] if row.by is not None else [], letter)


def accepted(row: ServiceQuote) -> None:
    """Confirm an order to whoever pays, and tell who wrote the quote."""

    def ours() -> Letter:
        return Letter(
            _("Ordered: %(number)s, %(sum)s", number=row.name, sum=money(row.gross)),
            (
                _("Thank you. What happens next stands on the page of the quote."),
                _("For %(who)s.", who=row.party.title or row.party.name),
            ),
            button=_page(row),
        )

    def theirs() -> Letter:
        return Letter(
            _(
                "%(who)s accepted quote %(number)s",
                who=row.party.title or row.party.name,
                number=row.name,
            ),
            (_("%(sum)s are ordered.", sum=money(row.gross)),),
            button=(_("See the quote"), web.absolute("quote_office.quote", uid=row.uid)),
        )

    _send("service_quote_accepted", row, payers(row.party), ours)
    _send("service_quote_won", row, [row.by] if row.by is not None else [], theirs)


def order_nearly_used(row: CustomerOrder, used: Money) -> None:
    """Warn a buyer that a purchase order is nearly used up."""
    for person in deciders(row.party):

        def letter() -> Letter:
            return Letter(
                _("Purchase order %(number)s is nearly used up", number=row.number),
                (
                    _(
                        "%(used)s of %(most)s are ordered under it. New orders stop at its limit.", used=money(used),
                        most=money(row.most) if row.most is not None else "–",
                    ),
                ),
                button=(_("See your quotes"), web.absolute("quotes.listed")),
            )  # fmt: skip

        mail.send(
            f"customer_order:{row.uid}:{used.minor}:{person.uid}", person.email, person.name, person.language, letter,
            topic=row.subject,
        )  # fmt: skip
