"""Paying an invoice online: one live session each, settled once, whoever brings the news."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing import attempts, gateway
from portal.billing.attempts import LIVE, by_uid
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, Trouble
from portal.billing.issuing import locked, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Way
from portal.billing.sessions import Session
from portal.billing.settling import put_on, record_receipt
from portal.core import audit, catalogue, clock, outbox, web
from portal.core.db import LEDGER_CURRENCY, db, let_go, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import may_move, move

log = structlog.get_logger(__name__)
T = AttemptState
OPEN_FOR = timedelta(hours=2)
YOUNG = timedelta(hours=1)


def most() -> Money:
    """Return up to which sum online payment is offered."""
    return Money(int(catalogue.policy("online.most")))


def offer(invoice: Invoice) -> str | None:
    """Return a sentence about paying online, or None where only a bank transfer is offered."""
    kind = gateway.which()
    if not kind or invoice.state is not InvoiceState.OPEN or owed(invoice) > most():
        return None
    if kind == gateway.TEST:
        return _("Online payment goes through the test gateway here: no money moves.")
    if not gateway.live_mode():
        return _("By card, Alipay or WeChat Pay, in the provider's test mode: no money moves.")
    return _("By card, Alipay or WeChat Pay.")


def begin(invoice: Invoice) -> str:
    """Return the address of the payment page: the live session's if its sum is right, else a new one's."""
    if offer(invoice) is None:
        raise Refused(_l("This invoice is paid by bank transfer."))
    number = invoice.id
    with transaction():
        attempt = _attempt_for(locked(number))
        if attempt.state is T.OPEN:
            return attempt.url
        words: dict[str, Any] = {
            "key": f"inv:{attempt.invoice.uid}:attempt:{attempt.n}", "invoice_uid": attempt.invoice.uid,
            "number": str(attempt.invoice.number), "amount": attempt.amount,
            "success_url": web.absolute("pay.back", uid=attempt.uid),
            # From the row and not from now: the provider refuses a key that comes again with other words.
            "expires_at": attempt.created_at + OPEN_FOR,
        }  # fmt: skip
        uid = attempt.uid
    session = gateway.open_checkout(**words)
    with transaction():
        attempt = by_uid(uid, lock=True)
        if attempt.state is T.CREATING:
            move(attempt, T.OPEN)
            attempt.session_id, attempt.url = session.id, session.url
        if attempt.session_id == session.id and attempt.state is T.OPEN:
            return attempt.url
        attempts.close_session(session.id)
    raise Refused(_l("The sum changed meanwhile. Please look at the invoice and pay again."))


def _attempt_for(row: Invoice) -> CheckoutAttempt:
    """Return the attempt to go on with: the live one if its sum is still right, else a new one."""
    attempts.lapse(row, owed(row))
    attempt = attempts.live_of(row)
    if attempt is not None and attempt.state is T.PROCESSING:
        raise Refused(_l("A payment for this invoice is being processed. Please wait until it is through."))
    age = clock.now() - attempt.created_at if attempt is not None else timedelta(0)
    if attempt is not None and age > (OPEN_FOR if attempt.state is T.OPEN else YOUNG):
        attempts.give_up(attempt)
        attempt = None
    if attempt is None:
        used = db.session.scalar(select(func.count()).where(CheckoutAttempt.invoice_id == row.id)) or 0
        attempt = CheckoutAttempt(invoice=row, n=used + 1, amount=owed(row), gateway=gateway.which())
        db.session.add(attempt)
        db.session.flush()
    return attempt


def settle(session_id: str) -> AttemptState | None:
    """Take over how a session ended: ask the provider, then book once. Called by webhook and return page alike.

    None for a session that is not ours.
    """
    let_go()
    ours = select(CheckoutAttempt.invoice_id).where(CheckoutAttempt.session_id == session_id)
    invoice_id = db.session.scalar(ours)
    let_go()
    if invoice_id is None:
        return None
    found = gateway.fetch_checkout(session_id)
    with transaction():
        invoice = locked(invoice_id)
        attempt = db.session.scalars(
            select(CheckoutAttempt)
            .where(CheckoutAttempt.session_id == session_id)
            .with_for_update(of=CheckoutAttempt)
            .execution_options(populate_existing=True)
        ).one()
        _take_over(attempt, invoice, found)
        return attempt.state


def _take_over(attempt: CheckoutAttempt, invoice: Invoice, found: Session) -> None:
    if found.status == "complete" and found.paid:
        if may_move(attempt, T.PAID):
            move(attempt, T.PAID)
        _book(attempt, invoice, found)
    elif found.status == "complete" and found.failed:
        if may_move(attempt, T.FAILED):
            move(attempt, T.FAILED)
    elif found.status == "complete" and may_move(attempt, T.PROCESSING):
        move(attempt, T.PROCESSING)
    elif found.status == "expired" and may_move(attempt, T.EXPIRED):
        move(attempt, T.EXPIRED)


def _book(attempt: CheckoutAttempt, invoice: Invoice, found: Session) -> None:
    """Book the money of a paid session; what differs from the question is not put on the invoice."""
    key, said = f"misfit:{attempt.gateway}:{found.payment}", f"{attempt.amount} ≠ {found.amount}"
    if found.amount.currency != LEDGER_CURRENCY:
        attempts.alert(key, Trouble.CURRENCY, said, invoice=invoice)
        return
    way = Way.TEST if attempt.gateway == gateway.TEST else Way.WALLET if found.wallet else Way.CARD
    receipt, new = record_receipt(
        way, attempt.gateway, found.payment, found.amount, clock.today(), payer=invoice.buyer_name,
        party=invoice.party, by="payment page",
    )  # fmt: skip
    if attempt.receipt_id is None:
        attempt.receipt = receipt
    if not new:
        return
    fits = (
        found.amount == attempt.amount
        and found.reference == invoice.uid
        and found.live == gateway.live_mode()
    )
    if fits:
        put_on(receipt, invoice, by="payment page")
        return
    attempts.alert(key, Trouble.MISFIT, said, invoice=invoice, receipt=receipt)
    audit.record(
        "receipt.does_not_fit", receipt, by="payment page", org_id=invoice.party.org_id, amount=found.amount,
        asked=attempt.amount,
    )  # fmt: skip


@outbox.handles("expire_session")
def _expire(item: outbox.Claim) -> None:
    let_go()
    gateway.expire_checkout(item.payload["id"])


def sweep() -> int:
    """Settle every live attempt by asking the provider: what a lost event would have told; return how many."""
    if not gateway.which():
        return 0
    ids = db.session.scalars(
        select(CheckoutAttempt.session_id).where(
            CheckoutAttempt.state.in_(LIVE), CheckoutAttempt.session_id.is_not(None)
        )
    ).all()
    done = 0
    for session_id in ids:
        try:
            done += settle(str(session_id)) is not None
        except Exception:
            log.exception("sweep.failed", session=session_id)
            let_go()
    return done
