"""The mails about money, each in its receiver's language and sent once."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Refund, Way
from portal.billing.note_models import CreditNote
from portal.billing.reversal_models import Reversal
from portal.core import clock, mail, web
from portal.core.mail import Letter
from portal.core.words import day, money


def payers(party: Party) -> list[Person]:
    """Return who hears about a party's money: its billing contacts, else its owners, else the person."""
    if party.org is None:
        return [party.person] if party.person is not None else []
    return contacts.holders(party.org, ContactRole.BILLING) or contacts.holders(party.org, ContactRole.OWNER)


def announce(invoice: Invoice) -> None:
    """Mail the invoice to who pays: number, sum, reference, and the page where all is found."""
    for person in payers(invoice.party):

        def letter(due: date = invoice.due_on or clock.today()) -> Letter:
            return Letter(
                _("Invoice %(number)s: %(sum)s", number=invoice.number, sum=money(invoice.gross)),
                (
                    _(
                        "Please pay until %(day)s, quoting %(ref)s in the transfer.",
                        day=day(due),
                        ref=invoice.reference,
                    ),
                    _("For %(who)s.", who=invoice.buyer_name),
                ),
                button=(_("See and pay the invoice"), web.absolute("billing.invoice", uid=invoice.uid)),
            )

        mail.send(
            f"invoice:{invoice.uid}:{person.uid}",
            person.email,
            person.name,
            person.language,
            letter,
            topic=invoice.subject,
        )


def refunded(refund: Refund) -> None:
    """Tell the payer that money went back, by which way, and when it is there."""
    party = refund.receipt.party
    for person in payers(party) if party is not None else []:

        def letter() -> Letter:
            way = (
                _(
                    "It was sent by transfer to the account ending in %(tail)s.",
                    tail=refund.payee_account[-4:],
                )
                if refund.receipt.way is Way.BANK
                else _("It goes back by the way you paid; your bank may take some days to show it.")
            )
            return Letter(
                _("Refund of %(sum)s", sum=money(refund.came)),
                (
                    _("We have paid back %(sum)s. Nothing is left for you to do.", sum=money(refund.came)),
                    way,
                ),
                button=(_("See your invoices"), web.absolute("billing.invoices")),
            )

        mail.send(
            f"refund:{refund.uid}:{person.uid}", person.email, person.name, person.language, letter,
            topic=refund.subject,
        )  # fmt: skip


def taken_back(reversal: Reversal) -> None:
    """Tell the payer that his bank took money back, and that what it paid is open again."""
    party = reversal.receipt.party
    for person in payers(party) if party is not None else []:

        def letter() -> Letter:
            return Letter(
                _("A payment of %(sum)s was taken back", sum=money(reversal.amount)),
                (
                    _(
                        "Your bank took %(sum)s back that had come on %(day)s. What it paid may be open again.",
                        sum=money(reversal.amount),
                        day=day(reversal.receipt.received_on),
                    ),
                    _("If this was not meant, please pay again or write to us."),
                ),
                button=(_("See your invoices"), web.absolute("billing.invoices")),
            )

        mail.send(
            f"reversal:{reversal.uid}:{person.uid}", person.email, person.name, person.language, letter,
            topic=reversal.receipt.subject,
        )  # fmt: skip


def card_failed(invoice: Invoice, attempt_uid: str, *, why: str) -> None:
    """Tell who pays that the card on file did not pay an invoice, and where to pay it."""
    for person in payers(invoice.party):

        def letter() -> Letter:
            said = (
                _("Your bank wants you to confirm this payment yourself.")
                if why == "authentication_required"
                else _("Your bank refused the payment; nothing was taken.")
            )
            return Letter(
                _("Invoice %(number)s could not be paid by your card", number=invoice.number),
                (said, _("Please open the invoice and pay it there, or by bank transfer.")),
                button=(_("See and pay the invoice"), web.absolute("billing.invoice", uid=invoice.uid)),
            )

        mail.send(
            f"card_failed:{attempt_uid}:{person.uid}", person.email, person.name, person.language, letter,
            topic=invoice.subject,
        )  # fmt: skip


def credited(note: CreditNote) -> None:
    """Mail a credit note to who pays: number, sum, which invoice, and where to find it."""
    invoice = note.invoice
    for person in payers(invoice.party):

        def letter() -> Letter:
            return Letter(
                _("Credit note %(number)s: %(sum)s", number=note.number, sum=money(note.gross)),
                (
                    _(
                        "It takes %(sum)s off invoice %(number)s.",
                        sum=money(note.gross),
                        number=invoice.number,
                    ),
                    _("What you had paid beyond that is your credit: use it, or ask us to send it back."),
                ),
                button=(_("See the invoice"), web.absolute("billing.invoice", uid=invoice.uid)),
            )

        mail.send(
            f"note:{note.uid}:{person.uid}", person.email, person.name, person.language, letter,
            topic=note.subject,
        )  # fmt: skip
