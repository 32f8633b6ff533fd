"""What a change of tier starts from: the term that runs, those already paid ahead, and what covers each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import issuing, recognition
from portal.billing.change_plan import left_of
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.core import catalogue, periods
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import quotes
from portal.members.belonging import Membership, Term, TermKind
from portal.members.facts import facts_of
from portal.members.standing import Facts, in_force
from portal.members.tier_models import TierLine, TierQuote, TierQuoteState, When

MONTHS = 12
WAIVER = "waiver"


class Offered(Protocol):
    """What changes of tier know of a renewal offer: its invoice, once there is one."""

    @property
    def invoice(self) -> Invoice | None: ...


class Again(Protocol):
    """Take the open offer of a membership back, and offer the period after a term at the tier that follows it."""

    def __call__(self, membership: Membership, term: Term, *, by: Person | str) -> object: ...


@dataclass(frozen=True, slots=True)
class Renewals:
    """What changes of tier ask of renewals: the open offer of a membership, and the same after another term."""

    offer: Callable[[Membership], Offered | None]
    again: Again


_renewals: list[Renewals] = []


def ask_renewals(of: Renewals | None) -> None:
    """Let renewals answer for their open offers; `wiring.py` hands it over."""
    _renewals[:] = [of] if of is not None else []


def open_offer(membership: Membership) -> Offered | None:
    """Return the renewal offer of a membership that is not covered yet."""
    return _renewals[0].offer(membership) if _renewals else None


def offer_again(membership: Membership, term: Term, *, by: Person | str) -> None:
    """Reverse the open renewal offer of a membership, and make it anew after a term, at the tier that follows it."""
    if open_offer(membership) is not None:
        _renewals[0].again(membership, term, by=by)


def running(membership: Membership, day: date) -> tuple[Term, list[Term]]:
    """Return the term that covers a day and those that follow it already paid; `Refused` where none can be changed."""
    facts = facts_of([membership])[membership.id]
    fact = in_force(facts, day)
    if fact is None:
        raise Refused(_l("No membership year runs on that day, so there is nothing to change."))
    if fact.id in ended(facts):
        raise Refused(_l("This membership ends on a day that is fixed already: take that back first."))
    term = db.session.get_one(Term, fact.id)
    if term.end is None:
        raise Refused(_l("This membership has no end and no price: write to us to change it."))
    later = select(Term).where(Term.membership_id == membership.id, Term.start > day)
    found = [one for one in db.session.scalars(later.order_by(Term.start)) if _stands(one, facts)]
    for one in (term, *found):
        _refuse_unpaid(one)
    return term, found


def ended(facts: Facts) -> set[int]:
    """Return the terms for which somebody has said an end that stands."""
    undone = {one.undoes_id for one in facts.reversals if one.undoes_kind == "ending"}
    return {one.term_id for one in facts.endings if one.id not in undone}


def _stands(term: Term, facts: Facts) -> bool:
    there = in_force(facts, term.start)
    return there is not None and there.id == term.id


def _refuse_unpaid(term: Term) -> None:
    invoice = term.invoice
    if invoice is not None and term.cover == "invoice" and invoice.state is not InvoiceState.PAID:
        raise Refused(
            _l("Invoice %(number)s over the dues is still open: it is paid first.", number=invoice.number)
        )


def period_of(term: Term) -> tuple[date, date]:
    """Return the whole contract period of a term; its own days where a list stated them."""
    if term.end is None:
        raise ValueError("a term without an end has no period")
    first, last = periods.period(term.anchor, MONTHS, term.k)
    return (first, last) if last == term.end and first <= term.start else (term.start, term.end)


def line_of(term: Term) -> OrderLine | None:
    """Return the order line that a term's dues stand on; None if they were never invoiced here."""
    rows = select(TierLine).order_by(TierLine.id.desc())
    restored = db.session.scalars(
        rows.where(TierLine.old_term_id == term.id, TierLine.restored_id.is_not(None))
    ).first()
    if restored is not None:
        return restored.restored
    made = made_by(term)
    if made is not None:
        return made.new_line
    if term.invoice is None:
        return None
    lines = [one for one in term.invoice.lines if one.net.minor >= 0]
    product = catalogue.entries("tier").get(term.tier, {}).get("product")
    fitting = [one for one in lines if one.order_line.product == product]
    return (fitting or lines)[0].order_line if lines else None


def made_by(term: Term) -> TierLine | None:
    """Return the line of the change that opened a term."""
    return db.session.scalars(select(TierLine).where(TierLine.new_term_id == term.id)).first()


def waived_of(term: Term) -> int:
    """Return the fen of a term that a waiver covers, or money that never went through these books."""
    made = made_by(term)
    if made is not None:
        return made.discount.minor
    if term.cover == WAIVER:
        first, last = period_of(term)
        return quotes.part_of(term.period_price.minor, first, last, term.start) - term.charged.minor
    line = line_of(term)
    return term.charged.minor if line is None else 0


def as_running(term: Term) -> quotes.Running:
    """Return a term as the formulas see it; what was charged outside these books counts as covered, not as credit."""
    first, last = period_of(term)
    charged = term.charged.minor if line_of(term) is not None else 0
    return quotes.Running(
        start=term.start, end=last, first=first, last=last, charged=charged, waived=waived_of(term)
    )


def held(line: OrderLine | None, day: date) -> int:
    """Return the fen, with tax, that documents still hold of an order line on the morning of a day."""
    if line is None:
        return 0
    there = recognition.charges(line)
    if there and recognition.taken_back(there[-1]) != (0, 0):
        return -left_of(line, day).gross
    return sum(recognition.standing(line))


def lock(membership: Membership, terms: Iterable[Term]) -> None:
    """Lock the invoices that a change of terms may touch before anything else: whoever settles holds his first."""
    offer = open_offer(membership)
    numbers = {term.invoice_id for term in terms} | {
        offer.invoice.id if offer is not None and offer.invoice is not None else None
    }
    for number in sorted(one for one in numbers if one is not None):
        issuing.locked(number)


def chosen_next(term: Term) -> TierQuote | None:
    """Return the confirmed change that takes effect with the term after this one."""
    return db.session.scalars(
        select(TierQuote)
        .where(
            TierQuote.membership_id == term.membership_id,
            TierQuote.state == TierQuoteState.CONFIRMED,
            TierQuote.takes_effect == When.NEXT,
            TierQuote.effective_on == term.end,
        )
        .order_by(TierQuote.id.desc())
    ).first()


def tier_after(term: Term) -> str:
    """Return the tier of the term after this one: what a confirmed change says, else the same."""
    found = chosen_next(term)
    return found.new_tier if found is not None else term.tier


def kind_after(term: Term) -> TermKind:
    """Return what the term after this one is called: a renewal, or the change that was chosen for it."""
    found = chosen_next(term)
    return found.kind if found is not None else TermKind.RENEWAL
