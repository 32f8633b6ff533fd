"""Asking the provider how a dispute or a payout stands, and booking the answer once."""

from __future__ import annotations

from portal.billing import disputes, gateway_books, payouts, tracing
from portal.billing.provider_models import DisputeState, PayoutState
from portal.core.db import let_go, transaction


def settle_dispute(dispute_id: str) -> DisputeState | None:
    """Take over how a dispute stands. None if it is about nothing of ours."""
    let_go()
    found = gateway_books.fetch_dispute(dispute_id)
    tracing.bring(found.names)
    with transaction():
        row = disputes.take_over(found)
        return row.state if row is not None else None


def settle_payout(payout_id: str) -> PayoutState | None:
    """Take over a payout with its fees. None if it is not booked (yet)."""
    let_go()
    found = gateway_books.fees(payout_id)
    for line in found.lines:
        tracing.bring(line.names)
    with transaction():
        row = payouts.take_over(found)
        return row.state if row is not None else None
