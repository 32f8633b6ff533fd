"""The provider's events: taken in signed and once, worked later; each is a hint to look at the fact again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from portal.billing import attempts, gateway, online, sending
from portal.billing.checkout_models import GatewayEvent, Trouble
from portal.billing.money_models import Receipt, Refund
from portal.core import clock, outbox
from portal.core.db import db, let_go, transaction


def receive(raw: bytes, header: str) -> bool:
    """Take an event in: checked, stored once, to be worked after; False for one that is here already."""
    event = gateway.opened_event(raw, header)
    name = str(event["id"])[:120]
    with transaction():
        if db.session.scalar(select(GatewayEvent.id).where(GatewayEvent.event_id == name)) is not None:
            return False
        # The outbox's unique key elects one of two that arrive at once.
        if not outbox.queue("gateway_event", f"gateway_event:{name}", {"id": name}):
            return False
        db.session.add(GatewayEvent(event_id=name, kind=str(event["type"])[:80], body=event))
    return True


def _event(name: str) -> GatewayEvent:
    return db.session.scalars(select(GatewayEvent).where(GatewayEvent.event_id == name)).one()


@outbox.handles("gateway_event")
def _work(item: outbox.Claim) -> outbox.Finish:
    row = _event(item.payload["id"])
    data = row.body.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    kind, thing = row.kind, about if isinstance(about, dict) else {}
    let_go()
    _look(kind, thing)

    def finish() -> None:
        _event(item.payload["id"]).worked_at = clock.now()

    return finish


def _look(kind: str, thing: dict[str, Any]) -> None:
    """Look again at what an event is about; kinds we do not know are kept and left alone."""
    name = str(thing.get("id", ""))
    if kind.startswith("checkout.session."):
        online.settle(name)
    elif kind.startswith(("refund.", "charge.refund.")):
        _refund(name, thing)
    elif kind.startswith("charge.dispute."):
        with transaction():
            receipt = _receipt(thing)
            if receipt is not None:
                words = f"{thing.get('status', '')} {thing.get('reason', '')}".strip()
                attempts.alert(f"dispute:{name}", Trouble.DISPUTE, words, receipt=receipt)


def _receipt(thing: dict[str, Any]) -> Receipt | None:
    return db.session.scalars(
        select(Receipt).where(
            Receipt.provider == gateway.STRIPE, Receipt.provider_ref == str(thing.get("payment_intent", ""))
        )
    ).first()


def _refund(name: str, thing: dict[str, Any]) -> None:
    marks = thing.get("metadata")
    uid = str(marks.get("refund", "")) if isinstance(marks, dict) else ""
    ours = select(Refund.uid).where((Refund.uid == uid) | ((Refund.outcome_ref == name) & (name != "")))
    found = db.session.scalar(ours)
    let_go()
    if found is not None:
        sending.settle_refund(found)
        return
    with transaction():
        receipt = _receipt(thing)
        if receipt is not None:
            attempts.alert(f"outside:{name}", Trouble.REFUNDED_OUTSIDE, name, receipt=receipt)
