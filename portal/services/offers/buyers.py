"""Who buys: the price audience and standing of a payer, whether an offer is open to him, and what he owes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, func, select, type_coerce

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import issuing, ledger
from portal.billing.catalogue import Audience, Price, price_of
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import terms
from portal.members.standing import Answer, Right
from portal.services.offers.rows import Buyers, Offer


def tier_of(party: Party) -> str:
    """Return the tier at whose prices a payer buys today; empty for whoever is no member in good standing."""
    row = terms.membership_of(party.org) if party.org is not None else None
    if row is None or terms.may(row, Right.MEMBER_PRICE) is not Answer.YES:
        return ""
    return row.tier or ""


def audience_of(party: Party) -> Audience:
    """Return as whom a payer is asked for a price."""
    if party.org is None:
        return Audience(person=True)
    return Audience(tier=tier_of(party), category=party.org.category)


def standing_of(party: Party) -> str:
    """Return what of a payer a quote's figures hang on, as one word."""
    asked = audience_of(party)
    return f"{asked.tier}/{asked.category}/{int(asked.person)}"


def price_for(offer: Offer, party: Party | None) -> Price:
    """Return the price of an offer for a payer, or for everybody."""
    return price_of(offer.price, audience=audience_of(party) if party is not None else Audience())


def open_to(offer: Offer, party: Party) -> bool:
    """Whether a payer may buy an offer by himself; others get it by a quote of ours alone."""
    if offer.buyers is Buyers.ANYONE:
        return True
    if party.org is None:
        return False
    if offer.tiers:
        return tier_of(party) in offer.tiers
    return offer.buyers is Buyers.ORGANISATIONS or bool(tier_of(party))


def overdue(party: Party) -> list[Invoice]:
    """Return the invoices of a payer whose due day is over and on which something is owed."""
    rows = db.session.scalars(
        select(Invoice)
        .where(Invoice.party_id == party.id, Invoice.state == InvoiceState.OPEN, Invoice.due_on < clock.today())
        .order_by(Invoice.id)
    )  # fmt: skip
    return [row for row in rows if issuing.owed(row) > Money(0)]


def refuse_overdue(party: Party) -> None:
    """Refuse a new order while invoices are overdue."""
    late = overdue(party)
    if late:
        numbers = ", ".join(str(row.number) for row in late[:5])
        raise Refused(_l("Invoices are overdue: %(numbers)s. Once they are paid, new orders are possible again.", numbers=numbers))  # fmt: skip


def holder(party: Party) -> Organisation | Person:
    """Return who stands behind a payer."""
    found = party.org or party.person
    if found is None:
        raise Refused(_l("This payer is nobody."))
    return found


def income_of_year(party: Party | None = None) -> int:
    """Return what was earned this calendar year, of one payer or of all, in fen."""
    lines = (
        select(func.coalesce(func.sum(type_coerce(JournalLine.amount, BigInteger)), 0))
        .join(JournalEntry, JournalLine.entry_id == JournalEntry.id)
        .where(
            JournalLine.account.startswith(f"{ledger.INCOME}.", autoescape=True),
            JournalEntry.posted_on >= clock.today().replace(month=1, day=1),
        )
    )
    if party is not None:
        lines = lines.where(JournalLine.party_id == party.id)
    return -int(db.session.scalar(lines) or 0)


def share_with(party: Party, net: int) -> int:
    """Return which part of the year's income a payer would be with so much more, in basis points."""
    total = income_of_year() + net
    mine = income_of_year(party) + net
    return 0 if total <= 0 or mine <= 0 else mine * 10_000 // total
