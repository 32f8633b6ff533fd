"""Operations about invoices."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from flask_babel import lazy_gettext as _l

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import Scope
from portal.billing.access import visible_invoice, visible_invoices
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState
from portal.core import cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    Amount,
    Answer,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    told,
)

invoices_api = operations("api_invoices", __name__, str(_l("Invoices")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class InvoiceQuery(Paged):
    """Which invoices."""

    state: Literal["", "open", "paid", "void", "uncollectible"] = ""


class InvoiceLineAnswer(Answer):
    """One line as printed."""

    words: Words
    quantity: int
    gross: Amount
    net: Amount
    tax: Amount


class InvoiceAnswer(Answer):
    """An issued invoice."""

    id: Uid
    number: str
    reference: str
    state: InvoiceState
    buyer: str
    issued_on: date
    due_on: date | None
    gross: Amount
    net: Amount
    tax: Amount


class InvoiceDetail(InvoiceAnswer):
    """An issued invoice with its lines and what is still owed."""

    owed: Amount
    lines: list[InvoiceLineAnswer]


class Invoices(Answer):
    """A part of the list, the newest first."""

    items: list[InvoiceAnswer]
    next: str | None


def _facts(row: Invoice) -> dict[str, Any]:
    return {
        "id": row.uid,
        "number": row.number,
        "reference": row.reference or "",
        "state": row.state,
        "buyer": row.buyer_name,
        "issued_on": row.issued_on,
        "due_on": row.due_on,
        "gross": Amount.of(row.gross),
        "net": Amount.of(row.net),
        "tax": Amount.of(row.tax),
    }


@invoices_api.get(
    "/invoices", operation_id="list_invoices", summary=str(_l("Invoices the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=Invoices), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def list_invoices(query: InvoiceQuery) -> Any:
    """Those of the token's organisations and person; all of them for staff who read money."""
    statement = visible_invoices(me())
    if query.state:
        statement = statement.where(Invoice.state == InvoiceState(query.state))
    rows, onward = cursors.page(
        statement, [(Invoice.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Invoices(items=[InvoiceAnswer(**_facts(row)) for row in rows], next=onward))


@invoices_api.get(
    "/invoices/<uid>", operation_id="get_invoice", summary=str(_l("One invoice with its lines")),
    responses=responses(*TOKEN_PROBLEMS, ok=InvoiceDetail), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def get_invoice(path: OneRow) -> Any:
    """Amounts are whole fen; tax is part of gross."""
    row = visible_invoice(path.uid)
    lines = [
        InvoiceLineAnswer(
            words=Words(**line.words),
            quantity=line.quantity,
            gross=Amount.of(line.gross),
            net=Amount.of(line.net),
            tax=Amount.of(line.tax),
        )
        for line in row.lines
    ]
    return told(InvoiceDetail(**_facts(row), owed=Amount.of(owed(row)), lines=lines))
