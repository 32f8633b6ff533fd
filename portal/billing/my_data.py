"""What billing keeps of a person, as he takes it along: the payer's profile, invoices and payments."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import gateway
from portal.billing.checkout_models import CheckoutAttempt
from portal.billing.erasing import party_of_person
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Allocation, Receipt
from portal.core import catalogue, labels
from portal.core.db import db
from portal.core.personal import Sheet


def sheets(person: Person) -> list[Sheet]:
    """Return what this domain keeps of a person who pays himself."""
    party = party_of_person(person)
    return [] if party is None else [_payer(party), _invoices(party), _payments(party), _passed_on(party)]


def _payer(party: Party) -> Sheet:
    columns = (
        ("title", _l("Title")), ("tax_number", _l("Tax number")), ("address", _l("Address")),
        ("telephone", _l("Telephone")), ("bank", _l("Bank")), ("bank_account", _l("Account number")),
    )  # fmt: skip
    return Sheet(
        "payer", _l("Billing profile"), columns, [{key: getattr(party, key) for key, _label in columns}]
    )


def _invoices(party: Party) -> Sheet:
    rows = db.session.scalars(
        select(Invoice).where(Invoice.party_id == party.id, Invoice.number.is_not(None)).order_by(Invoice.id)
    )
    return Sheet(
        "invoices",
        _l("Invoices"),
        (("number", _l("Number")), ("issued", _l("Issued")), ("gross", _l("Amount")), ("state", _l("State"))),
        [
            {
                "number": row.number,
                "issued": row.issued_on,
                "gross": row.gross,
                "state": labels.label(row.state),
            }
            for row in rows
        ],
    )


def _payments(party: Party) -> Sheet:
    rows = db.session.execute(
        select(Receipt.received_on, Receipt.way, Allocation.amount, Invoice.number)
        .join(Allocation, Allocation.receipt_id == Receipt.id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(Invoice.party_id == party.id)
        .order_by(Allocation.id)
    )
    return Sheet(
        "payments",
        _l("Payments"),
        (("day", _l("Day")), ("way", _l("Way")), ("amount", _l("Amount")), ("invoice", _l("Invoice"))),
        [
            {"day": day, "way": labels.label(way), "amount": amount, "invoice": number}
            for day, way, amount, number in rows
        ],
    )


def _passed_on(party: Party) -> Sheet:
    """Return what went to the payment provider: only where the person chose to pay online."""
    rows = db.session.execute(
        select(CheckoutAttempt.created_at, Invoice.number, CheckoutAttempt.amount)
        .join(Invoice, Invoice.id == CheckoutAttempt.invoice_id)
        .where(Invoice.party_id == party.id, CheckoutAttempt.gateway == gateway.STRIPE)
        .order_by(CheckoutAttempt.id)
    )
    body = catalogue.entries("processor").get(gateway.STRIPE)
    to = ", ".join(catalogue.in_words(body[key]) for key in ("name", "country")) if body else gateway.STRIPE
    return Sheet(
        "passed_on",
        _l("Passed to those who work on data for us"),
        (("to", _l("To whom")), ("at", _l("When")), ("invoice", _l("Invoice")), ("amount", _l("Amount"))),
        [{"to": to, "at": at, "invoice": number, "amount": amount} for at, number, amount in rows],
    )
