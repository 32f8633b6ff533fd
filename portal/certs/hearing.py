"""What money tells of exams: invoices settled open them, invoices taken back close them, each known by its subject."""

from __future__ import annotations

from collections.abc import Callable

from portal.billing.events import InvoiceReopened, InvoiceReversed, InvoiceSettled
from portal.certs import booking, bundles, buying, used_unpaid
from portal.certs.models.booking import Booking
from portal.certs.models.eligibility import Bundle, Eligibility
from portal.core.db import db


def _fee_settled(booking_id: int) -> None:
    row = db.session.get(Booking, booking_id)
    if row is not None:
        booking.fee_settled(row, by="exam paid")


SETTLED: dict[str, Callable[[int], None]] = {
    Eligibility.__tablename__: buying.open_paid,
    Bundle.__tablename__: bundles.open_paid,
    Booking.__tablename__: _fee_settled,
}
REVERSED: dict[str, Callable[[int], None]] = {
    Eligibility.__tablename__: buying.taken_back,
    Bundle.__tablename__: bundles.taken_back,
}


def _tell(table: dict[str, Callable[[int], None]], subject: str) -> None:
    kind, _colon, number = subject.partition(":")
    verb = table.get(kind)
    if verb is not None and number.isascii() and number.isdigit():
        verb(int(number))


def on_settled(event: InvoiceSettled) -> None:
    """Open what was paid for."""
    _tell(SETTLED, event.invoice.billed_subject)


def on_reversed(event: InvoiceReversed) -> None:
    """Close what was paid for, since it is taken back; where it was used already, people are told to look."""
    _tell(REVERSED, event.invoice.billed_subject)
    used_unpaid.tell(event.invoice, used_unpaid.REVERSED)


def on_reopened(event: InvoiceReopened) -> None:
    """Tell people that the money of an exam which was used already went away again."""
    used_unpaid.tell(event.invoice, used_unpaid.REOPENED)
