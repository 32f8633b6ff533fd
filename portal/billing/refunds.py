"""Refunds: credit goes back by the way it came; asked for by one, approved by another, sent once."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import ledger, letters, passing, queries
from portal.billing.events import RefundDone
from portal.billing.exchange import part_of
from portal.billing.ledger import Line
from portal.billing.models import Party
from portal.billing.money_models import Receipt, Refund, RefundState, Way
from portal.billing.settling import CASH, credit_of, unused
from portal.core import audit, clock, outbox
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move

R = RefundState


@dataclass(frozen=True, slots=True)
class Payee:
    """Where a transfer goes: holder, bank, account; unused where the gateway pays back."""

    name: str = ""
    bank: str = ""
    account: str = ""


def request_refund(
    receipt: Receipt, amount: Money, *, by: Person, reason: str, payee: Payee | None = None
) -> Refund:
    """Ask for part of a receipt's credit, in the currency it came in, to be sent back; the sum is set aside at once."""
    db.session.scalars(select(Receipt).where(Receipt.id == receipt.id).with_for_update(of=Receipt)).one()
    _refuse_disputed(receipt)
    free, worth = unused(receipt), credit_of(receipt)
    if receipt.party is not None and receipt.units is None and passing.was_passed(receipt):
        free = worth = min(worth, passing.belongs(receipt, receipt.party))
    if amount.currency != free.currency or not 0 < amount.minor <= free.minor:
        raise Refused(
            _l("At most the unused credit of this receipt can be refunded."), field="amount", status=422
        )
    if amount != free:
        worth = Money(part_of(worth.minor, amount.minor, free.minor))
    to = payee or Payee()
    if receipt.way is Way.BANK and not (to.name and to.account):
        raise Refused(_l("A transfer needs the payee's name and account."), field="payee_account", status=422)
    row = Refund(
        receipt=receipt, amount=worth, reason=reason, by=by, payee=to.name, payee_bank=to.bank,
        payee_account=to.account, units=None if receipt.units is None else amount.minor,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    _note("refund.requested", row, by, amount=amount, reason=reason)
    return row


def _refuse_disputed(receipt: Receipt) -> None:
    if queries.disputed(receipt):
        raise Refused(
            _l("This payment is disputed at the bank: nothing can be refunded until that is decided.")
        )


def locked(refund_id: int) -> Refund:
    """Return a refund under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Refund)
        .where(Refund.id == refund_id)
        .with_for_update(of=Refund)
        .execution_options(populate_existing=True)
    ).one()


def _note(verb: str, row: Refund, by: Person | str, **detail: object) -> None:
    party = row.receipt.party
    audit.record(verb, row, by=by, org_id=party.org_id if party else None, **detail)


def _second(refund_id: int, by: Person) -> Refund:
    row = locked(refund_id)
    if row.by_id == by.id:
        raise Forbidden(_l("You asked for this refund yourself: a second person of finance approves it."))
    return row


def _credit(party: Party | None) -> str:
    return ledger.CREDIT if party is not None else ledger.UNIDENTIFIED


def book(kind: str, row: Refund, off: str, onto: str) -> None:
    """Move what is sent back from one account to another; our own money is nobody's in particular."""
    receipt, units = row.receipt, row.units
    sides = [
        Line(
            account, row.amount * sign, receipt.party if account != CASH[receipt.way] else None, receipt=receipt,
            currency=receipt.currency, units=None if units is None else units * sign,
        )
        for account, sign in ((off, 1), (onto, -1))
    ]  # fmt: skip
    ledger.post(kind, row.subject, sides, on=clock.today())


def approve_refund(refund: Refund, *, by: Person) -> Refund:
    """Stand for another's request: what is owed back leaves the credit, and a gateway is asked to pay it."""
    row = _second(refund.id, by)
    _refuse_disputed(row.receipt)
    move(row, R.APPROVED)
    row.second = by
    book("refund_approved", row, _credit(row.receipt.party), ledger.REFUNDS)
    _note("refund.approved", row, by, amount=row.came)
    if row.receipt.way is not Way.BANK:
        outbox.queue("send_refund", f"send_refund:{row.uid}", {"uid": row.uid})
    return row


def decline_refund(refund: Refund, *, by: Person, reason: str) -> None:
    """Say no to another's request; the sum is credit again."""
    row = _second(refund.id, by)
    move(row, R.DECLINED)
    row.second, row.failure = by, reason
    _note("refund.declined", row, by, reason=reason)


def hand_over(refund: Refund, *, by: Person, bank_ref: str) -> None:
    """Note that an approved transfer was handed to the bank; whoever asked for it does not sign it off."""
    row = locked(refund.id)
    if row.by_id == by.id:
        raise Forbidden(_l("You asked for this refund yourself: a second person of finance sends it."))
    if row.receipt.way is not Way.BANK:
        raise Refused(_l("This refund goes back by the gateway, not by transfer."))
    row.sent_by, row.outcome_ref = by, bank_ref
    send_refund(row, by=by)


def send_refund(refund: Refund, *, by: Person | str) -> None:
    """Note that an approved refund is on its way to the bank or the gateway."""
    row = locked(refund.id)
    move(row, R.SENDING)
    row.sent_at = clock.now()
    _note("refund.sending", row, by)


def finish_refund(refund: Refund, *, good: bool, by: Person | str, why: str = "") -> None:
    """Book the outcome: the money left, or it is the payer's credit again."""
    row = locked(refund.id)
    move(row, R.SUCCEEDED if good else R.FAILED)
    row.failure = why[:300]
    target = CASH[row.receipt.way] if good else _credit(row.receipt.party)
    book("refund_done" if good else "refund_failed", row, ledger.REFUNDS, target)
    _note("refund.succeeded" if good else "refund.failed", row, by, amount=row.came, reason=why)
    if good:
        letters.refunded(row)
        publish(RefundDone(row))


def came_back(refund: Refund, *, by: Person | str, why: str) -> None:
    """Book that a refund which had gone out was sent back by the payer's bank: it is his credit again."""
    row = locked(refund.id)
    move(row, R.FAILED)
    row.failure = why[:300]
    book("refund_came_back", row, CASH[row.receipt.way], _credit(row.receipt.party))
    _note("refund.failed", row, by, amount=row.came, reason=why)


def finish_transfer(refund: Refund, *, by: Person, good: bool, why: str = "") -> None:
    """Say what became of a transfer that was handed to the bank."""
    if refund.receipt.way is not Way.BANK:
        raise Refused(_l("This refund goes back by the gateway, not by transfer."))
    if refund.by_id == by.id:
        raise Forbidden(_l("You asked for this refund yourself: a second person of finance sends it."))
    finish_refund(refund, good=good, by=by, why=why)
