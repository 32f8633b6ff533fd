"""Payouts: what the provider sent to our bank account, with the fees it kept, compared line by line."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import attempts, gateway, ledger
from portal.billing.checkout_models import Trouble
from portal.billing.disputes import paid_as
from portal.billing.ledger import Line
from portal.billing.provider_models import Payout, PayoutLine, PayoutState
from portal.billing.sessions import Moved, PaidOut
from portal.core import audit, clock, outbox
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money
from portal.core.states import may_move, move

NONE = Money(0)
AT = {gateway.STRIPE: ledger.STRIPE, gateway.TEST: ledger.TEST_GATEWAY}
PAYMENTS = frozenset({"charge", "payment"})
# What the books have by entries of their own, and what is nothing but a cost.
BOOKED = PAYMENTS | {
    "refund", "payment_refund", "refund_failure", "payment_failure_refund", "adjustment", "payout_failure",
}  # fmt: skip
COSTS = frozenset({"stripe_fee", "stripe_fx_fee", "tax_fee"})


def take_over(found: PaidOut, *, provider: str = gateway.STRIPE) -> Payout | None:
    """Book a payout that has arrived with its fees; one that came back is booked back. Misfits are alerts."""
    if found.status not in {"paid", "failed"}:
        return None
    if why := _misfit(found):
        attempts.alert(f"payout:{found.id}", *why)
        return None
    row = db.session.scalars(
        select(Payout).where(Payout.provider == provider, Payout.payout_id == found.id).with_for_update()
    ).first()
    if row is None:
        # Two may tell at once: the outbox's unique key elects the one that books.
        if not outbox.queue("payout_booked", f"payout_booked:{provider}:{found.id}", {"id": found.id}):
            return None
        row = _book(found, provider)
    if found.status == "failed" and may_move(row, PayoutState.FAILED):
        move(row, PayoutState.FAILED)
        _post("payout_failed", row, -row.amount)
        audit.record("payout.failed", row, by="payouts", amount=row.amount)
        attempts.alert(f"payout:{found.id}", Trouble.PAYOUT, str(_l("The payout came back from our bank.")))
    return row


def _misfit(found: PaidOut) -> tuple[Trouble, str] | None:
    said = f"{found.id} {found.amount}"
    if found.amount.currency != LEDGER_CURRENCY or any(
        line.net.currency != found.amount.currency for line in found.lines
    ):
        return Trouble.CURRENCY, said
    if found.live != gateway.live_mode():
        return Trouble.MODE, said
    total = sum((line.net for line in found.lines), NONE)
    off = [line.id for line in found.lines if line.gross - line.fee != line.net]
    if total != found.amount or off:
        return Trouble.PAYOUT, f"{said} ≠ {total} {' '.join(off)}".strip()
    return None


def _cost(line: Moved) -> Money:
    return line.fee - line.gross if line.kind in COSTS else line.fee


def _book(found: PaidOut, provider: str) -> Payout:
    fee = sum((_cost(line) for line in found.lines), NONE)
    row = Payout(
        provider=provider, payout_id=found.id, amount=found.amount, fee=fee, arrives_on=found.arrives_on
    )
    db.session.add(row)
    for line in found.lines:
        receipt = paid_as(line.names)
        db.session.add(
            PayoutLine(
                payout=row, txn_id=line.id, kind=line.kind, gross=line.gross, fee=line.fee, net=line.net,
                receipt=receipt,
            )
        )  # fmt: skip
        if (line.kind in PAYMENTS and receipt is None) or line.kind not in BOOKED | COSTS:
            said = f"{found.id}: {line.kind} {line.id} {line.gross}"
            attempts.alert(f"payout-line:{line.id}", Trouble.PAYOUT, said)
    db.session.flush()
    ledger.post(
        "payout_fee",
        row.subject,
        [Line(ledger.FEES, fee), Line(AT[provider], -fee)],
        on=clock.today(),
    )
    _post("payout", row, row.amount)
    audit.record("payout.booked", row, by="payouts", amount=row.amount, fee=fee)
    return row


def _post(kind: str, row: Payout, amount: Money) -> None:
    lines = [Line(ledger.BANK, amount), Line(AT[row.provider], -amount)]
    ledger.post(kind, row.subject, lines, on=clock.today())


@outbox.handles("payout_booked", _l("Payout"))
def _nothing_more(_item: outbox.Claim) -> None:
    """The row is the election itself: nothing follows."""
