"""Disputes: while the bank decides the money stands aside; lost, it is taken back; won, it is ours again."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing import attempts, gateway, ledger, reversing
from portal.billing.checkout_models import Trouble
from portal.billing.ledger import Line
from portal.billing.money_models import Receipt
from portal.billing.provider_models import Dispute, DisputeState
from portal.billing.reversal_models import ReversalKind
from portal.billing.sessions import Disputed
from portal.billing.settling import CASH
from portal.core import audit, clock
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money
from portal.core.states import may_move, move

D = DisputeState
ENDS = {"won": D.WON, "lost": D.LOST, "warning_closed": D.CLOSED, "prevented": D.CLOSED}


def state_of(status: str) -> DisputeState:
    """Return our state for the provider's word: a warning holds no money yet."""
    return ENDS.get(status, D.INQUIRY if status.startswith("warning") else D.OPEN)


def paid_as(names: tuple[str, ...]) -> Receipt | None:
    """Return the receipt of a payment the provider names by its intent or its charge."""
    ours = select(Receipt).where(Receipt.provider.in_([gateway.STRIPE, gateway.TEST]))
    return db.session.scalars(ours.where(Receipt.provider_ref.in_([name for name in names if name]))).first()


def take_over(found: Disputed) -> Dispute | None:
    """Bring our row of a dispute to where the provider has it; what is not ours or does not fit is an alert."""
    receipt, said = paid_as(found.names), f"{found.status} {found.reason} {found.amount}".strip()
    attempts.alert(f"dispute:{found.id}", Trouble.DISPUTE, said, receipt=receipt)
    if receipt is None:
        return None
    if found.amount.currency != LEDGER_CURRENCY or found.live != gateway.live_mode():
        trouble = Trouble.CURRENCY if found.amount.currency != LEDGER_CURRENCY else Trouble.MODE
        attempts.alert(f"dispute-misfit:{found.id}", trouble, said, receipt=receipt)
        return None
    receipt = reversing.lock(receipt)
    row = db.session.scalars(select(Dispute).where(Dispute.dispute_id == found.id)).first()
    if row is None:
        row = Dispute(
            dispute_id=found.id, receipt=receipt, amount=found.amount, reason=found.reason, status=found.status,
            answer_by=found.answer_by,
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        _note("dispute.came", row)
    _go(row, state_of(found.status), found)
    return row


def _note(verb: str, row: Dispute) -> None:
    party = row.receipt.party
    org_id = party.org_id if party else None
    audit.record(verb, row.receipt, by="disputes", org_id=org_id, amount=row.amount, reason=row.reason)


def _go(row: Dispute, to: DisputeState, found: Disputed) -> None:
    """Go every step on the way to a state, so that the books are the same whichever news came first."""
    if to in {D.OPEN, D.WON, D.LOST} and may_move(row, D.OPEN):
        move(row, D.OPEN)
        _stand_aside(row, row.amount)
        _note("dispute.opened", row)
    if may_move(row, to):
        move(row, to)
        row.decided_on = clock.today()
        if to is D.WON:
            _stand_aside(row, -row.amount)
            _note("dispute.won", row)
        elif to is D.LOST:
            _lose(row)
            _note("dispute.lost", row)
    if row.state is to:  # else this was read before a later word came
        row.status, row.answer_by = found.status, found.answer_by


def _stand_aside(row: Dispute, amount: Money) -> None:
    """Book that disputed money is held by the provider, or ours again."""
    receipt = row.receipt
    ledger.post(
        "dispute" if amount > Money(0) else "dispute_won",
        row.subject,
        [
            Line(ledger.DISPUTED, amount, receipt.party, receipt=receipt),
            Line(CASH[receipt.way], -amount, receipt=receipt),
        ],
        on=clock.today(),
    )


def _lose(row: Dispute) -> None:
    """Take back what is lost; what was refunded already cannot be taken again and stays for a person."""
    left = reversing.reversible(row.receipt)
    part = min(row.amount, left)
    if part < row.amount:
        said = f"{row.dispute_id}: {row.amount - part}"
        attempts.alert(f"short:{row.dispute_id}", Trouble.SHORT, said, receipt=row.receipt)
    if part:
        reversing.reverse_receipt(
            row.receipt, amount=part, reason=f"{row.dispute_id} {row.reason}", by="disputes",
            key=f"dispute:{row.dispute_id}", kind=ReversalKind.CHARGEBACK, account=ledger.DISPUTED,
        )  # fmt: skip
