"""Instalments: a line invoiced in parts, each with figures of its own; those of one party that fall due together share an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.catalogue import Tax
from portal.billing.models import Instalment, Invoice, InvoiceLine, Order, OrderLine
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money


def divide(line: OrderLine, parts: Sequence[tuple[Money, date | None]]) -> list[Instalment]:
    """Divide a line that is not invoiced yet into instalments (gross, due day or none); its figures become their sums."""
    there = select(InvoiceLine.id).where(InvoiceLine.order_line_id == line.id)
    if db.session.scalar(there) is not None or sum(gross.minor for gross, _due in parts) != line.gross.minor:
        raise Refused(_l("The parts must make the whole, before anything is invoiced."), status=422)
    tax, rows = Tax(line.tax_category, line.tax_bp, {}), []
    for n, (gross, due) in enumerate(parts, 1):
        of = tax.of(gross.minor)
        rows.append(
            Instalment(order_line=line, n=n, gross=gross, net=Money(of.net), tax=Money(of.tax), due_on=due)
        )
    db.session.add_all(rows)
    line.net = sum((row.net for row in rows), Money(0))
    line.tax = sum((row.tax for row in rows), Money(0))
    db.session.flush()
    return rows


def falling_due(day: date) -> dict[int, list[Instalment]]:
    """Return the instalments not invoiced that are due by a day, by party."""
    rows = db.session.execute(
        select(Instalment, Order.party_id)
        .join(OrderLine, OrderLine.id == Instalment.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Instalment.invoice_line_id.is_(None), Instalment.due_on <= day)
        .order_by(Instalment.id)
    )
    found: dict[int, list[Instalment]] = {}
    for row, party_id in rows:
        found.setdefault(party_id, []).append(row)
    return found


def issue_instalments(
    rows: Sequence[Instalment], *, language: str, by: Person | str, ladder: str = "none"
) -> Invoice:
    """Issue one invoice over instalments of one party; `Refused` if one of them is invoiced already."""
    order = rows[0].order_line.order
    if any(row.invoice_line is not None or row.order_line.order.party_id != order.party_id for row in rows):
        raise Refused(_l("This part is invoiced already."))

    def draft() -> Invoice:
        names = "+".join(str(row.id) for row in rows)
        invoice = Invoice(
            party=order.party,
            order=order,
            billed_subject=f"instalment:{names}"[:80],
            language=language,
            ladder=ladder,
        )
        db.session.add(invoice)
        for n, row in enumerate(rows, 1):
            line = row.order_line
            row.invoice_line = InvoiceLine(
                invoice=invoice, order_line=line, n=n, words=line.words, discount_words={}, quantity=line.quantity,
                list_amount=row.gross, discount=Money(0), gross=row.gross, net=row.net, tax=row.tax,
                tax_bp=line.tax_bp, tax_words=catalogue.entry("tax", line.tax_category)["words"],
            )  # fmt: skip
        db.session.flush()
        issuing.total_up(invoice)
        return invoice

    return issuing.issue_invoice(order, language=language, by=by, ladder=ladder, draft=draft)
