"""Credit that passes from one payer to another, as when one company has bought the other: in the journal, receipt by receipt."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import ledger
from portal.billing.exchange import part_of
from portal.billing.ledger import Line
from portal.billing.models import Party
from portal.billing.money_models import JournalLine, Receipt, Refund, RefundState
from portal.billing.parts import units_left
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money

NONE = Money(0)


def _on_account(receipt: Receipt, *conditions: Any) -> Money:
    found = db.session.scalar(
        select(func.sum(JournalLine.amount)).where(
            JournalLine.receipt_id == receipt.id, JournalLine.account == ledger.CREDIT, *conditions
        )
    )
    return found if isinstance(found, Money) else Money(int(found or 0))


def belongs(receipt: Receipt, party: Party) -> Money:
    """Return what of a receipt's unused money belongs to a payer: its own share, or what was passed on to it."""
    free = -_on_account(receipt, JournalLine.party_id == party.id)
    if receipt.party_id == party.id:
        asked = select(func.sum(Refund.amount)).where(
            Refund.receipt_id == receipt.id, Refund.state == RefundState.REQUESTED
        )
        waits = db.session.scalar(asked)
        free -= waits if isinstance(waits, Money) else Money(int(waits or 0))
    return free


def was_passed(receipt: Receipt) -> bool:
    """Whether a part of a receipt was passed on to another payer."""
    others = select(JournalLine.id).where(
        JournalLine.receipt_id == receipt.id, JournalLine.account == ledger.CREDIT,
        JournalLine.party_id != receipt.party_id,
    )  # fmt: skip
    return receipt.party_id is not None and db.session.scalar(others.limit(1)) is not None


def receipts_with_credit(party: Party) -> Any:
    """Select the receipts of which a payer may have credit, its own and what was passed on to it, oldest first."""
    passed = select(JournalLine.receipt_id).where(
        JournalLine.party_id == party.id, JournalLine.account == ledger.CREDIT,
        JournalLine.receipt_id.is_not(None),
    )  # fmt: skip
    mine = (Receipt.party_id == party.id) | Receipt.id.in_(passed)
    return select(Receipt).where(mine).order_by(Receipt.id)


def credit_of(party: Party) -> Money:
    """Return all the unused credit of a payer."""
    rows = db.session.scalars(receipts_with_credit(party)).all()
    return sum((belongs(row, party) for row in rows), NONE)


def pass_credit(giver: Party, to: Party, amount: Money, *, by: Person | str, reason: str) -> Money:
    """Let a payer's unused credit belong to another payer, the newest money first; return what was passed.

    `Refused` beyond what there is. The bank account and what the receipts hold in all stay as they are.
    """
    left = amount
    rows = receipts_with_credit(giver).with_for_update(of=Receipt)
    for row in reversed(db.session.scalars(rows).all()):
        part = min(left, belongs(row, giver))
        if part > NONE:
            _book(row, giver, to, part)
            left -= part
    if left > NONE:
        raise Refused(_l("There is not that much unused credit."), field="amount", status=422)
    audit.record(
        "credit.passed", giver, by=by, org_id=giver.org_id, amount=amount, payer=to.title, reason=reason
    )
    audit.record(
        "credit.received", to, by=by, org_id=to.org_id, amount=amount, payer=giver.title, reason=reason
    )
    return amount


def _book(receipt: Receipt, giver: Party, to: Party, part: Money) -> None:
    units = None
    if receipt.units is not None:
        units = part_of(units_left(receipt), part.minor, -_on_account(receipt).minor)
    ledger.post(
        "credit_passed",
        receipt.subject,
        [
            Line(ledger.CREDIT, part, giver, receipt=receipt, currency=receipt.currency, units=units),
            Line(
                ledger.CREDIT, -part, to, receipt=receipt, currency=receipt.currency, units=units and -units
            ),
        ],
        on=clock.today(),
        n=ledger.next_n("credit_passed", receipt.subject),
    )
