"""Going on after a term: the offer with its fixed price, its invoice, the term it becomes, and how it lapses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import issuing, queries, settling
from portal.billing.catalogue import pinned, price_of
from portal.billing.issuing import Item
from portal.billing.ladder import NEVER as NO_LADDER
from portal.billing.ladder import STANDARD
from portal.billing.models import Invoice, InvoiceState
from portal.billing.pricing import Terms
from portal.billing.reversing import take_back
from portal.core import audit, catalogue, clock, words
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move
from portal.members import credit_terms, renewal_letters, terms
from portal.members.belonging import Membership, Term, TermKind
from portal.members.joining import rules_of
from portal.members.renewal_models import OfferState, RenewalOffer
from portal.members.renewal_queries import act_day, lapse_day, next_of, open_offer, why_not
from portal.members.renewal_rules import MONTHS, Period, charge, following

O = OfferState  # noqa: E741


def locked(offer_id: int) -> RenewalOffer:
    """Return an offer under its lock, fresh from the database; after its invoice's lock, before its membership's."""
    return db.session.scalars(
        select(RenewalOffer)
        .where(RenewalOffer.id == offer_id)
        .with_for_update(of=RenewalOffer)
        .execution_options(populate_existing=True)
    ).one()


def offer(term: Term, *, by: Person | str) -> RenewalOffer:
    """Offer the period after a term: tier and price are fixed, standing is untouched. One open offer per term.

    Asked again it is the same offer. `Refused` before the day of the ladder and for what is never renewed.
    """
    db.session.scalars(
        select(Membership).where(Membership.id == term.membership_id).with_for_update(of=Membership)
    ).one()
    known = db.session.scalars(
        select(RenewalOffer).where(RenewalOffer.term_id == term.id, RenewalOffer.state == O.OPEN)
    ).first()
    if known is not None:
        return known
    why, end = why_not(term), term.end
    if why is not None or end is None:
        raise Refused(
            _l("This term is not renewed: it was ended, has no end, or is followed by another one.")
        )
    first = act_day(term, "offer")
    if clock.today() < first:
        raise Refused(_l("This term can be renewed from %(day)s.", day=words.day(first)))
    tier, kind = next_of(term)
    basis, joining = rules_of(tier)
    return _write(term, tier, kind, following(end, term.anchor, term.k, basis), joining, by=by)


def _write(
    term: Term, tier: str, kind: TermKind, period: Period, joining: dict[str, Any], *, by: Person | str,
    price_id: int | None = None,
) -> RenewalOffer:  # fmt: skip
    membership = term.membership
    if tier not in catalogue.entries("tier"):
        raise Refused(_l("This tier has no price: choose another one first."))
    price = pinned(price_id) if price_id is not None else price_of(catalogue.entry("tier", tier)["product"])
    amount = Money(charge(price.amount.minor, period, joining))
    row = RenewalOffer(
        membership=membership, term=term, kind=kind, tier=tier, start=period.start, end=period.end,
        anchor=period.anchor, k=period.k, price_id=price.id, period_price=price.amount, amount=amount,
        opened_on=clock.today(), by_name=str(getattr(by, "name", by))[:120],
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "renewal.offered", row, by=by, org_id=membership.org_id, tier=row.tier, start=row.start,
        last=row.end - timedelta(days=1), amount=amount,
    )  # fmt: skip
    return row


def offer_again(
    old: RenewalOffer, kind: TermKind, period: Period, joining: dict[str, Any], *, by: Person | str
) -> RenewalOffer:
    """Offer a period for money that came late, at the price that had been offered."""
    return _write(old.term, old.tier, kind, period, joining, by=by, price_id=old.price_id)


def language_of(org: Organisation) -> str:
    """Return the language in which a holder's papers are written: that of whoever pays."""
    people = contacts.holders(org, ContactRole.BILLING, ContactRole.OWNER)
    return people[0].language if people else "zh_Hans_CN"


def invoice(offer: RenewalOffer, *, by: Person | str) -> Invoice:
    """Issue the invoice of an open offer at its price; asked again it is the same invoice.

    Members on credit terms have their term from here on: finance's own ladder reminds them.
    """
    row = locked(offer.id)
    if row.invoice is not None and issuing.cover(row.invoice) != "reversed":
        return row.invoice
    if row.state is not O.OPEN:
        raise Refused(_l("This offer is closed."))
    trusted = credit_terms.in_force(row.membership)
    order = issuing.place_order(issuing.party_of(row.membership.org), row.subject, [_item(row)])
    made = issuing.issue_invoice(
        order, language=language_of(row.membership.org), by=by, ladder=STANDARD if trusted else NO_LADDER
    )
    row.invoice, row.invoiced_on = made, clock.today()
    db.session.flush()
    audit.record(
        "renewal.invoiced", row, by=by, org_id=row.membership.org_id, number=made.number, amount=made.gross
    )
    if trusted and row.state is O.OPEN:
        _renew(row, made, by="credit terms")
    return made


