"""Which invoices an unidentified receipt may be for: by the same sum, the payer's name, or what is typed."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, or_, select

from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt
from portal.billing.queries import owed_sql
from portal.billing.settling import credit_of
from portal.core.db import db
from portal.core.money import Money

MOST = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open invoice that a receipt could pay, what is owed on it, and why it is shown."""

    invoice: Invoice
    owed: Money
    why: str


def plain(text: str) -> str:
    """Return a name as names are compared: NFKC, without spaces, case or brackets' width."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _open(*conditions: ColumnElement[bool]) -> list[tuple[Invoice, Money]]:
    owed = owed_sql().label("owed")
    statement = select(Invoice, owed).where(Invoice.state == InvoiceState.OPEN, *conditions)
    rows = db.session.execute(statement.order_by(Invoice.due_on, Invoice.id).limit(MOST))
    return [(row[0], row[1]) for row in rows]


def _of_payer(receipt: Receipt) -> list[ColumnElement[bool]]:
    return [] if receipt.party_id is None else [Invoice.party_id == receipt.party_id]


def candidates(receipt: Receipt, q: str = "") -> list[Candidate]:
    """Return the open invoices a receipt's credit may go to: what was searched for, else suggestions."""
    mine = _of_payer(receipt)
    if q.strip():
        return [Candidate(row, left, "") for row, left in _open(*mine, _matches(q.strip()))]
    credit = credit_of(receipt)
    found = {row.id: Candidate(row, left, _("same sum")) for row, left in _open(*mine, owed_sql() == credit)}
    name = plain(receipt.payer)
    if mine:
        others = _open(*mine)
    else:
        others = [(row, left) for row, left in _open(_named(receipt.payer)) if plain(row.buyer_name) == name]
    for row, left in others:
        why = _("same payer") if row.id not in found else _("same sum and payer")
        found[row.id] = Candidate(row, left, why)
    return list(found.values())


def _named(payer: str) -> ColumnElement[bool]:
    return Invoice.buyer_name.ilike(f"%{_escaped(payer.strip()[:40])}%", escape="\\")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _matches(q: str) -> ColumnElement[bool]:
    like = f"%{_escaped(q)}%"
    tests: list[ColumnElement[bool]] = [
        column.ilike(like, escape="\\") for column in (Invoice.number, Invoice.reference, Invoice.buyer_name)
    ]
    with suppress(ValueError):  # what is no sum is still a name or a number
        tests.append(owed_sql() == Money.parse(q))
    return or_(*tests)
