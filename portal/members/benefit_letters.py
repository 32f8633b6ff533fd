"""The mails about benefits, each in its receiver's language and sent once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.core import catalogue, web
from portal.core.mail import Letter
from portal.core.words import day, last_day
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import Claim
from portal.members.letters import send_all


def _name(grant: Grant) -> str:
    body = catalogue.entries("benefit").get(grant.benefit)
    return catalogue.in_words(body["name"]) if body else grant.benefit


def hearers(membership: Membership, *, first: Person | None = None) -> list[Person]:
    """Return who hears about benefits: owners and representative, and whoever claimed while he acts for the member."""
    org = membership.org
    found = contacts.holders(org, ContactRole.OWNER, ContactRole.REPRESENTATIVE)
    acting = contacts.holders(org, *ContactRole)
    extra = [first] if first in acting and first not in found else []
    return [*[one for one in extra if one is not None], *found]


def _send(claim: Claim, what: str, letter: Callable[[], Letter]) -> None:
    key = f"benefit-{what}:{claim.uid}:{claim.version}"
    send_all(key, hearers(claim.grant.membership, first=claim.by), letter, claim.subject)


def _page() -> tuple[str, str]:
    return _("See your benefits"), web.absolute("member.benefits")


def confirmed(claim: Claim) -> None:
    """Tell the member that a claim is confirmed, and by when it is to be used."""

    def letter() -> Letter:
        end = claim.grant.end
        return Letter(
            _("Confirmed for %(org)s: %(benefit)s", org=claim.grant.membership.org.name, benefit=_name(claim.grant)),
            (
                _("We confirmed your claim for %(quantity)s. We will be in touch to arrange it.", quantity=claim.quantity),
                *([_("Please use it until %(day)s.", day=last_day(end))] if end else []),
            ),
            button=_page(),
        )  # fmt: skip

    _send(claim, "confirmed", letter)


def declined(claim: Claim) -> None:
    """Tell the member that a claim is declined, and why."""

    def letter() -> Letter:
        return Letter(
            _("Not possible for %(org)s: %(benefit)s", org=claim.grant.membership.org.name, benefit=_name(claim.grant)),
            (
                _("We could not confirm your claim for %(quantity)s: %(reason)s", quantity=claim.quantity, reason=claim.reason),
                _("Nothing of what you were granted is lost; you may claim it again."),
            ),
            button=_page(),
        )  # fmt: skip

    _send(claim, "declined", letter)


def place_given(claim: Claim) -> None:
    """Tell the member that its claim has left the waiting list."""

    def letter() -> Letter:
        return Letter(
            _("A place for %(org)s: %(benefit)s", org=claim.grant.membership.org.name, benefit=_name(claim.grant)),
            (_("Your claim for %(quantity)s has left the waiting list and has a place now.", quantity=claim.quantity),),
            button=_page(),
        )  # fmt: skip

    _send(claim, "place", letter)


def taken_back(membership: Membership, claims: Sequence[Claim], why: str) -> None:
    """Tell the member which claims fell away because its membership changed; `why` is a code word."""

    def letter() -> Letter:
        said = {
            "tier": _("The new tier gives less of this than was asked for. What was confirmed stands."),
            "ended": _("The membership has ended. What was confirmed is honoured for some time yet."),
            "expelled": _("The membership has ended for good; nothing can be used any more."),
            "closed": _("The application was closed before the membership began."),
            "over": _("The time in which it could be claimed is over, and no place became free."),
        }[why]
        lines = [f"{_name(one.grant)}: {one.quantity}" for one in claims]
        return Letter(
            _("Claims of %(org)s that fall away", org=membership.org.name), (said, *lines), button=_page()
        )

    if claims:
        key = f"benefit-back:{membership.uid}:{claims[0].uid}:{why}"
        send_all(key, hearers(membership, first=claims[0].by), letter, membership.subject)


def expiring(membership: Membership, left: Sequence[tuple[Grant, int]], last: date, step: int) -> None:
    """Tell the member what it has left of benefits that end soon, or have ended today."""

    def letter() -> Letter:
        lines = tuple(
            _("%(benefit)s: %(left)s left", benefit=_name(grant), left=number) for grant, number in left
        )
        if step:
            title = _("%(org)s: benefits to use until %(day)s", org=membership.org.name, day=day(last))
            said = _("These are still yours. Please claim them in time; they do not carry over.")
        else:
            title = _("%(org)s: benefits that ended on %(day)s", org=membership.org.name, day=day(last))
            said = _("These were not used and have ended.")
        return Letter(title, (said, *lines), button=_page())

    key = f"benefit-expiry:{membership.uid}:{left[0][0].uid}:{step}"
    send_all(key, hearers(membership), letter, membership.subject)


def early(membership: Membership, key: str) -> None:
    """Tell a member to be that it may claim already, and what that means."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s may claim benefits already", org=membership.org.name),
            (
                _("Your claims hold their place now and are confirmed once the agreement is signed and the dues are paid."),
                _("If the application is closed before, they fall away."),
            ),
            button=_page(),
        )  # fmt: skip

    send_all(f"benefit-early:{key}", hearers(membership), letter, membership.subject)
