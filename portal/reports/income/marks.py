"""Whether income is restricted (限定性) or unrestricted (非限定性): the mark of what was sold, on each of its lines."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import select

from portal.billing.models import OrderLine
from portal.billing.price_models import Product
from portal.core.db import db
from portal.reports.income.books import Books
from portal.reports.income.figure import Figure, Line, Table
from portal.reports.income.tables import heads
from portal.reports.once import once

CODES = ("booked", "net_invoiced", "collected_net", "recognised")
YES, NO = "yes", "no"


def lines() -> frozenset[int]:
    """Return the contract lines of products whose income is restricted; everything else is unrestricted."""
    return once(("restricted", None), _read)


def _read() -> frozenset[int]:
    sold = select(OrderLine.id).join(Product, Product.code == OrderLine.product).where(Product.restricted)
    return frozenset(db.session.scalars(sold.order_by(OrderLine.id)))


def said(restricted: bool) -> str:
    """Return the mark in words."""
    return _("Restricted") if restricted else _("Unrestricted")


def of_stream(books: Books, found: Iterable[int]) -> Table:
    """Return what of a stream is restricted and what is not, on four bases; `found` are the restricted lines."""
    marked = frozenset(found)
    table = Table("restricted", _("Restricted and unrestricted"), _("Mark"), heads(CODES))
    columns: dict[str, dict[str, int]] = {code: {YES: 0, NO: 0} for code in CODES}
    for code, sums in columns.items():
        for (line,), amount in books.moved(code, "line").items():
            sums[YES if line in marked else NO] += amount
    for mark in (NO, YES):
        cells = [Figure.of(code, columns[code].get(mark, 0), restricted=mark) for code in CODES]
        table.lines.append(Line(said(mark == YES), cells))
    totals = [Figure.of(code, sum(columns[code].values())) for code in CODES]
    table.lines.append(Line(_("In total"), totals, total=True))
    return table
