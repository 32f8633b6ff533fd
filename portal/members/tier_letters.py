"""The mails about changes of tier, each in its receiver's language and sent once."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import web
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.words import day, money
from portal.members import wall
from portal.members.events import TierChanged
from portal.members.letters import page_of, send_all
from portal.members.models import Application
from portal.members.tier_models import TierQuote

NONE = Money(0)
WHO = (ContactRole.OWNER, ContactRole.REPRESENTATIVE)


def concerned(org: Organisation, *, money: bool = False) -> list[Person]:
    """Return who hears of a change of tier: owners and representatives, and of money the billing contacts too."""
    return contacts.holders(org, *WHO, *([ContactRole.BILLING] if money else []))


def proposed(application: Application, by: Person) -> None:
    """Tell a member that staff drafted a change of tier for it."""

    def letter() -> Letter:
        return Letter(
            _("%(who)s proposes another tier for %(org)s", who=by.name, org=application.org.name),
            (
                _("The tier proposed is %(tier)s.", tier=wall.tier_name(application.tier)),
                _("You see what it costs and what it changes. Nothing happens unless you send the request."),
            ),
            button=(_("See the proposal"), web.absolute("apply.check", uid=application.uid)),
        )

    key = f"tier-proposed:{application.uid}:{application.tier}"
    send_all(key, concerned(application.org), letter, application.subject)


def offered(application: Application, quote: TierQuote | None) -> None:
    """Tell a member that its change is approved, and until when its figures can be confirmed."""

    def letter() -> Letter:
        lines = [_("Please look at the figures and confirm them; nothing changes before.")]
        if quote is not None:
            lines += [_sum(quote), _("The figures hold until %(day)s.", day=day(quote.expires_on))]
        page = web.absolute("tiers.quote", uid=quote.uid) if quote is not None else page_of(application)
        return Letter(
            _(
                "%(org)s: the change to %(tier)s is approved",
                org=application.org.name,
                tier=wall.tier_name(application.tier),
            ),
            tuple(lines),
            button=(_("See and confirm the figures"), page),
        )

    key = f"tier-offered:{quote.uid if quote is not None else application.uid}"
    send_all(key, concerned(application.org, money=True), letter, application.subject)


def _sum(quote: TierQuote) -> str:
    if quote.gross > NONE:
        return _("To be paid for the change: %(sum)s.", sum=money(quote.gross))
    if quote.gross < NONE:
        return _("Credited to your account: %(sum)s.", sum=money(-quote.gross))
    return _("Nothing is to be paid for the change.")


def chosen(quote: TierQuote) -> None:
    """Tell a member that the next membership year will be at another tier."""

    def letter() -> Letter:
        return Letter(
            _(
                "%(org)s: %(tier)s from %(day)s",
                org=quote.membership.org.name,
                tier=wall.tier_name(quote.new_tier),
                day=day(quote.effective_on),
            ),
            (
                _("Until then everything stays as it is; nothing is to be paid for the change."),
                _("You can take this back until the next membership year begins."),
            ),
            button=(_("See the change"), web.absolute("tiers.quote", uid=quote.uid)),
        )

    send_all(f"tier-chosen:{quote.uid}", concerned(quote.membership.org), letter, quote.application.subject)


def changed(event: TierChanged) -> None:
    """Tell a member that it belongs at another tier now."""
    membership = event.membership

    def letter() -> Letter:
        return Letter(
            _("%(org)s: now %(tier)s", org=membership.org.name, tier=wall.tier_name(event.new)),
            (
                _(
                    "The membership is at the tier %(new)s from %(day)s; before it was %(old)s.",
                    new=wall.tier_name(event.new),
                    old=wall.tier_name(event.old),
                    day=day(event.on),
                ),
                _("A new certificate and your new benefits are on your pages."),
            ),
            button=(_("See your membership"), web.absolute("member.membership")),
        )

    key = f"tier-changed:{membership.uid}:{event.old}:{event.new}:{event.on}"
    send_all(key, concerned(membership.org), letter, membership.subject)


def dropped(application: Application, freed: Money) -> None:
    """Tell a member that its change of tier was closed and nothing changed."""

    def letter() -> Letter:
        lines = [_("The tier stays as it was, and the invoice for the change is void.")]
        if freed > NONE:
            lines.append(_("What you paid, %(sum)s, stays yours as a credit.", sum=money(freed)))
        return Letter(
            _("%(org)s: the change of tier is closed", org=application.org.name),
            tuple(lines),
            button=(_("Open the application"), page_of(application)),
        )

    send_all(
        f"tier-dropped:{application.uid}", concerned(application.org, money=True), letter, application.subject
    )
