"""The mails about a membership that somebody changes by hand: opened, resigned, suspended, cancelled, expelled, absorbed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from flask_babel import gettext as _

from portal.accounts import contacts, grants
from portal.accounts.may import ContactRole, May
from portal.accounts.organisations import Organisation
from portal.core import catalogue, web
from portal.core.catalogue import brand
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.words import day, last_day, money
from portal.members import wall
from portal.members.belonging import Ending, Hold, Membership, Reversal, Term
from portal.members.letters import send_all

LEADERS = (ContactRole.OWNER, ContactRole.SIGNATORY)
WITH_MONEY = (*LEADERS, ContactRole.BILLING)


def _tell(
    key: str, membership: Membership, title: Callable[[], str], lines: Callable[[], Iterable[str]],
    roles: tuple[ContactRole, ...] = LEADERS,
) -> None:  # fmt: skip
    """Write to the leaders of a member, each in his own language, with the way to its page."""

    def letter() -> Letter:
        return Letter(
            title(), tuple(line for line in lines() if line),
            button=(_("Open your membership"), web.absolute("member.membership")),
        )  # fmt: skip

    send_all(key, contacts.holders(membership.org, *roles), letter, membership.subject)


def _name(membership: Membership) -> str:
    return membership.org.name


def resigned(membership: Membership, ending: Ending) -> None:
    """Confirm a resignation to the member's leaders, and tell the reviewers."""
    _tell(
        f"resigned:{membership.uid}:{ending.id}", membership,
        lambda: _("%(org)s leaves %(brand)s on %(day)s", org=_name(membership), brand=brand().short, day=day(ending.on)),
        lambda: (
            _("Your membership runs until %(day)s, with all its rights.", day=last_day(ending.on)),
            _("Dues that are paid are not refunded."),
            _("A signatory can take this back on the page of your membership until that day."),
        ),
        WITH_MONEY,
    )  # fmt: skip

    def ours() -> Letter:
        return Letter(
            _("Resigned: %(org)s", org=_name(membership)),
            (
                _("The membership ends; the last day is %(day)s.", day=last_day(ending.on)),
                _("Reason given: %(why)s", why=ending.reason) if ending.reason else "",
            ),
            button=(_("Open the member"), web.absolute("roll.member", uid=membership.org.uid)),
        )

    key = f"resigned:{membership.uid}:{ending.id}:staff"
    send_all(key, grants.holders(May.REVIEW), ours, membership.subject)


def taken_back(membership: Membership, ending: Ending) -> None:
    """Say that a resignation was taken back: it is as if it had never been said."""
    _tell(
        f"resignation-taken-back:{membership.uid}:{ending.id}", membership,
        lambda: _("%(org)s stays: the resignation is taken back", org=_name(membership)),
        lambda: (_("Your membership goes on as if the resignation had never been said."),),
        WITH_MONEY,
    )  # fmt: skip


def suspended(membership: Membership, hold: Hold, reason: dict[str, Any]) -> None:
    """Tell the member's leaders that the membership is suspended, why, and what that means."""
    _tell(
        f"suspended:{membership.uid}:{hold.id}", membership,
        lambda: _("The membership of %(org)s is suspended from %(day)s", org=_name(membership), day=day(hold.start)),
        lambda: (
            _("Reason: %(why)s", why=catalogue.in_words(reason["name"])),
            _("It ends on %(day)s.", day=last_day(hold.end)) if hold.end else _("It lasts until we lift it."),
            _("Meanwhile there is no vote, no benefit and no entry on the member wall; the term and its dues run on."),
            _("Please write to us if you think this is wrong."),
        ),
    )  # fmt: skip


def lifted(membership: Membership, reversal: Reversal) -> None:
    """Tell the member's leaders that the suspension is over."""
    _tell(
        f"lifted:{membership.uid}:{reversal.id}", membership,
        lambda: _("The suspension of %(org)s is lifted", org=_name(membership)),
        lambda: (_("From %(day)s on your rights are what they were.", day=day(reversal.from_day)),),
    )  # fmt: skip


def cancelled(membership: Membership, ending: Ending) -> None:
    """Tell the member's leaders and who pays that a term was cancelled after its credit note."""
    _tell(
        f"cancelled:{membership.uid}:{ending.id}", membership,
        lambda: _("A membership term of %(org)s is cancelled", org=_name(membership)),
        lambda: (
            _("The term at %(tier)s ends on %(day)s.", tier=wall.tier_name(ending.term.tier), day=last_day(ending.on)),
            _("Its dues were given back by a credit note.") if ending.term.charged else "",
        ),
        WITH_MONEY,
    )  # fmt: skip


def expelled(membership: Membership, ending: Ending) -> None:
    """Tell the member's leaders the board's decision."""
    _tell(
        f"expelled:{membership.uid}:{ending.id}", membership,
        lambda: _("The board has expelled %(org)s from %(brand)s", org=_name(membership), brand=brand().short),
        lambda: (
            _("The membership ends; the last day is %(day)s.", day=last_day(ending.on)),
            _("A new application is possible from %(day)s.", day=day(ending.barred_until))
            if ending.barred_until
            else _("A new application is not possible."),
            _("Please do not pay any more: money that arrives is held and revives nothing."),
        ),
        WITH_MONEY,
    )  # fmt: skip


def absorbed(survivor: Membership, gone: Membership, on: date, passed: Money) -> None:
    """Tell both companies that their memberships are joined, and what becomes of the dues."""
    key = f"absorbed:{gone.uid}:{on}"
    for place, row in (("survivor", survivor), ("gone", gone)):
        _tell(
            f"{key}:{place}", row,
            lambda: _("The memberships of %(one)s and %(other)s are one", one=_name(survivor), other=_name(gone)),
            lambda: (
                _("From %(day)s on, the membership of %(org)s stands for both.", day=day(on), org=_name(survivor)),
                _("%(sum)s of unused dues is now a credit of %(org)s.", sum=money(passed), org=_name(survivor))
                if passed
                else "",
            ),
            WITH_MONEY,
        )  # fmt: skip


def opened(membership: Membership, term: Term) -> None:
    """Tell the member's leaders that a term was opened by hand."""
    _tell(
        f"term-opened:{term.uid}", membership,
        lambda: _("%(org)s: a membership term at %(tier)s is on record", org=_name(membership), tier=wall.tier_name(term.tier)),
        lambda: (
            _("It runs from %(start)s until %(day)s.", start=day(term.start), day=last_day(term.end))
            if term.end
            else _("It runs from %(start)s and has no end.", start=day(term.start)),
            "" if term.charged else _("Nothing is to be paid for it."),
        ),
    )  # fmt: skip


def merged(kept: Organisation, duplicate: Organisation) -> None:
    """Tell the owners that two entries of their organisation are one now."""

    def letter() -> Letter:
        return Letter(
            _("Two entries of %(org)s are one now", org=kept.name),
            (
                _("The entry “%(name)s” was a second one of your organisation; its people and papers are with yours now.", name=duplicate.legal_name),
                _("Please look at your contacts, and write to us if something is not yours."),
            ),
            button=(_("Open your contacts"), web.absolute("accounts.people")),
        )  # fmt: skip

    people = contacts.holders(kept, ContactRole.OWNER)
    send_all(f"merged:{kept.uid}:{duplicate.uid}", people, letter, kept.subject)
