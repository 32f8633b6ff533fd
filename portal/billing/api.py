"""Operations about invoices."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.billing.access import visible_invoice, visible_invoices
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.note_models import CreditNote, NoteKind, NoteState
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
from portal.core.db import db
from portal.core.errors import Missing

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


class NoteQuery(Paged):
    """Which credit notes: those of one invoice, or all."""

    invoice: str = Field(default="", pattern="^[0-9a-f]{0,32}$")


class NoteAnswer(Answer):
    """An issued credit note."""

    id: Uid
    number: str
    kind: NoteKind
    invoice: Uid
    invoice_number: str
    issued_on: date
    gross: Amount
    net: Amount
    tax: Amount


class Notes(Answer):
    """A part of the list, the newest first."""

    items: list[NoteAnswer]
    next: str | None


def _note_facts(row: CreditNote) -> NoteAnswer:
    return NoteAnswer(
        id=row.uid, number=str(row.number), kind=row.kind, invoice=row.invoice.uid,
        invoice_number=str(row.invoice.number), issued_on=row.issued_on or row.created_at.date(),
        gross=Amount.of(row.gross), net=Amount.of(row.net), tax=Amount.of(row.tax),
    )  # fmt: skip


@invoices_api.get(
    "/credit-notes", operation_id="list_credit_notes", summary=str(_l("Credit notes the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=Notes), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def list_credit_notes(query: NoteQuery) -> Any:
    """Issued ones on the invoices the token may see."""
    mine = visible_invoices(me()).with_only_columns(Invoice.id)
    statement = select(CreditNote).where(
        CreditNote.state == NoteState.ISSUED, CreditNote.invoice_id.in_(mine)
    )
    if query.invoice:
        statement = statement.join(Invoice, Invoice.id == CreditNote.invoice_id).where(
            Invoice.uid == query.invoice
        )
    rows, onward = cursors.page(
        statement, [(CreditNote.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Notes(items=[_note_facts(row) for row in rows], next=onward))


@invoices_api.get(
    "/credit-notes/<uid>", operation_id="get_credit_note", summary=str(_l("One credit note")),
    responses=responses(*TOKEN_PROBLEMS, ok=NoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def get_credit_note(path: OneRow) -> Any:
    """A note on another's invoice looks missing."""
    mine = visible_invoices(me()).with_only_columns(Invoice.id)
    row = db.session.scalars(
        select(CreditNote).where(
            CreditNote.uid == path.uid, CreditNote.state == NoteState.ISSUED, CreditNote.invoice_id.in_(mine)
        )
    ).first()
    if row is None:
        raise Missing(_l("There is no such credit note."))
    return told(_note_facts(row))
