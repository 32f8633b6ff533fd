"""The invoice as PDF: made from stored figures after the issue, kept under its SHA-256, then announced by mail."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import gateway, purchase_orders
from portal.billing.issuing import owed
from portal.billing.letters import announce
from portal.billing.models import Invoice, InvoiceLine
from portal.core import files, outbox, pdf, web
from portal.core.db import db, let_go
from portal.core.money import Money

CSS = """
.parties td { width: 34%; padding-right: 6mm; }
.parties p { margin: 0; }
.end { text-align: right; white-space: nowrap; }
.lines { font-size: 8.5pt; }
.reference { font-size: 16pt; font-weight: 700; letter-spacing: .5mm; }
.pay p { margin: 0 0 2mm; }
.item { width: 32%; }
.scan { width: 52mm; text-align: center; }
.scan svg { width: 32mm; height: 32mm; }
.scan small { overflow-wrap: anywhere; }
.stamp { color: #b93620; font-weight: 700; }
"""


def figure(value: Money) -> str:
    """Return a sum as it stands on paper: `1,200.00`."""
    return f"{value.decimal:,.2f}"


def printed(row: Invoice | InvoiceLine, more: dict[str, Money] | None = None) -> dict[str, str]:
    """Return the figures of an invoice or line as they stand on paper: in its own currency where it has another one."""
    sums = {"gross": row.gross, "net": row.net, "tax": row.tax, **(more or {})}
    if row.printed is not None:
        sums = {name: Money(int(row.printed[name]), row.printed["currency"]) for name in sums}
    return {name: figure(value) for name, value in sums.items()}


def words_of(invoice: Invoice) -> dict[str, Any]:
    """Return what the paper says, as plain values: nothing is computed when it is drawn."""
    return {
        "invoice": {
            "number": invoice.number,
            "reference": invoice.reference,
            "issued_on": str(invoice.issued_on),
            "due_on": str(invoice.due_on),
            "order_number": purchase_orders.at_issue(invoice),
        },
        "seller": invoice.seller,
        "buyer": invoice.buyer,
        "lines": [
            {
                "words": line.words,
                "discount_words": line.discount_words,
                "quantity": line.quantity,
                **printed(line, {"list": line.list_amount, "discount": line.discount}),
                "tax_words": line.tax_words,
            }
            for line in invoice.lines
        ],
        **printed(invoice),
        "currency": invoice.currency,
        "owed": bool(invoice.gross),
        "test": gateway.which() == gateway.TEST,
        "url": web.absolute("billing.invoice", uid=invoice.uid),
    }


@outbox.handles("invoice_paper", _l("Invoice as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    invoice = db.session.scalars(select(Invoice).where(Invoice.uid == item.payload["uid"])).one()
    words = words_of(invoice)
    words["qr"] = pdf.qr_svg(words["url"])
    name, org_id = f"{invoice.number}.pdf", invoice.party.org_id
    person_id = invoice.party.person_id
    let_go()
    html = current_app.jinja_env.get_template("papers/invoice.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        row = db.session.scalars(select(Invoice).where(Invoice.uid == item.payload["uid"])).one()
        if row.pdf is None:
            row.pdf = files.StoredFile(
                sha256=content.sha256,
                name=name,
                media_type=content.media_type,
                size=content.size,
                purpose="invoice",
                org_id=org_id,
                person_id=person_id,
            )
        if owed(row):
            announce(row)

    return finish
