"""From what the provider names a payment by to our rows: the news of a payment may come after what it led to."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing import gateway_books, online
from portal.billing.checkout_models import CheckoutAttempt
from portal.billing.disputes import paid_as
from portal.core.db import db, let_go


def settle_attempt(uid: str, payment: str = "") -> bool:
    """Settle the attempt of a mark or of a payment; False if there is none of ours."""
    ours = (CheckoutAttempt.uid == uid) | ((CheckoutAttempt.session_id == payment) & (payment != ""))
    session = db.session.scalar(select(CheckoutAttempt.session_id).where(ours))
    let_go()
    return session is not None and online.settle(session) is not None


def bring(names: tuple[str, ...]) -> None:
    """Settle the payment that a dispute, refund or payout is about, if nobody has told of it yet."""
    known = paid_as(names) is not None
    let_go()
    for name in names:
        if not known and name.startswith("pi_"):
            settle_attempt(gateway_books.mark_of(name), name)
