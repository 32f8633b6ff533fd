"""Taking back: an invoice whatever was paid on it, and a receipt whose money its bank took away again."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import ledger, letters, settling
from portal.billing.crediting import reverse_invoice
from portal.billing.events import PaymentReversed
from portal.billing.exchange import part_of
from portal.billing.issuing import locked
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Allocation, Receipt, Refund, RefundState
from portal.billing.parts import units_left
from portal.billing.queries import allocations_of
from portal.billing.reversal_models import Reversal, ReversalKind
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move

NONE = Money(0)


def standing(rows: list[Allocation]) -> list[tuple[Allocation, Money]]:
    """Return what of allocations (given oldest first) no mirror row has undone, the newest first."""
    found: list[tuple[Allocation, Money]] = []
    for row in rows:
        if row.amount > NONE:
            found.insert(0, (row, row.amount))
        else:
            found = _less(found, row)
    return found


def _less(found: list[tuple[Allocation, Money]], mirror: Allocation) -> list[tuple[Allocation, Money]]:
    """Take a mirror row off: from the row of its very sum, else from the newest of that receipt and invoice."""
    left, pair = -mirror.amount, (mirror.receipt_id, mirror.invoice_id)
    mine = [n for n, (row, _held) in enumerate(found) if (row.receipt_id, row.invoice_id) == pair]
    for n in sorted(mine, key=lambda n: found[n][1] != left):
        row, held = found[n]
        part = min(held, left)
        found[n], left = (row, held - part), left - part
    return [(row, held) for row, held in found if held]


def held_by(invoice: Invoice) -> list[tuple[Allocation, Money]]:
    """Return the allocations of an invoice that stand, each with what is left of it, the newest first."""
    return standing(allocations_of(invoice))


def held_from(receipt: Receipt) -> list[tuple[Allocation, Money]]:
    """Return the allocations of a receipt that stand, each with what is left of it, the newest first."""
    mine = select(Allocation).where(Allocation.receipt_id == receipt.id).order_by(Allocation.id)
    return standing(list(db.session.scalars(mine)))


def take_back(invoice: Invoice, *, by: Person | str, reason: str) -> Money:
    """Release what receipts paid of an invoice and void it; return what became credit again."""
    row = locked(invoice.id)
    freed = NONE
    for allocation, held in held_by(row):
        settling.release(allocation, by=by, reason=reason, part=held)
        freed += held
    if row.state is InvoiceState.PAID:  # over nothing: a waiver had settled it
        move(row, InvoiceState.OPEN)
    reverse_invoice(row, by=by, reason=reason)
    return freed


def lock(receipt: Receipt) -> Receipt:
    """Return a receipt under its lock, after the invoices it pays: always in this order."""
    for invoice_id in sorted({row.invoice_id for row, _held in held_from(receipt)}):
        locked(invoice_id)
    return db.session.scalars(
        select(Receipt)
        .where(Receipt.id == receipt.id)
        .with_for_update(of=Receipt)
        .execution_options(populate_existing=True)
    ).one()


def reversible(receipt: Receipt) -> Money:
    """Return how much of a receipt can still be taken back: all but what went, or goes, back by refunds."""
    asked = select(Refund).where(Refund.receipt_id == receipt.id, Refund.state == RefundState.REQUESTED)
    parts = [settling.credit_of(receipt), *(row.amount for row in db.session.scalars(asked))]
    return sum((*parts, *(held for _row, held in held_from(receipt))), NONE)


def _free(row: Receipt, amount: Money, *, by: Person | str, reason: str) -> None:
    """Turn as much of a receipt into credit as is asked for: refunds not yet approved, then the newest allocations."""
    asked = select(Refund).where(Refund.receipt_id == row.id, Refund.state == RefundState.REQUESTED)
    for refund in db.session.scalars(asked.order_by(Refund.id.desc())).all():
        if settling.credit_of(row) < amount:
            move(refund, RefundState.DECLINED)
            refund.failure = reason[:300]
            audit.record("refund.declined", refund, by=by, reason=reason)
            db.session.flush()
    for allocation, held in held_from(row):
        missing = amount - settling.credit_of(row)
        if missing > NONE:
            settling.release(allocation, by=by, reason=reason, part=min(missing, held))
    if settling.credit_of(row) < amount:
        raise Refused(_l("More is taken back than is left of this receipt."), field="amount", status=422)


def _units(row: Receipt, amount: Money) -> int | None:
    """Return what of a receipt's own currency goes with a part of its credit."""
    if row.units is None:
        return None
    return part_of(units_left(row), amount.minor, settling.credit_of(row).minor)


def reverse_receipt(
    receipt: Receipt, *, amount: Money, reason: str, by: Person | str, key: str,
    kind: ReversalKind = ReversalKind.BANK_RETURN, account: str | None = None, on: date | None = None,
) -> Reversal:  # fmt: skip
    """Book that money of a receipt was taken away again: its credit goes first, then its newest allocations.

    `key` names the outside fact (the bank's line, the dispute): told again it is the same row. `account` is where
    the money lay (else the account of its way), `on` the day of the fact. `Refused` beyond what is left of it.
    """
    row = lock(receipt)
    known = db.session.scalars(select(Reversal).where(Reversal.key == key)).first()
    if known is not None:
        return known
    if amount <= NONE:
        raise Refused(_l("The amount must be more than zero."), field="amount", status=422)
    _free(row, amount, by=by, reason=reason)
    gone = _units(row, amount)
    made = Reversal(
        key=key, kind=kind, receipt=row, amount=amount, reason=reason[:300], day=on or clock.today(),
        recorded_by=str(getattr(by, "name", by))[:120],
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    target = account or settling.CASH[row.way]
    source = ledger.CREDIT if row.party is not None else ledger.UNIDENTIFIED
    ledger.post(
        "reversal",
        made.subject,
        [
            Line(source, amount, row.party, receipt=row, currency=row.currency, units=gone),
            Line(target, -amount, receipt=row, currency=row.currency, units=gone and -gone),
        ],
        on=made.day,
    )
    org_id = row.party.org_id if row.party else None
    audit.record("receipt.reversed", row, by=by, org_id=org_id, amount=amount, reason=reason)
    letters.taken_back(made)
    publish(PaymentReversed(made))
    return made
