"""Messages on their way: one after the other in each stream, at least once each, tried for three days.

The order holds without a lock on whoever makes news: a message that is not the first of its stream steps back, and the
one before it wakes it. Each side takes the other's row before it decides, so that neither can miss the other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from portal.accounts import hook_letters, hooks
from portal.accounts.hook_models import (
    DeliveryState,
    EndpointState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from portal.core import audit, clock, outbox, outgoing, signatures
from portal.core.db import db, let_go, reading, transaction
from portal.core.outbox import Claim, Finish
from portal.core.states import move

log = structlog.get_logger(__name__)
# How long to wait after each failure: together a little more than three days.
WAITS = tuple(
    timedelta(seconds=one) for one in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)  # fmt: skip
GONE = 410
KEEP = timedelta(days=90)


@outbox.handles(hooks.WORK, _l("Webhook"))
def _carry(item: Claim) -> Finish | None:
    """Hand one message over, if it is its turn."""
    uid = item.payload["delivery"]
    with reading():
        row = db.session.scalars(select(WebhookDelivery).where(WebhookDelivery.uid == uid)).one()
        number, state, before = row.id, row.endpoint.state, _before(row)
        if row.state is not DeliveryState.WAITING or state is EndpointState.ENDED:
            return None
        if state is EndpointState.STOPPED:
            return lambda: _wait_for(item, number)
        if before is not None:
            return lambda: _step_behind(item, number, before)
        url, name, body, held = (
            row.endpoint.url,
            row.message,
            row.body.encode(),
            hooks.secrets_of(row.endpoint),
        )
    let_go()
    now = clock.now()
    try:
        answer = outgoing.post(url, body, signatures.headers(held, name, int(now.timestamp()), body))
        status, millis, error = answer.status, answer.millis, ""
    except outgoing.Unreachable as unreachable:
        status, millis, error = None, 0, str(unreachable)
    return lambda: _note(number, now, status, millis, error)


def _before(row: WebhookDelivery) -> int | None:
    """Return the message that has to go before one; None if it is its turn. Replays wait for nobody."""
    if row.replay:
        return None
    earlier = select(WebhookDelivery.id).where(
        hooks.in_line(row.endpoint_id),
        WebhookDelivery.stream == row.stream,
        WebhookDelivery.sequence < row.sequence,
    )
    return db.session.scalar(earlier.order_by(WebhookDelivery.sequence).limit(1))


def _taken(number: int) -> WebhookDelivery | None:
    """Take a message that waits, as it is now; None if it waits no more."""
    taken = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id == number, WebhookDelivery.state == DeliveryState.WAITING)
        .values(tries=WebhookDelivery.tries)
        .returning(WebhookDelivery)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).first()


def _step_behind(item: Claim, number: int, before: int) -> None:
    """Leave it to the message before to wake this one; go on at once if that is gone meanwhile."""
    gone = _taken(before) is None
    row = _taken(number)
    if row is not None:
        row.behind = True
        if gone:
            hooks.wake(row, f"again:{item.id}")


def _wait_for(item: Claim, number: int) -> None:
    """Leave it to whoever resumes the address; go on at once if it was resumed meanwhile."""
    row = _taken(number)
    if row is None:
        return
    row.behind = True
    if hooks.locked(row.endpoint).state is EndpointState.ACTIVE:
        hooks.wake(row, f"again:{item.id}")


def _note(number: int, at: datetime, status: int | None, millis: int, error: str) -> None:
    """Keep what came of an attempt, and file what follows: the next message, another attempt, or the end of trying."""
    row = _taken(number)
    if row is None:
        return
    db.session.add(WebhookAttempt(delivery=row, at=at, status=status, millis=millis, error=error[:200]))
    row.tries += 1
    if status is not None and 200 <= status < 300:
        _delivered(row)
    elif status == GONE or row.tries > len(WAITS):
        _stop(row)
    else:
        row.next_at = clock.now() + WAITS[row.tries - 1]
        _failing(row.endpoint_id, at)
        hooks.send(row, f"try:{row.endpoint.edition}:{at.timestamp():.0f}:{row.tries}", after=row.next_at)


def _failing(endpoint_id: int, since: datetime | None) -> None:
    """Note since when an address fails (None: it works); written only where that changes."""
    statement = update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    field = WebhookEndpoint.failing_since
    statement = statement.where(field.is_not(None) if since is None else field.is_(None))
    db.session.execute(statement.values(failing_since=since).execution_options(synchronize_session=False))


def _delivered(row: WebhookDelivery) -> None:
    row.done_at, row.next_at = clock.now(), None
    move(row, DeliveryState.DELIVERED)
    db.session.flush()
    _failing(row.endpoint_id, None)
    _wake_next(row)


def _wake_next(row: WebhookDelivery) -> None:
    """File the message after one, which may have stepped back for it."""
    if row.replay:
        return
    later = select(WebhookDelivery).where(
        hooks.in_line(row.endpoint_id),
        WebhookDelivery.stream == row.stream,
        WebhookDelivery.sequence > row.sequence,
    )
    after = db.session.scalars(later.order_by(WebhookDelivery.sequence).limit(1)).first()
    if after is not None:
        hooks.wake(after, f"after:{row.uid}")


def _stop(row: WebhookDelivery) -> None:
    """Stop an address that failed for days, or said that it is gone; everything that waits stays, and its owners are told."""
    row.next_at, row.behind = None, True
    endpoint = hooks.locked(row.endpoint)
    if row.replay:
        row.done_at = clock.now()
        move(row, DeliveryState.SKIPPED)
    if endpoint.state is not EndpointState.ACTIVE:
        return  # another message stopped it, or a person ended it
    move(endpoint, EndpointState.STOPPED)
    endpoint.stopped_at = clock.now()
    audit.record("webhook.stopped", endpoint, by="webhooks", org_id=endpoint.org_id, url=endpoint.url)
    hook_letters.stopped(endpoint)


def skip(row: WebhookDelivery, *, by: Any) -> bool:
    """Leave a message out, asked for by a person, so that those behind it go on; False if it waits no more."""
    taken = _taken(row.id)
    if taken is None:
        return False
    taken.done_at, taken.next_at = clock.now(), None
    move(taken, DeliveryState.SKIPPED)
    db.session.flush()
    endpoint = taken.endpoint
    audit.record("webhook.skipped", endpoint, by=by, org_id=endpoint.org_id, message=taken.message)
    _wake_next(taken)
    return True


def forget() -> int:
    """Delete messages that were done with 90 days ago; return how many."""
    with transaction():
        old = select(WebhookDelivery.id).where(WebhookDelivery.done_at < clock.now() - KEEP)
        db.session.execute(delete(WebhookAttempt).where(WebhookAttempt.delivery_id.in_(old)))
        gone = delete(WebhookDelivery).where(WebhookDelivery.done_at < clock.now() - KEEP)
        return len(db.session.execute(gone.returning(WebhookDelivery.id)).all())
