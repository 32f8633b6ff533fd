"""Operations about fapiao, for the payer's programs and those of staff who read money."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.billing import fapiao as verbs
from portal.billing import fapiao_access as access
from portal.billing.access import may_pay, visible_invoices
from portal.billing.api import TOKEN
from portal.billing.fapiao_models import Fapiao, FapiaoKind, FapiaoState
from portal.billing.models import Invoice
from portal.core import cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WHOLE,
    WRITE_PROBLEMS,
    Amount,
    Answer,
    Body,
    OneRow,
    Paged,
    Uid,
    operations,
    responses,
    told,
)
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.idempotency import WriteHeaders, once
from portal.core.money import Money

fapiao_api = operations("api_fapiao", __name__, str(_l("Fapiao")))


class FapiaoQuery(Paged):
    """Which fapiaos."""

    state: Literal["", "requested", "issued", "red_requested", "red_issued", "rejected", "withdrawn"] = ""


class FapiaoPartAnswer(Answer):
    """What of it stands for one invoice."""

    invoice: Uid
    number: str
    amount: Amount


class FapiaoAnswer(Answer):
    """A fapiao, asked for or issued."""

    id: Uid
    state: FapiaoState
    kind: FapiaoKind
    title: str
    tax_number: str
    amount: Amount
    parts: list[FapiaoPartAnswer]
    reason: str
    number: str | None
    issued_on: date | None
    red_number: str | None
    red_on: date | None


class Fapiaos(Answer):
    """A part of the list, the newest first."""

    items: list[FapiaoAnswer]
    next: str | None


class PartBody(Body):
    """A sum of one invoice, in whole fen."""

    invoice: Annotated[str, Field(min_length=1, max_length=40)]
    amount: Annotated[int, Field(ge=1, lt=10**15), WHOLE]


class NewFapiao(Body):
    """A request over parts of one payer's invoices; the payer's invoice details are used as they are."""

    kind: Literal["normal", "special"]
    parts: Annotated[list[PartBody], Field(min_length=1, max_length=100)]
    note: Annotated[str, Field(max_length=300)] = ""


def _facts(row: Fapiao) -> FapiaoAnswer:
    return FapiaoAnswer(
        id=row.uid, state=row.state, kind=row.kind, title=row.title, tax_number=row.tax_number,
        amount=Amount.of(row.amount), reason=row.reason, number=row.number, issued_on=row.issued_on,
        red_number=row.red_number, red_on=row.red_on,
        parts=[
            FapiaoPartAnswer(
                invoice=part.invoice.uid, number=str(part.invoice.number), amount=Amount.of(part.amount)
            )
            for part in row.parts
        ],
    )  # fmt: skip


@fapiao_api.get(
    "/fapiao", operation_id="list_fapiao", summary=str(_l("Fapiao the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=Fapiaos), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def list_fapiao(query: FapiaoQuery) -> Any:
    """Those of the token's organisations and person; all of them for staff who read money."""
    statement = access.visible_fapiaos(me())
    if query.state:
        statement = statement.where(Fapiao.state == FapiaoState(query.state))
    rows, onward = cursors.page(
        statement, [(Fapiao.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Fapiaos(items=[_facts(row) for row in rows], next=onward))


@fapiao_api.get(
    "/fapiao/<uid>", operation_id="get_fapiao", summary=str(_l("One fapiao")),
    responses=responses(*TOKEN_PROBLEMS, ok=FapiaoAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def get_fapiao(path: OneRow) -> Any:
    """`number` is the fapiao's own, given by the tax system; it is none of the invoice's."""
    return told(_facts(access.visible_fapiao(path.uid)))


def _invoice(uid: str) -> Invoice:
    row = db.session.scalars(visible_invoices(me()).where(Invoice.uid == uid)).first()
    if row is None or not may_pay(me(), row):
        raise Missing(_("There is no such invoice, or it is not yours."))
    return row


@fapiao_api.post(
    "/fapiao", operation_id="request_fapiao", summary=str(_l("Ask for a fapiao")),
    responses=responses(*WRITE_PROBLEMS, created=FapiaoAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.FAPIAO_WRITE)
@once
def request_fapiao(body: NewFapiao, header: WriteHeaders) -> Any:
    """Each part is at most what was paid of its invoice and has no fapiao yet."""
    parts: dict[int, Money] = {}
    party = None
    for part in body.parts:
        invoice = _invoice(part.invoice)
        party = party or invoice.party
        parts[invoice.id] = parts.get(invoice.id, Money(0)) + Money(part.amount)
    if party is None:
        raise Missing(_("There is no such invoice, or it is not yours."))
    row = verbs.request_fapiao(party, parts, kind=FapiaoKind(body.kind), by=me().person, note=body.note)
    return told(_facts(row), 201, Location=url_for("api_fapiao.get_fapiao", uid=row.uid))


@fapiao_api.post(
    "/fapiao/<uid>/withdrawal", operation_id="withdraw_fapiao", summary=str(_l("Take a request back")),
    responses=responses(*WRITE_PROBLEMS, ok=FapiaoAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.FAPIAO_WRITE)
@once
def withdraw_fapiao(path: OneRow, header: WriteHeaders) -> Any:
    """Only while it waits."""
    row = access.visible_fapiao(path.uid)
    if not access.pays_for(me(), row.party):
        raise Missing(_("There is no such fapiao, or it is not yours."))
    verbs.withdraw(row, by=me().person)
    return told(_facts(db.session.scalars(select(Fapiao).where(Fapiao.id == row.id)).one()))
