"""The invariants of renewals, each finding naming its row: offers, their invoices and terms, the ledger of the ladder."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from portal.billing.models import Invoice, InvoiceState
from portal.core.db import db
from portal.members.belonging import Term
from portal.members.renewal_models import (
    LateMoney,
    LateState,
    OfferState,
    RenewalOffer,
    RenewalReminder,
    StepState,
)
from portal.members.renewal_queries import NEVER

O = OfferState  # noqa: E741


def _one_open() -> list[str]:
    """A term has one open offer at most, and a membership with an open offer no term that follows it."""
    many = (
        select(RenewalOffer.term_id)
        .where(RenewalOffer.state == O.OPEN)
        .group_by(RenewalOffer.term_id)
        .having(func.count() > 1)
    )
    found = [f"renewals: term:{number} has more than one open offer" for number in db.session.scalars(many)]
    never = select(RenewalOffer.uid).join(Term, Term.id == RenewalOffer.term_id).where(Term.kind.in_(NEVER))
    return found + [
        f"renewals: {uid} renews a term that is never renewed" for uid in db.session.scalars(never)
    ]


def _renewed() -> list[str]:
    """A renewed offer has its very term, at its tier and on its days, and each invoice of a term is its own."""
    made = aliased(Term)
    rows = db.session.execute(
        select(RenewalOffer.uid, made.id)
        .outerjoin(
            made,
            (made.membership_id == RenewalOffer.membership_id)
            & (made.invoice_id == RenewalOffer.invoice_id)
            & (made.start == RenewalOffer.start)
            & (made.end == RenewalOffer.end)
            & (made.tier == RenewalOffer.tier),
        )
        .where(RenewalOffer.state == O.RENEWED)
    )
    return [
        f"renewals: {uid} is renewed, but its term is not on record" for uid, term in rows if term is None
    ]


def _closed() -> list[str]:
    """The invoice of an offer that lapsed or was taken back asks for nothing; a paid one of an open offer has become a term."""
    alive = (
        select(RenewalOffer.uid, RenewalOffer.state)
        .join(Invoice, Invoice.id == RenewalOffer.invoice_id)
        .where(
            RenewalOffer.state.in_((O.LAPSED, O.WITHDRAWN)),
            Invoice.state.in_((InvoiceState.OPEN, InvoiceState.PAID)),
            ~Invoice.reversed,
        )
    )
    found = [
        f"renewals: {uid} is {state}, but its invoice stands" for uid, state in db.session.execute(alive)
    ]
    paid = (
        select(RenewalOffer.uid)
        .join(Invoice, Invoice.id == RenewalOffer.invoice_id)
        .where(RenewalOffer.state == O.OPEN, Invoice.state == InvoiceState.PAID, ~Invoice.reversed)
    )
    return found + [f"renewals: {uid} is paid and still open" for uid in db.session.scalars(paid)]


def _ledger() -> list[str]:
    """No step was sent before its day, nor after the term that follows was on record."""
    early = select(RenewalReminder.id).where(RenewalReminder.on < RenewalReminder.due_on)
    found = [
        f"renewals: renewal_reminder:{number} came before its day" for number in db.session.scalars(early)
    ]
    later = aliased(Term)
    after = (
        select(RenewalReminder.id)
        .join(Term, Term.id == RenewalReminder.term_id)
        .join(
            later,
            (later.membership_id == Term.membership_id)
            & (later.start >= Term.end)
            & (later.recorded_at < RenewalReminder.at),
        )
        .where(RenewalReminder.state == StepState.SENT)
        .distinct()
    )
    return found + [
        f"renewals: renewal_reminder:{number} was sent though the term is followed by another one"
        for number in db.session.scalars(after)
    ]


def _late() -> list[str]:
    """Late money that was put to use has an offer that became a term."""
    rows = db.session.execute(
        select(LateMoney.uid, LateMoney.membership_id, LateMoney.offer_id).where(
            LateMoney.state.in_((LateState.CONTINUOUS, LateState.FRESH))
        )
    ).all()
    used = select(RenewalOffer.membership_id, RenewalOffer.id).where(RenewalOffer.state == O.RENEWED)
    renewed = {(membership, number) for membership, number in db.session.execute(used)}
    return [
        f"renewals: late money {uid} was used, but nothing was renewed with it"
        for uid, membership, offer in rows
        if not any(one == membership and number > (offer or 0) for one, number in renewed)
    ]


CHECKS: tuple[Callable[[], list[str]], ...] = (_one_open, _renewed, _closed, _ledger, _late)


def check() -> list[str]:
    """Return a sentence for each break."""
    return [sentence for one in CHECKS for sentence in one()]
