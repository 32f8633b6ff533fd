"""The built-in test gateway: sessions and refunds in tables of its own, where no money moves."""

from __future__ import annotations

import secrets

from sqlalchemy import func, select

from portal.billing.checkout_models import PracticeRefund, PracticeSession
from portal.billing.sessions import SentBack, Session
from portal.core import web
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.money import Money

# A refund whose sum ends in these fen fails, so that the way back of a failure can be seen.
UNLUCKY = 13
STEPS = {
    "pay": "checkout.session.completed",
    "later": "checkout.session.completed",
    "arrive": "checkout.session.async_payment_succeeded",
    "fail": "checkout.session.async_payment_failed",
}


def _row(session_id: str) -> PracticeSession | None:
    return db.session.scalars(select(PracticeSession).where(PracticeSession.session_id == session_id)).first()


def _told(row: PracticeSession) -> Session:
    return Session(
        id=row.session_id, url=web.absolute("pay.test_page", session_id=row.session_id), status=row.status,
        paid=row.payment_status == "paid", failed=row.payment_status == "failed", amount=row.amount,
        reference=row.invoice_uid, payment=row.payment_intent or row.session_id, wallet=False, live=False,
    )  # fmt: skip


def open_session(*, key: str, invoice_uid: str, number: str, amount: Money, success_url: str) -> Session:
    """Open a session; asked again with the same key it is the same one."""
    with transaction():
        row = db.session.scalars(select(PracticeSession).where(PracticeSession.key == key)).first()
        if row is None:
            row = PracticeSession(
                session_id="cs_test_" + secrets.token_hex(16), key=key, invoice_uid=invoice_uid, words=number,
                amount=amount, success_url=success_url,
            )  # fmt: skip
            db.session.add(row)
        return _told(row)


def fetch_session(session_id: str) -> Session:
    """Return a session as it stands now."""
    row = _row(session_id)
    if row is None:
        raise Refused("There is no such session.", status=404)
    found = _told(row)
    db.session.rollback()
    return found


def expire_session(session_id: str) -> None:
    """Close a session; one that is over already stays as it is."""
    with transaction():
        row = _row(session_id)
        if row is not None and row.status == "open":
            row.status = "expired"


def play(row: PracticeSession, what: str) -> None:
    """Let the payer of a session pay, promise to pay later, or let the promised money arrive or fail."""
    if what in {"pay", "later"} and row.status == "open":
        row.status = "complete"
        row.payment_intent = "pi_test_" + secrets.token_hex(12)
        row.payment_status = "paid" if what == "pay" else "unpaid"
    elif row.status == "complete" and row.payment_status == "unpaid":
        if what == "arrive":
            row.payment_status = "paid"
        elif what == "fail":
            row.payment_status = "failed"


def _back(row: PracticeRefund) -> SentBack:
    why = "The test gateway fails sums that end in .13." if row.status == "failed" else ""
    return SentBack(row.refund_id, row.status, why)


def send_refund(*, key: str, uid: str, payment: str, amount: Money) -> SentBack:
    """Pay back part of a payment, never more than it was; asked again with the same key it is the same refund."""
    with transaction():
        row = db.session.scalars(select(PracticeRefund).where(PracticeRefund.key == key)).first()
        if row is None:
            paid = db.session.scalars(
                select(PracticeSession)
                .where(PracticeSession.payment_intent == payment)
                .with_for_update(of=PracticeSession)
            ).first()
            given = db.session.scalar(
                select(func.coalesce(func.sum(PracticeRefund.amount), 0)).where(
                    PracticeRefund.payment == payment, PracticeRefund.status != "failed"
                )
            )
            if paid is None or amount.minor + _fen(given) > paid.amount.minor:
                return SentBack("", "failed", "There is not so much money on this payment.")
            row = PracticeRefund(
                refund_id="re_test_" + secrets.token_hex(12), key=key, refund_uid=uid, payment=payment,
                amount=amount, status="failed" if amount.minor % 100 == UNLUCKY else "succeeded",
            )  # fmt: skip
            db.session.add(row)
        return _back(row)


def _fen(value: object) -> int:
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def fetch_refund(refund_id: str) -> SentBack:
    """Return a refund as it stands now."""
    row = db.session.scalars(select(PracticeRefund).where(PracticeRefund.refund_id == refund_id)).one()
    found = _back(row)
    db.session.rollback()
    return found


def find_refund(payment: str, uid: str) -> SentBack | None:
    """Return the refund of a payment that carries our mark, if there is one."""
    row = db.session.scalars(
        select(PracticeRefund).where(PracticeRefund.payment == payment, PracticeRefund.refund_uid == uid)
    ).first()
    found = _back(row) if row is not None else None
    db.session.rollback()
    return found