def _item(row: RenewalOffer) -> Item:
    """Return what is ordered: the whole period at its price, or the part of it that was offered."""
    price = pinned(row.price_id)
    if row.amount == row.period_price:
        return Item(price)
    said = {
        "en": f"{price.words['en']}, {row.start} to {row.end - timedelta(days=1)}",
        "zh": f"{price.words['zh']}，{row.start} 至 {row.end - timedelta(days=1)}",
    }
    return Item(replace(price, terms=Terms(flat=row.amount.minor)), words=said)


def paid_on(invoice: Invoice) -> date:
    """Return the bank's value date on which an invoice was covered: that of the money that came last."""
    return max((row.receipt.received_on for row, _held in settling.held(invoice)), default=clock.today())


def settled(offer_id: int, paid: Invoice) -> None:
    """Let a covered offer become a term from the old end, if the money came in time; else it is held as credit."""
    row = locked(offer_id)
    if row.state is not O.OPEN:
        return
    late = row.kind is not TermKind.REINSTATEMENT and paid_on(paid) >= lapse_day(row)
    why = why_not(row.term)
    if late or why is not None:
        _close(
            row, O.LAPSED if late and why is None else O.WITHDRAWN, paid, by="payment", reason=why or "late"
        )
        return
    row.invoice = paid
    _renew(row, paid, by="payment")


def _renew(row: RenewalOffer, paid: Invoice, *, by: str) -> Term:
    waived = not paid.gross
    made = terms.open_term(
        row.membership, kind=row.kind, tier=row.tier, start=row.start, months=MONTHS, price=row.period_price,
        charged=paid.gross, cover="waiver" if waived else "invoice", invoice=paid, by=by, anchor=row.anchor, k=row.k,
    )  # fmt: skip
    issuing.agree(paid.order, made.start, made.end or row.end)
    move(row, O.RENEWED)
    row.closed_on = clock.today()
    db.session.flush()
    audit.record("renewal.renewed", row, by=by, org_id=row.membership.org_id, number=paid.number)
    renewal_letters.renewed(row, made)
    return made


def lapse(offer: RenewalOffer, *, by: Person | str) -> bool:
    """Close an offer that nobody covered in time: its invoice is reversed, what was paid of it is credit again."""
    if clock.today() < lapse_day(offer):
        return False
    return close(offer, O.LAPSED, by=by, reason="lapsed")


def withdraw(offer: RenewalOffer, *, by: Person | str, reason: str) -> bool:
    """Take an open offer back: its invoice is reversed, what was paid of it is credit again."""
    return close(offer, O.WITHDRAWN, by=by, reason=reason)


def close(offer: RenewalOffer, to: OfferState, *, by: Person | str, reason: str) -> bool:
    """Close an open offer under the locks of its invoice and itself; False if it was closed before."""
    # Invoice before offer: whoever settles holds the invoice already.
    paid = issuing.locked(offer.invoice_id) if offer.invoice_id else None
    row = locked(offer.id)
    if row.state is not O.OPEN:
        return False
    _close(row, to, paid, by=by, reason=reason)
    return True


def _close(row: RenewalOffer, to: OfferState, paid: Invoice | None, *, by: Person | str, reason: str) -> None:
    move(row, to)
    row.closed_on = lapse_day(row) if to is O.LAPSED else clock.today()
    row.close_reason = reason
    db.session.flush()
    freed = Money(0)
    if paid is not None and paid.state in {InvoiceState.OPEN, InvoiceState.PAID} and not paid.reversed:
        freed = take_back(paid, by=by, reason=reason)
    audit.record(f"renewal.{to}", row, by=by, org_id=row.membership.org_id, reason=reason, freed=freed)


def pay_from_credit(invoice: Invoice, *, by: Person | str) -> None:
    """Pay an invoice from what its payer has unused here; `Refused` if that is nothing."""
    settling.use_credit(invoice, by=by)


def confirm(offer: RenewalOffer, *, by: Person) -> None:
    """Note that the member has looked at tier, contacts and order number, and goes on."""
    row = locked(offer.id)
    if row.state is not O.OPEN:
        raise Refused(_l("This offer is closed."))
    row.confirmed_at, row.confirmed_by = clock.now(), by
    audit.record("renewal.confirmed", row, by=by, org_id=row.membership.org_id)


def offer_instead(membership: Membership, term: Term, *, by: Person | str) -> RenewalOffer | None:
    """Take the open offer of a membership back and offer the period after another term, as it was: for changes of tier.

    If the old one was invoiced the new one is too, and what was paid of it goes on. None if there was no offer.
    """
    old = open_offer(membership)
    if old is None or not withdraw(old, by=by, reason="tier changed"):
        return None
    made = offer(term, by=by)
    if old.invoiced_on is not None:
        fresh = invoice(made, by=by)
        if fresh.state is InvoiceState.OPEN and queries.credits_of(fresh.party):
            pay_from_credit(fresh, by=by)
    return made
