"""Refunds through the gateway: intent saved, called outside any transaction, outcome saved; crashes are settled."""

from __future__ import annotations

from datetime import timedelta

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import gateway, refunds
from portal.billing.money_models import Receipt, Refund, RefundState, Way
from portal.billing.sessions import SentBack
from portal.core import clock, outbox
from portal.core.db import db, let_go, transaction
from portal.core.money import Money

log = structlog.get_logger(__name__)
R = RefundState
# Stripe keeps keys for 24 hours: after that, first look whether the refund is there.
REMEMBERED = timedelta(hours=23)


@outbox.handles("send_refund", _l("Refund"))
def _send(item: outbox.Claim) -> None:
    settle_refund(item.payload["uid"])


def settle_refund(uid: str) -> RefundState:
    """Take a gateway's refund as far as it gets: `sending` is saved, the provider asked, the answer booked.

    Safe to repeat at any point: the key is the row's, so the money moves once.
    """
    let_go()
    with transaction():
        row = _by_uid(uid)
        if row.state is R.APPROVED and row.receipt.way is not Way.BANK:
            refunds.send_refund(row, by="refunds")
        sent = row.state is R.SUCCEEDED and bool(row.outcome_ref)
        if row.receipt.way is Way.BANK or not (sent or row.state is R.SENDING):
            return row.state
        provider, payment = row.receipt.provider, row.receipt.provider_ref
        amount, known = row.amount, row.outcome_ref
        old = row.sent_at is not None and clock.now() - row.sent_at > REMEMBERED
    told = _ask(uid, provider, payment, amount, known=known, old=old)
    with transaction():
        row = _by_uid(uid)
        if row.state is R.SENDING:
            row.outcome_ref = told.id or row.outcome_ref
            if told.status != "pending":
                refunds.finish_refund(row, good=told.status == "succeeded", by="refunds", why=told.why)
        elif row.state is R.SUCCEEDED and told.status == "failed":
            refunds.came_back(row, by="refunds", why=told.why)
        return row.state


def _ask(uid: str, provider: str, payment: str, amount: Money, *, known: str, old: bool) -> SentBack:
    if known:
        return gateway.fetch_refund(provider, known)
    if old and (found := gateway.find_refund(provider, payment=payment, uid=uid)) is not None:
        return found
    return gateway.send_refund(provider, key=f"refund:{uid}", uid=uid, payment=payment, amount=amount)


def _by_uid(uid: str) -> Refund:
    found = db.session.scalars(select(Refund.id).where(Refund.uid == uid)).one()
    return refunds.locked(found)


def sweep() -> int:
    """Settle every gateway's refund that a crash left between its steps; return how many were looked at."""
    waiting = (
        select(Refund.uid)
        .join(Receipt)
        .where(Refund.state.in_([R.APPROVED, R.SENDING]), Receipt.way != Way.BANK)
        .order_by(Refund.id)
    )
    uids = db.session.scalars(waiting).all()
    for uid in uids:
        try:
            settle_refund(uid)
        except Exception:
            log.exception("refund.failed", refund=uid)
            let_go()
    return len(uids)
