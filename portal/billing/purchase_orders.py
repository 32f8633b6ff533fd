"""The payer's own order numbers, kept beside the frozen invoice: given before it is issued, or afterwards."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.dunning_models import PurchaseOrder
from portal.billing.events import InvoiceIssued
from portal.billing.models import Invoice, InvoiceState, Party
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Refused

_of_order: list[Callable[[Invoice], str]] = []


def ask_order(of: Callable[[Invoice], str]) -> None:
    """Let a higher domain say which order number the buyer gave with what is invoiced; `wiring.py` hands it over."""
    _of_order[:] = [of]


def standing(party: Party) -> str:
    """Return the order number a payer gave for all invoices to come; empty if none."""
    found = db.session.scalars(
        select(PurchaseOrder.number)
        .where(PurchaseOrder.party_id == party.id, PurchaseOrder.invoice_id.is_(None))
        .order_by(PurchaseOrder.id.desc())
    ).first()
    return found or ""


def of_invoice(invoice: Invoice) -> str:
    """Return the order number that stands on an invoice's page now; empty if none."""
    found = db.session.scalars(
        select(PurchaseOrder.number)
        .where(PurchaseOrder.invoice_id == invoice.id)
        .order_by(PurchaseOrder.id.desc())
    ).first()
    return found or ""


def at_issue(invoice: Invoice) -> str:
    """Return the order number known when the invoice was issued: its paper says it, however often it is made."""
    found = db.session.scalars(
        select(PurchaseOrder.number).where(PurchaseOrder.invoice_id == invoice.id, PurchaseOrder.at_issue)
    ).first()
    return found or ""


def give_standing(party: Party, number: str, *, by: Person) -> None:
    """Note the order number for all invoices issued from now on; an empty one ends that."""
    if number == standing(party):
        return
    audit.record(
        "party.order_given", party, by=by, org_id=party.org_id, order_number={"old": standing(party), "new": number}
    )  # fmt: skip
    db.session.add(PurchaseOrder(party=party, number=number, by=by))
    db.session.flush()


def give(invoice: Invoice, number: str, *, by: Person) -> None:
    """Note the order number of one invoice; the invoice itself stays as it was issued."""
    if invoice.state is InvoiceState.VOID:
        raise Refused(_l("This invoice is void. Please do not pay it."))
    if number == of_invoice(invoice):
        return
    audit.record(
        "invoice.order_given", invoice, by=by, org_id=invoice.party.org_id,
        order_number={"old": of_invoice(invoice), "new": number},
    )  # fmt: skip
    db.session.add(PurchaseOrder(party=invoice.party, invoice=invoice, number=number, by=by))
    db.session.flush()


def on_issued(event: InvoiceIssued) -> None:
    """Keep with a fresh invoice the order number its payer had given beforehand."""
    said = _of_order[0](event.invoice) if _of_order else ""
    number = said or standing(event.invoice.party)
    if number:
        db.session.add(
            PurchaseOrder(party=event.invoice.party, invoice=event.invoice, number=number, at_issue=True)
        )
