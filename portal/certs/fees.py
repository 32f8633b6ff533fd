"""Fees of bookings, where the catalogue sets any: an invoice about the booking, never a seat without one nor one without a seat."""

from __future__ import annotations

from portal.accounts.people import Person
from portal.billing import issuing, reversing
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import InvoiceState
from portal.certs.models.booking import Booking
from portal.core import catalogue
from portal.core.db import db


def charge(row: Booking, what: str, *, by: Person | str) -> None:
    """Issue the invoice of a fee: `booking` or `reschedule`; nothing where the catalogue sets none."""
    product = (catalogue.policy("booking.fees") or {}).get(what)
    if not product:
        return
    order = issuing.place_order(issuing.party_of(row.person), row.subject, [Item(price_of(product))])
    row.fee = issuing.issue_invoice(order, language=row.person.language, by=by)
    db.session.flush()


def unpaid(row: Booking) -> bool:
    """Whether a fee of a booking is still to be paid."""
    return row.fee is not None and issuing.cover(row.fee) == "due"


def drop(row: Booking, *, by: Person | str) -> None:
    """Take back the invoice of a fee nobody paid."""
    if row.fee is not None and row.fee.state is InvoiceState.OPEN and not row.fee.reversed:
        reversing.take_back(row.fee, by=by, reason="the seat was given up")


def to_credit(row: Booking, *, by: Person | str) -> None:
    """Take a fee back: what was paid becomes its payer's credit."""
    if (
        row.fee is not None
        and row.fee.state in {InvoiceState.OPEN, InvoiceState.PAID}
        and not row.fee.reversed
    ):
        reversing.take_back(row.fee, by=by, reason="no seat came of it")
