"""Charging a card on file without its payer: the intent saved, the bank asked, the answer booked; once per try."""

from __future__ import annotations

from datetime import timedelta

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import attempts, gateway, gateway_books, online
from portal.billing.checkout_models import AttemptState, CheckoutAttempt
from portal.billing.events import DunningStepReached
from portal.billing.issuing import locked, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.saved_cards import card_of, offered
from portal.core import audit, clock, outbox
from portal.core.db import LEDGER_CURRENCY, db, let_go, transaction
from portal.core.errors import Missing, Refused
from portal.core.states import move

log = structlog.get_logger(__name__)
T = AttemptState
# Stripe keeps keys for 24 hours: after that, first look whether the payment is there.
REMEMBERED = timedelta(hours=23)


def charge(invoice: Invoice, *, k: int) -> AttemptState:
    """Charge the payer's card on file for what is owed; `k` says which try of the ladder, and each happens once.

    `Refused` if there is no card, nothing is owed, or another payment is under way.
    """
    number = invoice.id
    let_go()
    with transaction():
        row = locked(number)
        known = _of_try(row, k)
        attempt = known if known is not None else _begin(row, k)
        if attempt.state is not T.CREATING:
            return attempt.state
        uid = attempt.uid
    return settle_charge(uid)


def at_step(told: DunningStepReached) -> None:
    """Have a card on file charged at each step of the ladder from the due day on; the step's place says which try it is."""
    row = told.invoice
    if row.due_on is None or clock.today() < row.due_on or not offered() or card_of(row.party) is None:
        return
    key = f"charge_card:{row.uid}:{told.place}"
    outbox.queue("charge_card", key, {"invoice": row.id, "k": told.place})


@outbox.handles("charge_card", _l("Charge of a card on file"))
def _charge_at_step(item: outbox.Claim) -> None:
    try:
        charge(db.session.get_one(Invoice, item.payload["invoice"]), k=item.payload["k"])
    except (
        Missing,
        Refused,
    ) as error:  # paid meanwhile, being paid, or the card is gone: the reminder goes on
        log.info("card.not_charged", invoice=item.payload["invoice"], why=str(error))
        let_go()


def _key(invoice: Invoice, k: int) -> str:
    return f"inv:{invoice.uid}:auto:{k}"


def _of_try(invoice: Invoice, k: int) -> CheckoutAttempt | None:
    return db.session.scalars(
        select(CheckoutAttempt).where(
            CheckoutAttempt.invoice_id == invoice.id, CheckoutAttempt.auto_key == _key(invoice, k)
        )
    ).first()


def _begin(row: Invoice, k: int) -> CheckoutAttempt:
    card = card_of(row.party)
    if not offered() or card is None:
        raise Missing(_l("This payer has no card on file."))
    if row.currency != LEDGER_CURRENCY:
        raise Refused(_l("This invoice is paid by bank transfer."))
    if row.state is not InvoiceState.OPEN or not owed(row):
        raise Refused(_l("Nothing is left to pay on this invoice."))
    live = attempts.live_of(row)
    if live is not None and (live.state is T.PROCESSING or live.card_id is not None):
        raise Refused(_l("A payment for this invoice is being processed. Please wait until it is through."))
    if live is not None:
        attempts.give_up(live)
    made = attempts.new(row, owed(row), gateway=gateway.STRIPE, card=card)
    made.auto_key = _key(row, k)
    audit.record(
        "card.charged", row, by="saved cards", org_id=row.party.org_id, amount=made.amount, card=card.words
    )
    return made


def settle_charge(uid: str) -> AttemptState:
    """Take a charge of a card on file as far as it gets; safe to repeat after a crash at any point."""
    let_go()
    with transaction():
        attempt = attempts.by_uid(uid, lock=True)
        card = attempt.card
        if card is None or attempt.state is not T.CREATING:
            return attempt.state
        invoice_id, customer = attempt.invoice_id, card.customer
        old = clock.now() - attempt.created_at > REMEMBERED
        words = {
            "key": str(attempt.auto_key), "invoice_uid": attempt.invoice.uid, "attempt_uid": uid,
            "customer": customer, "method": card.method,
        }  # fmt: skip
        amount = attempt.amount
    found = gateway_books.find_payment(customer, uid) if old else None
    if found is None:
        found = gateway_books.charge_saved(amount=amount, **words)
    with transaction():
        invoice = locked(invoice_id)
        attempt = attempts.by_uid(uid, lock=True)
        if attempt.state is T.CREATING:
            move(attempt, T.OPEN)
            attempt.session_id = found.id or None
            online.take_over(attempt, invoice, found)
        return attempt.state


def sweep() -> int:
    """Go on with charges that a crash left between asking and booking; return how many were looked at."""
    waiting = select(CheckoutAttempt.uid).where(
        CheckoutAttempt.state == T.CREATING, CheckoutAttempt.card_id.is_not(None)
    )
    uids = db.session.scalars(waiting).all()
    for uid in uids:
        try:
            settle_charge(uid)
        except Exception:
            log.exception("card.failed", attempt=uid)
            let_go()
    return len(uids)
