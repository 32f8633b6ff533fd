"""The provider's events: taken in signed and once, worked later; each is a hint to look at the fact again."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import attempts, disputes, gateway, hearing, online, sending, tracing
from portal.billing.checkout_models import GatewayEvent, Trouble
from portal.billing.money_models import Refund
from portal.billing.sessions import SentBack
from portal.core import audit, clock, outbox
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.core.settings import settings


def receive(raw: bytes, header: str) -> bool:
    """Take an event in: checked, stored once, to be worked after; False for one that is here already."""
    event = gateway.opened_event(raw, header)
    if bool(event.get("livemode")) != gateway.live_mode():
        with transaction():
            attempts.alert(f"mode:{event['id']}", Trouble.MODE, f"{event['type']} {event['id']}")
        raise Refused("This event is of the other mode.", status=400)
    return keep(event)


def foreign(event: dict[str, Any]) -> bool:
    """Whether an event names an account of the provider that is not ours."""
    account = event.get("account")
    return bool(account) and account != settings().stripe_account


def keep(event: dict[str, Any]) -> bool:
    """Store an event that is known to be the provider's, once; one of another account is set aside with an alert."""
    name, kind = str(event["id"])[:120], str(event["type"])[:80]
    with transaction():
        if db.session.scalar(select(GatewayEvent.id).where(GatewayEvent.event_id == name)) is not None:
            return False
        # The outbox's unique key elects one of two that arrive at once.
        if not outbox.queue("gateway_event", f"gateway_event:{name}", {"id": name}):
            return False
        row = GatewayEvent(event_id=name, kind=kind, body=event)
        db.session.add(row)
        if foreign(event):
            row.error = f"account {event['account']}"[:500]
            attempts.alert(f"account:{name}", Trouble.ACCOUNT, f"{kind} {event['account']}")
    return True


def _event(name: str) -> GatewayEvent:
    return db.session.scalars(select(GatewayEvent).where(GatewayEvent.event_id == name)).one()


@outbox.handles("gateway_event", _l("News of the payment page"))
def _work(item: outbox.Claim) -> outbox.Finish:
    name = item.payload["id"]
    row = _event(name)
    data = row.body.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    kind, thing, aside = row.kind, about if isinstance(about, dict) else {}, foreign(row.body)
    let_go()
    if not aside:
        try:
            look(kind, thing)
        except Exception as error:
            _failed(name, error)
            raise

    def finish() -> None:
        fresh = _event(name)
        fresh.worked_at, fresh.tries = clock.now(), fresh.tries + 1
        fresh.error = fresh.error if aside else ""

    return finish


def _failed(name: str, error: Exception) -> None:
    """Keep with an event why it could not be worked; the outbox tries again, later each time."""
    let_go()
    with transaction():
        row = _event(name)
        row.tries, row.error = row.tries + 1, f"{type(error).__name__}: {error}"[:500]


def replay(row: GatewayEvent, *, by: Person) -> None:
    """Work an event once more, asked for by a person; as safe as the first time."""
    if foreign(row.body):
        raise Refused(_l("This event is of another account: it stays set aside."))
    row.replays += 1
    outbox.queue("gateway_event", f"gateway_event:{row.event_id}#{row.replays}", {"id": row.event_id})
    audit.record("event.replayed", row, by=by, kind=row.kind)


def look(kind: str, thing: dict[str, Any]) -> None:
    """Look again at what an event is about; kinds we do not know are kept and left alone."""
    name = _text(thing, "id")
    if kind.startswith("checkout.session."):
        online.settle(name)
    elif kind.startswith("payment_intent."):
        _payment(name, thing)
    elif kind.startswith(("refund.", "charge.refund.")) and name:
        _refund(gateway.fetch_refund(gateway.STRIPE, name))
    elif kind == "charge.refunded":
        payment = _text(thing, "payment_intent") or name
        for found in gateway.refunds_of(payment):
            _refund(found)
    elif kind.startswith("charge.dispute.") and name:
        hearing.settle_dispute(name)
    elif kind in {"payout.paid", "payout.failed"} and name:
        hearing.settle_payout(name)


def _text(thing: dict[str, Any], key: str) -> str:
    value = thing.get(key)
    return value if isinstance(value, str) else ""


def _payment(name: str, thing: dict[str, Any]) -> None:
    """Look again at the attempt that a payment belongs to: it carries its name as a mark."""
    marks = thing.get("metadata")
    tracing.settle_attempt(_text(marks, "attempt") if isinstance(marks, dict) else "", name)


def _refund(told: SentBack) -> None:
    ours = select(Refund.uid).where(
        (Refund.uid == told.uid) | ((Refund.outcome_ref == told.id) & (told.id != ""))
    )
    found = db.session.scalar(ours)
    let_go()
    if found is not None:
        sending.settle_refund(found)
        return
    tracing.bring((told.payment,))
    with transaction():
        receipt = disputes.paid_as((told.payment,))
        if receipt is not None and told.status != "failed":
            said = f"{told.id} {told.amount}"
            attempts.alert(f"outside:{told.id}", Trouble.REFUNDED_OUTSIDE, said, receipt=receipt)
