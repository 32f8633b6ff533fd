"""Voiding an issued invoice: proposed by one with a reason, confirmed by another, never with money on it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.crediting import reverse_invoice
from portal.billing.issuing import allocated, locked
from portal.billing.models import Invoice, InvoiceState
from portal.billing.void_models import Voiding, VoidingState
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move


def proposed(invoice: Invoice) -> Voiding | None:
    """Return the proposal that waits for a second person."""
    return db.session.scalars(
        select(Voiding).where(Voiding.invoice_id == invoice.id, Voiding.state == VoidingState.PROPOSED)
    ).first()


def why_not(invoice: Invoice) -> object | None:
    """Return in words why an invoice cannot be voided; None if it can."""
    if invoice.state is not InvoiceState.OPEN:
        return _l("Only an invoice that is still to be paid can be voided.")
    if allocated(invoice):
        return _l("Money is booked on this invoice. Release or refund it first.")
    return None


def propose_void(invoice: Invoice, *, by: Person, reason: str) -> Voiding:
    """Propose to void an unpaid invoice; a second person confirms it."""
    row = locked(invoice.id)
    if why := why_not(row):
        raise Refused(str(why))
    if proposed(row) is not None:
        raise Refused(_l("Somebody has proposed this already."))
    voiding = Voiding(invoice=row, reason=reason, by=by)
    db.session.add(voiding)
    db.session.flush()
    audit.record("invoice.void_proposed", row, by=by, org_id=row.party.org_id, reason=reason)
    return voiding


def _second(invoice: Invoice, by: Person) -> Voiding:
    row = proposed(locked(invoice.id))
    if row is None:
        raise Missing(_l("Nobody proposes to void this invoice."))
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person of finance confirms it."))
    return row


def confirm_void(invoice: Invoice, *, by: Person) -> None:
    """Stand for another's proposal: the invoice is void, with the mirror of its entry."""
    row = _second(invoice, by)
    move(row, VoidingState.CONFIRMED)
    row.second = by
    reverse_invoice(row.invoice, by=by, reason=row.reason)


def decline_void(invoice: Invoice, *, by: Person) -> None:
    """Leave the invoice as it is."""
    row = _second(invoice, by)
    move(row, VoidingState.DECLINED)
    row.second = by
    audit.record("invoice.void_declined", row.invoice, by=by, org_id=row.invoice.party.org_id)
