"""What renewing hears of money: an offer that is covered, a payment that went away, an invoice taken back."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing.events import InvoiceReopened, InvoiceReversed, InvoiceSettled
from portal.billing.models import Invoice
from portal.core.db import db
from portal.members import renewing, terms
from portal.members.belonging import Membership, Term
from portal.members.renewal_models import RenewalOffer

PREFIX = f"{RenewalOffer.__tablename__}:"


def on_settled(event: InvoiceSettled) -> None:
    """Let a covered offer become a term; a term that was open and unpaid is covered from now on."""
    subject = event.invoice.billed_subject
    if subject.startswith(PREFIX):
        renewing.settled(int(subject.removeprefix(PREFIX)), event.invoice)
    _look_again(event.invoice)


def on_reopened(event: InvoiceReopened) -> None:
    """Bring the standing up to date when money that had covered a term went away again."""
    _look_again(event.invoice)


def _look_again(invoice: Invoice) -> None:
    """Write the standing of whoever has a term on an invoice anew."""
    rows = db.session.scalars(
        select(Membership)
        .join(Term, Term.membership_id == Membership.id)
        .where(Term.invoice_id == invoice.id)
    ).all()
    if rows:
        terms.refresh(rows)


def on_reversed(event: InvoiceReversed) -> None:
    """Forget the invoice of an open offer that finance took back: staff issue another one when it is time."""
    rows = select(RenewalOffer).where(
        RenewalOffer.invoice_id == event.invoice.id, RenewalOffer.state == renewing.O.OPEN
    )
    for row in db.session.scalars(rows):
        row.invoice = None
    db.session.flush()
