"""Paying an invoice online: one live session each, settled once, whoever brings the news."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import attempts, gateway, gateway_books, saved_cards
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
    plain = invoice.state is InvoiceState.OPEN and invoice.currency == LEDGER_CURRENCY
    if not kind or not plain or owed(invoice) > most():
        return None
    if kind == gateway.TEST:
        return _("Online payment goes through the test gateway here: no money moves.")
    if not gateway.live_mode():
        return _("By card, Alipay or WeChat Pay, in the provider's test mode: no money moves.")
    return _("By card, Alipay or WeChat Pay.")


def begin(invoice: Invoice, *, keep_card: bool = False) -> str:
    """Return the address of the payment page: the live session's if its sum is right, else a new one's.

    `keep_card`: the payer ticked that his card be kept for later invoices; only where that is offered.
    """
    if offer(invoice) is None:
        raise Refused(_l("This invoice is paid by bank transfer."))
    number = invoice.id
    with transaction():
        attempt = _attempt_for(locked(number), keep_card=keep_card and saved_cards.offered())
        if attempt.state is T.OPEN:
            return attempt.url
        words: dict[str, Any] = {
            "key": f"inv:{attempt.invoice.uid}:attempt:{attempt.n}", "invoice_uid": attempt.invoice.uid,
            "attempt_uid": attempt.uid, "keep_card": attempt.keep_card,
            "customer": saved_cards.customer_of(attempt.invoice.party) if attempt.keep_card else "",
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


def _attempt_for(row: Invoice, *, keep_card: bool) -> CheckoutAttempt:
    """Return the attempt to go on with: the live one if its sum is still right, else a new one."""
    attempts.lapse(row, owed(row))
    attempt = attempts.live_of(row)
    if attempt is not None and (attempt.state is T.PROCESSING or attempt.card_id is not None):
        raise Refused(_l("A payment for this invoice is being processed. Please wait until it is through."))
    age = clock.now() - attempt.created_at if attempt is not None else timedelta(0)
    stale = age > (OPEN_FOR if attempt is not None and attempt.state is T.OPEN else YOUNG)
    if attempt is not None and (stale or attempt.keep_card != keep_card):
        attempts.give_up(attempt)
        attempt = None
    if attempt is None:
        attempt = attempts.new(row, owed(row), gateway=gateway.which(), keep_card=keep_card)
    return attempt


def fetch(session_id: str) -> Session:
    """Return a session, or a charge of a card on file, as it stands now."""
    if session_id.startswith("pi_"):
        return gateway_books.fetch_payment(session_id)
    return gateway.fetch_checkout(session_id)


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
    found = fetch(session_id)
    with transaction():
        invoice = locked(invoice_id)
        attempt = db.session.scalars(
            select(CheckoutAttempt)
            .where(CheckoutAttempt.session_id == session_id)
            .with_for_update(of=CheckoutAttempt)
            .execution_options(populate_existing=True)
        ).one()
        take_over(attempt, invoice, found)
        return attempt.state


def take_over(attempt: CheckoutAttempt, invoice: Invoice, found: Session) -> None:
    """Bring an attempt to where the provider has it; both rows are locked by the caller."""
    if found.status == "complete" and found.paid:
        if may_move(attempt, T.PAID):
            move(attempt, T.PAID)
        _book(attempt, invoice, found)
    elif found.status == "complete" and found.failed:
        if may_move(attempt, T.FAILED):
            move(attempt, T.FAILED)
            attempt.why = found.why[:200]
            if attempt.card_id is not None:
                saved_cards.failed(attempt)
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
    if attempt.keep_card and found.customer and found.method:
        saved_cards.keep(invoice.party, found)
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


def adopt(found: Session) -> bool:
    """Take in a session of ours that we lost between its opening and its saving; whether there was one."""
    with transaction():
        invoice_id = db.session.scalar(select(Invoice.id).where(Invoice.uid == found.reference))
        known = select(CheckoutAttempt.id).where(CheckoutAttempt.session_id == found.id)
        if invoice_id is None or db.session.scalar(known) is not None:
            return False
        invoice = locked(invoice_id)
        attempt = attempts.live_of(invoice)
        if attempt is not None and attempt.state is T.CREATING and attempt.card_id is None:
            move(attempt, T.OPEN)
            attempt.session_id, attempt.url = found.id, found.url
            return True
        if found.paid:
            said = f"{found.id} {found.amount}"
            attempts.alert(f"unknown:{found.id}", Trouble.MISFIT, said, invoice=invoice)
    return False


@outbox.handles("expire_session", _l("End of a payment page"))
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
