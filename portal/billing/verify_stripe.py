"""What must hold of disputes, payouts and money taken back: each sentence names the row that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from portal.billing import ledger
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.payouts import AT
from portal.billing.provider_models import Dispute, DisputeState, Payout, PayoutLine, PayoutState
from portal.billing.reversal_models import Reversal, ReversalKind
from portal.core.db import db
from portal.core.money import Money


def _fen(value: object) -> int:
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def _sums(column: Any, key: Any, *conditions: Any) -> dict[Any, int]:
    rows = db.session.execute(select(key, func.sum(column)).where(*conditions).group_by(key))
    return {row[0]: _fen(row[1]) for row in rows}


def _disputes() -> list[str]:
    """The account of disputed money holds what is open, and of lost ones what could not be taken back."""
    held = _sums(JournalLine.amount, JournalLine.receipt_id, JournalLine.account == ledger.DISPUTED)
    back = _sums(Reversal.amount, Reversal.receipt_id, Reversal.kind == ReversalKind.CHARGEBACK)
    asked = _sums(
        Dispute.amount, Dispute.receipt_id, Dispute.state.in_([DisputeState.OPEN, DisputeState.LOST])
    )
    return [
        f"disputes: receipt {of} has {asked.get(of, 0) - back.get(of, 0)} fen in dispute, the account says {held.get(of, 0)}"
        for of in sorted({*held, *asked, *back})
        if held.get(of, 0) != asked.get(of, 0) - back.get(of, 0)
    ]


def _booked(kind: str, account: str) -> dict[str, int]:
    rows = db.session.execute(
        select(JournalEntry.source, func.sum(JournalLine.amount))
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(JournalEntry.kind == kind, JournalLine.account == account)
        .group_by(JournalEntry.source)
    )
    return {row[0]: _fen(row[1]) for row in rows}


def _payouts() -> list[str]:
    """A payout is the sum of its lines, and the books have it and its fee."""
    found: list[str] = []
    nets = _sums(PayoutLine.net, PayoutLine.payout_id)
    paid, failed = _booked("payout", ledger.BANK), _booked("payout_failed", ledger.BANK)
    fees = _booked("payout_fee", ledger.FEES)
    for row in db.session.scalars(select(Payout).order_by(Payout.id)):
        came_back = -row.amount.minor if row.state is PayoutState.FAILED else 0
        checks = {
            f"is {row.amount.minor} fen, its lines {nets.get(row.id, 0)}": row.amount.minor
            == nets.get(row.id, 0),
            f"is {row.amount.minor} fen, the bank account says {paid.get(row.subject, 0)}": row.amount.minor
            == paid.get(row.subject, 0),
            "came back, the bank account says otherwise": came_back == failed.get(row.subject, 0),
            f"cost {row.fee.minor} fen, the account says {fees.get(row.subject, 0)}": row.fee.minor
            == fees.get(row.subject, 0),
            "is of no provider we know": row.provider in AT,
        }
        found += [f"payouts: {row.payout_id} {words}" for words, right in checks.items() if not right]
    return found


def _reversals() -> list[str]:
    """What was taken back is in the books once, by its sum."""
    booked = {
        **_booked("reversal", ledger.UNIDENTIFIED),
        **_booked("reversal", ledger.CREDIT),
    }
    return [
        f"reversals: {row.key} is {row.amount.minor} fen, the books say {booked.get(row.subject, 0)}"
        for row in db.session.scalars(select(Reversal).order_by(Reversal.id))
        if booked.get(row.subject, 0) != row.amount.minor
    ]


CHECKS: tuple[Callable[[], list[str]], ...] = (_disputes, _payouts, _reversals)
