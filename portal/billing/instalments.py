"""Instalments: a line invoiced in parts, each with figures of its own; those of one party that fall due together share an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import earning, issuing
from portal.billing.catalogue import Tax, tax_of
from portal.billing.models import Instalment, Invoice, InvoiceLine, Order, OrderLine
from portal.billing.price_models import PriceVersion, Product
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money, spread


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
    share_discount(line, rows)
    sum_up(line, rows)
    return rows


def share_discount(line: OrderLine, rows: Sequence[Instalment]) -> None:
    """Let each part say what of the line's discount is in it, in proportion to its sum."""
    weights = [row.gross.minor for row in rows]
    parts = spread(line.discount.minor, weights if any(weights) else [1] * len(rows))
    for row, part in zip(rows, parts, strict=True):
        row.discount = Money(part)


def sum_up(line: OrderLine, rows: Sequence[Instalment]) -> None:
    """Let a line say what its parts make: the sum of their nets."""
    line.net = sum((row.net for row in rows), Money(0))
    line.tax = sum((row.tax for row in rows), Money(0))
    line.gross = line.net + line.tax
    line.list_amount = line.gross + line.discount
    db.session.flush()


def _inclusive(line: OrderLine) -> bool:
    """Whether the line was sold at a price with tax in it, as it is unless its price says otherwise."""
    found = db.session.scalar(
        select(PriceVersion.inclusive)
        .join(Product)
        .where(Product.code == line.product, PriceVersion.version == line.price_version)
    )
    return found is not False


def _taxed(row: Instalment) -> Tax:
    """Tax a part by the row of today, its day of issue; if the rate moved since it was agreed, the line follows."""
    line = row.order_line
    tax = tax_of(line.tax_category, clock.today())
    of = tax.of(row.gross.minor) if _inclusive(line) else tax.on(row.net.minor)
    if (of.net, of.tax) != (row.net.minor, row.tax.minor):
        row.gross, row.net, row.tax = Money(of.gross), Money(of.net), Money(of.tax)
        all_of = select(Instalment).where(Instalment.order_line_id == line.id)
        sum_up(line, list(db.session.scalars(all_of)))
        earning.revalue(line, fact=f"part:{row.id}")
    return tax


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
            line, tax = row.order_line, _taxed(row)
            row.invoice_line = InvoiceLine(
                invoice=invoice, order_line=line, n=n, words=line.words,
                discount_words=line.discount_words if row.discount else {}, quantity=line.quantity,
                list_amount=row.gross + row.discount, discount=row.discount, gross=row.gross, net=row.net,
                tax=row.tax, tax_bp=tax.bp, tax_words=tax.words,
            )  # fmt: skip
        db.session.flush()
        issuing.total_up(invoice)
        return invoice

    return issuing.issue_invoice(order, language=language, by=by, ladder=ladder, draft=draft)
