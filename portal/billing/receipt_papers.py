"""Which paper an invoice yields, by its prices: a fapiao, or a receipt for dues or a donation, made here when money is there."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import func, select

from portal.billing import gateway, settling
from portal.billing.models import Invoice, OrderLine
from portal.billing.note_models import CreditNote, CreditNoteLine, NoteState
from portal.billing.papers import CSS, figure
from portal.billing.price_models import Document, PriceVersion, Product
from portal.core import catalogue, pdf
from portal.core.db import db
from portal.core.money import Money

TITLES = {
    Document.DUES_RECEIPT: {"zh": "会费收据", "en": "Receipt for dues"},
    Document.DONATION_RECEIPT: {"zh": "捐赠收据", "en": "Receipt for a donation"},
}


def documents_of(invoice: Invoice) -> dict[int, Document]:
    """Return the paper of each line of an invoice by the price it was sold at; a fapiao where no price says otherwise."""
    statement = (
        select(OrderLine.id, PriceVersion.document)
        .join(Product, Product.code == OrderLine.product)
        .join(
            PriceVersion,
            (PriceVersion.product_id == Product.id) & (PriceVersion.version == OrderLine.price_version),
        )
        .where(OrderLine.id.in_([line.order_line_id for line in invoice.lines]))
    )
    said = {row[0]: row[1] for row in db.session.execute(statement)}
    return {line.id: said.get(line.order_line_id, Document.FAPIAO) for line in invoice.lines}


def _fapiao_lines(invoice: Invoice) -> list[int]:
    allowed = set(catalogue.policy("fapiao.documents"))
    return [number for number, paper in documents_of(invoice).items() if paper.value in allowed]


def receipt_of(invoice: Invoice) -> Document | None:
    """Return which receipt the payer gets instead of a fapiao; None where a fapiao covers all of the invoice."""
    covered = set(_fapiao_lines(invoice))
    return next((paper for number, paper in documents_of(invoice).items() if number not in covered), None)


def fapiao_cap(invoice: Invoice) -> Money | None:
    """Return the most that fapiaos may be over by the lines that yield one, less notes on them; None if all do."""
    covered = _fapiao_lines(invoice)
    if len(covered) == len(invoice.lines):
        return None
    noted = db.session.scalar(
        select(func.coalesce(func.sum(CreditNoteLine.gross), 0))
        .join(CreditNote)
        .where(CreditNoteLine.invoice_line_id.in_(covered), CreditNote.state == NoteState.ISSUED)
    )
    gone = noted if isinstance(noted, Money) else Money(int(noted or 0))
    gross = sum((line.gross for line in invoice.lines if line.id in covered), Money(0))
    return max(gross - gone, Money(0))


def words_of(invoice: Invoice, kind: Document) -> dict[str, Any]:
    """Return what the receipt says, as plain values: stored figures and the money that stands on the invoice."""
    held = [(row.receipt, amount) for row, amount in settling.held(invoice)]
    rows = [
        {"day": str(receipt.received_on), "payer": receipt.payer, "sum": figure(amount)}
        for receipt, amount in sorted(held, key=lambda pair: (pair[0].received_on, pair[0].id))
    ]
    return {
        "title": TITLES[kind],
        "invoice": {"number": invoice.number, "issued_on": str(invoice.issued_on)},
        "seller": invoice.seller,
        "buyer": invoice.buyer,
        "lines": [{"words": line.words, "gross": figure(line.gross)} for line in invoice.lines],
        "rows": rows,
        "total": figure(sum((amount for _receipt, amount in held), Money(0))),
        "test": gateway.which() == gateway.TEST,
    }


def paper(invoice: Invoice, kind: Document) -> bytes:
    """Return the receipt as PDF; the same money gives the same bytes."""
    html = current_app.jinja_env.get_template("papers/receipt.html").render(words_of(invoice, kind))
    return pdf.render(html, css=CSS)
