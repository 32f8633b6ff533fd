"""Paying an invoice online: one live session each, settled once, whoever brings the news."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing import gateway
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, GatewayEvent
from portal.billing.issuing import locked, owed
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Way
from portal.billing.settling import put_on, record_receipt
from portal.core import audit, catalogue, clock, outbox, web
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import may_move, move

T = AttemptState
LIVE = (T.CREATING, T.OPEN, T.PROCESSING)


def offer(invoice: Invoice) -> str | None:
    """Return a sentence about paying online, or None where only a bank transfer is offered."""
    kind = gateway.which()
    if (
        not kind
        or invoice.state is not InvoiceState.OPEN
        or owed(invoice) > Money(int(catalogue.policy("online.most")))
    ):
        return None
    if kind == gateway.TEST:
        return _("Online payment goes through the test gateway here: no money moves.")
    return _("By card, Alipay or WeChat Pay.")


def _live(invoice: Invoice) -> CheckoutAttempt | None:
    return db.session.scalars(
        select(CheckoutAttempt).where(
            CheckoutAttempt.invoice_id == invoice.id, CheckoutAttempt.state.in_(LIVE)
        )
    ).first()


def begin(invoice: Invoice) -> str:
    """Return the address of the payment page: the live session's if its sum is right, else a new one's."""
    if offer(invoice) is None:
        raise Refused(_l("This invoice is paid by bank transfer."))
    number = invoice.id
    with transaction():
        row = locked(number)
        attempt = _live(row)
        stale = (
            attempt
            if attempt is not None and attempt.amount != owed(row) and attempt.state is not T.PROCESSING
            else None
        )
        if stale is not None:
            move(stale, T.EXPIRED if stale.state is T.OPEN else T.FAILED)
            db.session.flush()
            if stale.session_id:
                outbox.queue("expire_session", f"expire_session:{stale.uid}", {"id": stale.session_id})
            attempt = None
        if attempt is None:
            used = db.session.scalar(select(func.count()).where(CheckoutAttempt.invoice_id == row.id)) or 0
            attempt = CheckoutAttempt(invoice=row, n=used + 1, amount=owed(row), gateway=gateway.which())
            db.session.add(attempt)
            db.session.flush()
        if attempt.state is T.PROCESSING:
            raise Refused(
                _l("A payment for this invoice is being processed. Please wait until it is through.")
            )
        if attempt.state is T.OPEN:
            return attempt.url
        words: dict[str, Any] = {
            "key": f"inv:{row.uid}:attempt:{attempt.n}", "invoice_uid": row.uid, "number": str(row.number),
            "amount": attempt.amount, "success_url": web.absolute("pay.back", uid=attempt.uid),
        }  # fmt: skip
        uid = attempt.uid
    session = gateway.open_checkout(**words)
    with transaction():
        attempt = by_uid(uid, lock=True)
        if attempt.state is T.CREATING:
            move(attempt, T.OPEN)
            attempt.session_id, attempt.url = session.id, session.url
        return attempt.url or session.url


def by_uid(uid: str, *, lock: bool = False) -> CheckoutAttempt:
    """Return an attempt, perhaps under its lock; refused as missing if there is none."""
    statement = select(CheckoutAttempt).where(CheckoutAttempt.uid == uid)
    if lock:
        statement = statement.with_for_update(of=CheckoutAttempt).execution_options(populate_existing=True)
    row = db.session.scalars(statement).first()
    if row is None:
        raise Refused(_l("There is no such payment."), status=404)
    return row


def settle(session_id: str) -> AttemptState | None:
    """Take over how a session ended: ask the provider, then book once. Called by webhook and return page alike."""
    let_go()
    found = gateway.fetch_checkout(session_id)
    with transaction():
        invoice_id = db.session.scalar(
            select(CheckoutAttempt.invoice_id).where(CheckoutAttempt.session_id == session_id)
        )
        if invoice_id is None:
            return None
        invoice = locked(invoice_id)
        attempt = db.session.scalars(
            select(CheckoutAttempt)
            .where(CheckoutAttempt.session_id == session_id)
            .with_for_update(of=CheckoutAttempt)
            .execution_options(populate_existing=True)
        ).one()
        _take_over(attempt, invoice, found)
        return attempt.state


def _take_over(attempt: CheckoutAttempt, invoice: Invoice, found: gateway.Session) -> None:
    if found.status == "complete" and found.paid:
        way = Way.TEST if attempt.gateway == gateway.TEST else Way.WALLET if found.wallet else Way.CARD
        fits = found.amount == attempt.amount and found.reference == invoice.uid
        receipt, new = record_receipt(
            way, attempt.gateway, found.payment, found.amount, clock.today(), payer=invoice.buyer_name,
            party=invoice.party, by="payment page",
        )  # fmt: skip
        if attempt.state is not T.PAID and may_move(attempt, T.PAID):
            move(attempt, T.PAID)
        if new and fits:
            put_on(receipt, invoice, by="payment page")
        elif new:
            audit.record(
                "receipt.does_not_fit", receipt, by="payment page", amount=found.amount, asked=attempt.amount
            )
    elif found.status == "complete" and may_move(attempt, T.PROCESSING):
        move(attempt, T.PROCESSING)
    elif found.status == "expired" and may_move(attempt, T.EXPIRED):
        move(attempt, T.EXPIRED)


def receive(raw: bytes, header: str) -> bool:
    """Take an event in: checked, stored once, to be worked after; False for one that is here already."""
    event = gateway.opened_event(raw, header)
    with transaction():
        known = select(GatewayEvent.id).where(GatewayEvent.event_id == str(event["id"])[:120])
        if db.session.scalar(known) is not None:
            return False
        if not outbox.queue(
            "gateway_event", f"gateway_event:{event['id']}"[:200], {"id": str(event["id"])[:120]}
        ):
            return False
        db.session.add(
            GatewayEvent(event_id=str(event["id"])[:120], kind=str(event["type"])[:80], body=event)
        )
    return True


@outbox.handles("gateway_event")
def _work(item: outbox.Claim) -> outbox.Finish:
    row = db.session.scalars(select(GatewayEvent).where(GatewayEvent.event_id == item.payload["id"])).one()
    about = row.body.get("data", {}).get("object", {})
    kind, session_id = row.kind, str(about.get("id", ""))
    let_go()
    if kind.startswith("checkout.session."):
        settle(session_id)
        if kind == "checkout.session.async_payment_failed":
            _fail(session_id)

    def finish() -> None:
        done = db.session.scalars(
            select(GatewayEvent).where(GatewayEvent.event_id == item.payload["id"])
        ).one()
        done.worked_at = clock.now()

    return finish


def _fail(session_id: str) -> None:
    with transaction():
        row = db.session.scalars(
            select(CheckoutAttempt).where(CheckoutAttempt.session_id == session_id)
        ).first()
        if row is not None and may_move(row, T.FAILED):
            move(row, T.FAILED)


@outbox.handles("expire_session")
def _expire(item: outbox.Claim) -> None:
    let_go()
    gateway.expire_checkout(item.payload["id"])


def sweep() -> int:
    """Settle every live attempt by asking the provider: what a lost event would have told; return how many."""
    ids = db.session.scalars(
        select(CheckoutAttempt.session_id).where(
            CheckoutAttempt.state.in_(LIVE), CheckoutAttempt.session_id.is_not(None)
        )
    ).all()
    let_go()
    for session_id in ids:
        if session_id:
            settle(session_id)
    return len(ids)
