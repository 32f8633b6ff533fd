"""What the provider's books say: disputes, payouts with fees, what happened lately, and charging a card on file.

Beside `gateway`, whose client and rules it uses; nothing here runs inside a transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portal.billing import gateway
from portal.billing.sessions import Disputed, Moved, PaidOut, Recent, Session
from portal.core import clock
from portal.core.money import Money

KINDS: list[Any] = [
    "checkout.session.completed", "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed", "checkout.session.expired", "payment_intent.payment_failed",
    "payment_intent.succeeded", "charge.refunded", "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "payout.paid", "payout.failed",
]  # fmt: skip
OPENED_UP: list[Any] = ["latest_charge"]
SOURCES: list[Any] = ["data.source"]


def _sum(minor: Any, currency: Any) -> Money:
    return Money(int(minor or 0), str(currency or "cny").upper())


def _instant(stamp: Any) -> datetime | None:
    return datetime.fromtimestamp(int(stamp), UTC) if stamp else None


def _names(thing: Any) -> tuple[str, ...]:
    """Return by which names a payment may be known: its intent and its charge."""
    given = (getattr(thing, "payment_intent", None), getattr(thing, "charge", None))
    own = getattr(thing, "id", "") if getattr(thing, "object", "") == "charge" else ""
    found = [one if isinstance(one, str) else getattr(one, "id", "") for one in given if one]
    return tuple(name for name in (*found, own) if name)


def fetch_dispute(dispute_id: str) -> Disputed:
    """Return a dispute as it stands now."""
    gateway.outside()
    made = gateway.client().v1.disputes.retrieve(dispute_id)
    return Disputed(
        id=made.id, names=_names(made), amount=_sum(made.amount, made.currency),
        reason=str(made.reason or "")[:60], status=str(made.status or ""),
        answer_by=_instant(getattr(getattr(made, "evidence_details", None), "due_by", None)),
        live=bool(getattr(made, "livemode", False)),
    )  # fmt: skip


def _moved(made: Any) -> Moved:
    source = getattr(made, "source", None)
    return Moved(
        id=made.id, kind=str(getattr(made, "type", ""))[:40], gross=_sum(made.amount, made.currency),
        fee=_sum(made.fee, made.currency), net=_sum(made.net, made.currency),
        names=(source,) if isinstance(source, str) else _names(source),
    )  # fmt: skip


def fees(payout_id: str) -> PaidOut:
    """Return a payout as it stands now with the movements in it: what each brought and what it cost."""
    gateway.outside()
    client = gateway.client()
    made = client.v1.payouts.retrieve(payout_id)
    params: Any = {"payout": payout_id, "limit": 100, "expand": SOURCES}
    lines = [_moved(one) for one in client.v1.balance_transactions.list(params).auto_paging_iter()]
    arrives = _instant(made.arrival_date) or clock.now()
    return PaidOut(
        id=made.id, amount=_sum(made.amount, made.currency), arrives_on=clock.day_of(arrives),
        status=str(made.status or ""), live=bool(getattr(made, "livemode", False)),
        lines=tuple(one for one in lines if one.kind != "payout"),
    )  # fmt: skip


def recent(since: datetime) -> Recent:
    """Return what happened since an instant, oldest first: what lost events would have told."""
    gateway.outside()
    if gateway.which() != gateway.STRIPE:
        return Recent()
    client, created = gateway.client(), {"gte": int(since.timestamp())}
    asked: Any = {"created": created, "limit": 100}
    sessions = list(client.v1.checkout.sessions.list(asked).auto_paging_iter())
    told: Any = {**asked, "types": KINDS}
    events = [one.to_dict(for_json=True) for one in client.v1.events.list(told).auto_paging_iter()]
    payouts = [one.id for one in client.v1.payouts.list(asked).auto_paging_iter()]
    return Recent(
        tuple(gateway.session_of(one) for one in reversed(sessions)),
        tuple(reversed(events)),
        tuple(reversed(payouts)),
    )


def charge_saved(
    *, key: str, invoice_uid: str, attempt_uid: str, amount: Money, customer: str, method: str
) -> Session:
    """Charge a card on file without its payer; with the same key it happens once.

    A bank that refuses, or that wants its payer to be there, is an answer and no error.
    """
    gateway.outside()
    params: Any = {
        "amount": amount.minor, "currency": amount.currency.lower(), "customer": customer,
        "payment_method": method, "off_session": True, "confirm": True,
        "metadata": {"invoice": invoice_uid, "attempt": attempt_uid},
    }  # fmt: skip
    try:
        return _payment(gateway.client().v1.payment_intents.create(params, {"idempotency_key": key}))
    except gateway.library().CardError as error:
        said = error.error
        intent = getattr(getattr(said, "payment_intent", None), "id", None) or ""
        why = str(getattr(said, "decline_code", None) or error.code or "card_declined")
        return Session(
            id=intent, url="", status="complete", paid=False, failed=True, amount=amount, reference=invoice_uid,
            payment=intent, wallet=False, live=gateway.live_mode(), why=why,
        )  # fmt: skip


def _payment(made: Any) -> Session:
    """Read a payment intent as if it were a session: what waits for its payer has failed without him."""
    done = made.status == "succeeded"
    why = getattr(getattr(made, "last_payment_error", None), "code", None)
    if made.status == "requires_action":
        why = "authentication_required"
    return Session(
        id=made.id, url="", status="complete", paid=done,
        failed=made.status in {"requires_payment_method", "requires_action", "canceled"},
        amount=_sum(made.amount, made.currency), reference=str(getattr(made.metadata, "invoice", None) or ""),
        payment=made.id, wallet=False, live=bool(getattr(made, "livemode", False)), why=str(why or ""),
    )  # fmt: skip


def fetch_payment(payment: str) -> Session:
    """Return a charge of a card on file as it stands now."""
    gateway.outside()
    params: Any = {"expand": OPENED_UP}
    return _payment(gateway.client().v1.payment_intents.retrieve(payment, params))


def mark_of(payment: str) -> str:
    """Return the uid of the attempt that a payment was made for; empty if it carries no mark of ours."""
    gateway.outside()
    made = gateway.client().v1.payment_intents.retrieve(payment)
    return str(getattr(made.metadata, "attempt", None) or "")


def find_payment(customer: str, attempt_uid: str) -> Session | None:
    """Return the charge of a card on file that carries our mark: the provider forgets keys after a day."""
    gateway.outside()
    params: Any = {"customer": customer, "limit": 100}
    for made in gateway.client().v1.payment_intents.list(params).auto_paging_iter():
        if getattr(made.metadata, "attempt", None) == attempt_uid:
            return _payment(made)
    return None


def forget_card(method: str) -> None:
    """Have a card taken off its customer; one that is gone already is no error."""
    gateway.outside()
    if gateway.which() != gateway.STRIPE:
        return
    try:
        gateway.client().v1.payment_methods.detach(method)
    except gateway.library().InvalidRequestError:
        return
