"""The mails about what is bought of licences, each in its receiver's language and sent once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.core import catalogue, mail, web
from portal.core.mail import Letter
from portal.core.words import day, money
from portal.services.licences.models.deal import DealKind, LicenceQuote, LicenceTransfer
from portal.services.licences.models.licence import Hold, Licence

A_DAY = timedelta(days=1)
BUYERS = (ContactRole.OWNER, ContactRole.BILLING)
# Why something was given up: what the code writes into the trail, and what people read.
UNPAID, CANCELLED, ANEW, REVERSED = (
    "not paid in time",
    "cancelled",
    "another number of nodes",
    "its invoice was taken back",
)
GIVEN_UP = {
    UNPAID: _l("It was not paid in time."), CANCELLED: _l("It was cancelled."), ANEW: _l("A new invoice over another number of nodes takes its place."),
    REVERSED: _l("Its invoice was taken back by our finance."),
}  # fmt: skip


def plan_name(licence: Licence) -> str:
    """Return what the plan of a licence is called in the reader's language."""
    return catalogue.in_words(licence.sold["name"])


def send(key: str, licence: Licence, letter: Callable[[], Letter], *roles: ContactRole) -> None:
    """Send a letter about a licence to the contacts of its organisation, once each."""
    people: list[Person] = contacts.holders(licence.org, *(roles or BUYERS))
    for one in people:
        mail.send(f"{key}:{one.uid}", one.email, one.name, one.language, letter, topic=licence.subject)


def in_effect(quote: LicenceQuote) -> None:
    """Tell that bought nodes can be used, and until when."""

    def letter() -> Letter:
        until = day(quote.ends_on - A_DAY) if quote.ends_on is not None else ""
        lines = [_("%(count)s nodes in all, until the end of %(day)s.", count=quote.nodes, day=until)]
        if quote.kind is DealKind.COLLECTED and quote.pay_by is not None:
            lines.append(
                _("%(sum)s is invoiced on %(day)s with other small changes.", sum=money(quote.gross), day=day(quote.pay_by))
            )  # fmt: skip
        return Letter(
            _("%(plan)s: %(count)s nodes", plan=plan_name(quote.licence), count=quote.nodes), tuple(lines)
        )

    send(f"licence-deal:{quote.uid}", quote.licence, letter, *BUYERS, ContactRole.TECHNICAL)


def dropped(quote: LicenceQuote, reason: str) -> None:
    """Tell that an order or change will not be."""

    def letter() -> Letter:
        return Letter(
            _("%(plan)s: %(count)s nodes will not be", plan=plan_name(quote.licence), count=quote.nodes),
            (
                str(GIVEN_UP.get(reason, reason)),
                _(
                    "Its invoice is taken back, and nothing else has changed. Money that still comes stays your credit."
                ),
            ),
        )

    if quote.accepted_at is not None:
        send(f"licence-dropped:{quote.uid}", quote.licence, letter)


def renewal(quote: LicenceQuote) -> None:
    """Tell what the next year costs and until when it is paid in time."""

    def letter() -> Letter:
        begins = day(quote.starts_on) if quote.starts_on is not None else ""
        late = day(quote.pay_by) if quote.pay_by is not None else ""
        lines = (
            _("The next year begins on %(day)s with %(count)s nodes: %(sum)s.", day=begins, count=quote.nodes, sum=money(quote.gross)),
            _("Paid before %(day)s it goes on without a gap. The number of nodes can be changed until then.", day=late),
        )  # fmt: skip
        page = web.absolute("billing.invoice", uid=quote.invoice.uid) if quote.invoice is not None else None
        button = None if page is None else (_("See and pay the invoice"), page)
        return Letter(_("%(plan)s: the next year", plan=plan_name(quote.licence)), lines, button=button)

    send(f"licence-renewal:{quote.uid}", quote.licence, letter)


def suspended(hold: Hold) -> None:
    """Tell that a licence will be suspended, why and from when."""
    licence = hold.licence

    def letter() -> Letter:
        said = catalogue.in_words({"en": hold.words_en, "zh": hold.words_zh})
        return Letter(
            _("%(plan)s: suspension", plan=plan_name(licence)),
            (said, _("From %(day)s on no node can start. Nodes keep their seats.", day=day(hold.starts_at))),
        )

    send(f"licence-hold:{hold.uid}", licence, letter, *BUYERS, ContactRole.TECHNICAL)


def unpaid(quote: LicenceQuote, days: int) -> None:
    """Tell that the nodes of a small increase end, as nobody paid for them."""

    def letter() -> Letter:
        return Letter(
            _("%(plan)s: added nodes end", plan=plan_name(quote.licence)),
            (
                _("The invoice for them was not paid. They go on for %(count)s days more.", count=days),
                _("Once it is paid they are given back at once."),
            ),
        )

    send(f"licence-unpaid:{quote.uid}", quote.licence, letter, *BUYERS, ContactRole.TECHNICAL)


def transfer(row: LicenceTransfer) -> None:
    """Ask the owners of the other organisation whether they take a licence over."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s wants to hand a licence over to you", org=row.licence.org.name),
            (
                _(
                    "It is about %(plan)s. Please look at it and answer in the portal.",
                    plan=plan_name(row.licence),
                ),
            ),
            button=(_("See what it is"), web.absolute("licences.coming", transfer=row.uid)),
        )

    for one in contacts.holders(row.to_org, ContactRole.OWNER):
        mail.send(
            f"licence-transfer:{row.uid}:{one.uid}",
            one.email,
            one.name,
            one.language,
            letter,
            topic=row.licence.subject,
        )


def transferred(row: LicenceTransfer, new: Licence) -> None:
    """Tell both organisations that a licence has gone over."""

    def there() -> Letter:
        return Letter(
            _("%(plan)s is yours", plan=plan_name(new)),
            (_("It came from %(org)s. Make a key, and start your nodes.", org=row.licence.org.name),),
            button=(_("Open the licence"), web.absolute("licences.licence", uid=new.uid)),
        )

    def here() -> Letter:
        return Letter(
            _("%(plan)s has gone over to %(org)s", plan=plan_name(new), org=row.to_org.name),
            (_("Your keys for it say nothing any more, and its nodes stop with their leases."),),
        )

    send(f"licence-came:{row.uid}", new, there, ContactRole.OWNER, ContactRole.TECHNICAL)
    send(f"licence-went:{row.uid}", row.licence, here, ContactRole.OWNER, ContactRole.TECHNICAL)
