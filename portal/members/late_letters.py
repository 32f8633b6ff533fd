"""The mails about money that came after a membership had lapsed."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import contacts, grants
from portal.accounts.may import May
from portal.core import catalogue, web
from portal.core.mail import Letter
from portal.core.words import day, money
from portal.members.letters import send_all
from portal.members.renewal_letters import MONEY_PEOPLE
from portal.members.renewal_models import LateMoney


def choose(late: LateMoney) -> None:
    """Ask the member how its money is to be used."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: your money came after the membership lapsed – please choose", org=late.membership.org.name),
            (
                _(
                    "%(sum)s arrived on %(day)s and is kept as your credit.",
                    sum=money(late.amount), day=day(late.value_on),
                ),
                _("The membership can go on without a gap, or begin anew on the day of the money."),
                ngettext(
                    "Without an answer within %(num)s day it begins anew.",
                    "Without an answer within %(num)s days it begins anew.",
                    int(catalogue.policy("late.silent_days")),
                ),
            ),
            button=(_("Choose"), web.absolute("member.renewal")),
        )  # fmt: skip

    people = contacts.holders(late.membership.org, *MONEY_PEOPLE)
    send_all(f"late-choose:{late.uid}", people, letter, late.membership.subject)


def apply_anew(late: LateMoney) -> None:
    """Tell the member that only a new application leads back."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: a new application is needed", org=late.membership.org.name),
            (
                _(
                    "%(sum)s arrived on %(day)s, long after the membership lapsed. It is kept as your credit.",
                    sum=money(late.amount), day=day(late.value_on),
                ),
                _("Please apply again, or ask finance to send the money back."),
            ),
            button=(_("Apply for membership"), web.absolute("apply.begin")),
        )  # fmt: skip

    people = contacts.holders(late.membership.org, *MONEY_PEOPLE)
    send_all(f"late-apply:{late.uid}", people, letter, late.membership.subject)


def review_late(late: LateMoney) -> None:
    """Tell the reviewers that very late money waits for their word."""
    _to_staff(late, "review", May.REVIEW)


def money_held(late: LateMoney) -> None:
    """Tell finance and the secretary that somebody who was expelled has paid."""
    _to_staff(late, "held", May.CHASE_DEBTORS)
    _to_staff(late, "held", May.DECIDE_APPEALS)


def _to_staff(late: LateMoney, what: str, may: May) -> None:
    def letter() -> Letter:
        said = {
            "review": _("It came more than %(num)s days after the end: may the member choose how to go on?", num=catalogue.policy("late.choose_days")),
            "held": _("The member was expelled. The money is held, and nothing revives by itself."),
        }  # fmt: skip
        return Letter(
            _("Late money: %(org)s", org=late.membership.org.name),
            (
                _("%(sum)s arrived on %(day)s.", sum=money(late.amount), day=day(late.value_on)),
                said[what],
            ),
            button=(_("Open the member"), web.absolute("renewals.one", uid=late.membership.org.uid)),
        )

    send_all(f"late-{what}:{late.uid}", grants.holders(may), letter, late.membership.subject)
