"""The mails about renewing: the words of each step of the ladder, and what becomes of money that came late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import contacts, grants
from portal.accounts.may import ContactRole, May
from portal.accounts.people import Person
from portal.billing.issuing import owed
from portal.billing.models import InvoiceState
from portal.billing.saved_cards import card_of, offered
from portal.core import catalogue, clock, mail, web
from portal.core.catalogue import brand
from portal.core.mail import Letter
from portal.core.words import day, last_day, money
from portal.members import value, wall
from portal.members.belonging import Term
from portal.members.letters import send_all
from portal.members.renewal_models import RenewalOffer

MONEY_PEOPLE = (ContactRole.BILLING, ContactRole.OWNER, ContactRole.REPRESENTATIVE)


def key_of(offer: RenewalOffer, step: str, channel: str) -> str:
    """Return what begins the key, and so the Message-ID, of every mail of a step by a channel."""
    return f"renewal:{offer.term.uid}:{step}:{channel}"


def send_step(offer: RenewalOffer, letter: str, people: Iterable[Person], *, step: str, channel: str) -> int:
    """Send the words of a step to people, each in his language and once; return how many it were."""
    words = LETTERS[letter]
    count = 0
    for person in people:
        key = f"{key_of(offer, step, channel)}:{person.uid}"
        mail.send(
            key, person.email, person.name, person.language, lambda: words(offer),
            topic=offer.membership.subject,
        )  # fmt: skip
        count += 1
    return count


def _page(offer: RenewalOffer) -> tuple[str, str]:
    return _("Open the renewal"), web.absolute("member.renewal")


def _what(offer: RenewalOffer) -> str:
    """Return what is offered, in a sentence."""
    return _(
        "The next term as %(tier)s runs from %(start)s to %(end)s and costs %(sum)s.",
        tier=wall.tier_name(offer.tier), start=day(offer.start), end=last_day(offer.end), sum=money(offer.amount),
    )  # fmt: skip


def _bill(offer: RenewalOffer) -> list[str]:
    """Return what is to be paid, as lines; nothing before there is an invoice."""
    row = offer.invoice
    if row is None or row.state is not InvoiceState.OPEN:
        return []
    said = _(
        "Invoice %(number)s: %(left)s still to pay, by transfer with the reference %(reference)s or online.",
        number=row.number, left=money(owed(row)), reference=row.reference,
    )  # fmt: skip
    return [said, _("If the money is on its way, there is nothing to do for you.")]


def _card(offer: RenewalOffer) -> list[str]:
    """Return which card is charged and when, if its payer keeps one here."""
    row = offer.invoice
    card = card_of(row.party) if row is not None and offered() else None
    marks = catalogue.policy("charge.attempts")
    if card is None or not marks or offer.term.end is None:
        return []
    on = max(clock.today(), offer.term.end + timedelta(days=int(marks[0])))
    return [_("Unless it is paid before, we charge %(card)s on %(day)s.", card=card.words, day=day(on))]


def _given(offer: RenewalOffer) -> list[str]:
    """Return what the year gave: each counted benefit with its use, and what was used at list prices."""
    found = value.delivered(offer.membership)
    lines = value.in_words(found) if found is not None else ()
    said = [_("What the membership gave you so far:"), *(f"· {line}" for line in lines)] if lines else []
    return [*said, _("All of it, line by line: %(link)s", link=web.absolute("member.benefit_value"))]


def _offer(offer: RenewalOffer) -> Letter:
    org = offer.membership.org
    return Letter(
        _("%(org)s: time to renew the membership", org=org.name),
        (
            _what(offer),
            _("Please look whether the tier is right, and give us your order number if the invoice should name one.")
            if org.person_id is None
            else _("There is nothing to fill in: you can pay at once."),
            *_bill(offer),
            *_given(offer),
        ),
        button=_page(offer),
    )  # fmt: skip


def _invoice(offer: RenewalOffer) -> Letter:
    return Letter(
        _("%(org)s: the invoice for the next term", org=offer.membership.org.name),
        (
            _what(offer),
            *_bill(offer),
            _("Your billing contacts have the invoice as a document; you can download it on its page too."),
        ),
        button=_page(offer),
    )


def _reminder(offer: RenewalOffer) -> Letter:
    return Letter(
        _(
            "%(org)s: the term ends on %(day)s",
            org=offer.membership.org.name,
            day=last_day(offer.start),
        ),
        (_what(offer), *_bill(offer)),
        button=_page(offer),
    )


def _announce(offer: RenewalOffer) -> Letter:
    plain = _reminder(offer)
    return Letter(plain.title, (*plain.lines, *_card(offer)), button=plain.button)


def _ended(offer: RenewalOffer) -> Letter:
    return Letter(
        _("%(org)s: the term has ended", org=offer.membership.org.name),
        (
            _(
                "Until %(day)s you are in grace: you keep your entry and what you use, but have no vote.",
                day=last_day(_lapse(offer)),
            ),
            *_bill(offer),
            _("Paid by then, the new term begins where the old one ended."),
        ),
        button=_page(offer),
    )


def _grace(offer: RenewalOffer) -> Letter:
    left = (_lapse(offer) - clock.today()).days
    return Letter(
        ngettext(
            "%(org)s: %(num)s day until the membership lapses",
            "%(org)s: %(num)s days until the membership lapses",
            left,
            org=offer.membership.org.name,
        ),
        (
            _("Grace ends with %(day)s. The day on which the money is at our bank counts.", day=last_day(_lapse(offer))),
            *_bill(offer),
        ),
        button=_page(offer),
    )  # fmt: skip


def _lapse(offer: RenewalOffer) -> date:
    return offer.start + timedelta(days=int(catalogue.policy("term.grace_days")))


def _lapsed(offer: RenewalOffer) -> Letter:
    choose = int(catalogue.policy("late.choose_days"))
    voided = offer.invoice is not None
    return Letter(
        _("%(org)s: the membership has lapsed", org=offer.membership.org.name),
        (
            _("The dues did not come, and the membership ended with %(day)s.", day=last_day(offer.start)),
            *([_("Invoice %(number)s is void.", number=offer.invoice.number)] if voided and offer.invoice else []),
            _(
                "The way back: money that reaches us by %(day)s lets you choose whether the membership goes on "
                "without a gap or begins anew. Afterwards a new application is needed.",
                day=day(offer.start + timedelta(days=choose)),
            ),
        ),
        button=_page(offer),
    )  # fmt: skip


def _invitation(offer: RenewalOffer) -> Letter:
    return Letter(
        _("%(brand)s would be glad to have %(org)s back", brand=brand().short, org=offer.membership.org.name),
        (
            _("The membership lapsed some weeks ago. The page shows the ways back, and what each costs."),
            _("If something stood in the way, write to us: we look for a solution together."),
        ),
        button=_page(offer),
    )


def _question(offer: RenewalOffer) -> Letter:
    return Letter(
        _("One question to %(org)s", org=offer.membership.org.name),
        (
            _("Half a year ago the membership lapsed. What was the reason?"),
            _("One sentence in answer to this mail is enough; it helps us to be of more use."),
        ),
    )


LETTERS: dict[str, Callable[[RenewalOffer], Letter]] = {
    "offer": _offer, "invoice": _invoice, "reminder": _reminder, "announce": _announce, "ended": _ended,
    "grace": _grace, "lapsed": _lapsed, "invitation": _invitation, "question": _question,
}  # fmt: skip


def renewed(offer: RenewalOffer, term: Term) -> None:
    """Tell the member that the new term is on record."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s: the membership is renewed", org=offer.membership.org.name),
            (
                _(
                    "The new term as %(tier)s runs from %(start)s to %(end)s. Thank you.",
                    tier=wall.tier_name(term.tier), start=day(term.start), end=last_day(term.end or offer.end),
                ),
            ),
            button=(_("Open your home page"), web.absolute("member.home")),
        )  # fmt: skip

    people = contacts.holders(offer.membership.org, *MONEY_PEOPLE)
    send_all(f"renewed:{offer.uid}", people, letter, offer.membership.subject)


def unreachable(offer: RenewalOffer, step: str) -> None:
    """Tell the reviewers that no mail about a renewal reaches a member."""

    def letter() -> Letter:
        return Letter(
            _("No mail reaches %(org)s", org=offer.membership.org.name),
            (_("The mails about its renewal came back from every contact. Please find somebody there."),),
            button=(_("Open the renewal"), web.absolute("renewals.one", uid=offer.membership.org.uid)),
        )

    key = key_of(offer, step, "staff")
    send_all(key, grants.holders(May.REVIEW), letter, offer.membership.subject)
