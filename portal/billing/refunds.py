"""Refunds: credit goes back by the way it came; asked for by one, approved by another, sent once."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import ledger
from portal.billing.ledger import Line
from portal.billing.money_models import Receipt, Refund, RefundState
from portal.billing.settling import CASH, credit_of
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.core.states import move


def request_refund(receipt: Receipt, amount: Money, *, by: Person, reason: str) -> Refund:
    """Ask for part of a receipt's credit to be sent back; the sum is set aside at once."""
    db.session.scalars(select(Receipt).where(Receipt.id == receipt.id).with_for_update(of=Receipt)).one()
    if not Money(0) < amount <= credit_of(receipt):
        raise Refused(
            _l("At most the unused credit of this receipt can be refunded."), field="amount", status=422
        )
    row = Refund(receipt=receipt, amount=amount, reason=reason, by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("refund.requested", row, by=by, amount=amount, reason=reason)
    return row


def _locked(refund_id: int) -> Refund:
    return db.session.scalars(
        select(Refund)
        .where(Refund.id == refund_id)
        .with_for_update(of=Refund)
        .execution_options(populate_existing=True)
    ).one()


def approve_refund(refund: Refund, *, by: Person) -> Refund:
    """Stand for another's request: what is owed back leaves the credit."""
    row = _locked(refund.id)
    if row.by_id == by.id:
        raise Forbidden(_l("You asked for this refund yourself: a second person of finance approves it."))
    move(row, RefundState.APPROVED)
    row.second = by
    party = row.receipt.party
    account = ledger.CREDIT if party is not None else ledger.UNIDENTIFIED
    ledger.post(
        "refund_approved",
        row.subject,
        [Line(account, row.amount, party, receipt=row.receipt), Line(ledger.REFUNDS, -row.amount, party)],
        on=clock.today(),
    )
    audit.record("refund.approved", row, by=by, amount=row.amount)
    return row


def decline_refund(refund: Refund, *, by: Person) -> None:
    """Say no to another's request; the sum is credit again."""
    row = _locked(refund.id)
    if row.by_id == by.id:
        raise Forbidden(_l("You asked for this refund yourself: a second person of finance approves it."))
    move(row, RefundState.DECLINED)
    row.second = by
    audit.record("refund.declined", row, by=by)


def send_refund(refund: Refund, *, by: Person | str) -> None:
    """Note that an approved refund is on its way to the bank or the gateway."""
    row = _locked(refund.id)
    move(row, RefundState.SENDING)
    audit.record("refund.sending", row, by=by)


def finish_refund(refund: Refund, *, good: bool, by: Person | str) -> None:
    """Book the outcome: the money left, or it is the payer's credit again."""
    row = _locked(refund.id)
    move(row, RefundState.SUCCEEDED if good else RefundState.FAILED)
    party = row.receipt.party
    back = ledger.CREDIT if party is not None else ledger.UNIDENTIFIED
    target = CASH[row.receipt.way] if good else back
    ledger.post(
        "refund_done" if good else "refund_failed",
        row.subject,
        [
            Line(ledger.REFUNDS, row.amount, party),
            Line(target, -row.amount, None if good else party, receipt=row.receipt),
        ],
        on=clock.today(),
    )
    audit.record("refund.succeeded" if good else "refund.failed", row, by=by, amount=row.amount)
