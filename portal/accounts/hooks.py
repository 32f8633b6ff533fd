"""Webhooks for every domain: `tell` files a message with the fact; people make, rotate, stop and end endpoints.

Nothing here waits for anything: a message is a row of the transaction that made the news, and the outbox carries it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select, update

from portal.accounts.hook_models import DeliveryState, EndpointState, WebhookDelivery, WebhookEndpoint
from portal.accounts.organisations import Organisation
from portal.core import audit, clock, outbox, outgoing, signatures, vault
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.states import move

WORK, TEST = "webhook", "webhook.test"
MOST_ENDPOINTS = 10
OVERLAP = timedelta(days=1)
Kinds = Callable[[], Iterable[tuple[str, str]]]
_topics: dict[str, LazyString] = {}
_kinds: list[Kinds] = []


def offers(topics: Mapping[str, LazyString], kinds: Kinds) -> None:
    """Let a domain say which news programs may listen to: the beginning of their kinds and words for it, and each kind."""
    _topics.update(topics)
    if kinds not in _kinds:
        _kinds.append(kinds)


def topics() -> dict[str, LazyString]:
    """Return everything programs may listen to."""
    return dict(_topics)


def kinds() -> dict[str, list[tuple[str, str]]]:
    """Return each kind of news with its words, by topic."""
    known = [one for said in _kinds for one in said()]
    return {topic: [one for one in known if one[0].startswith(topic)] for topic in _topics}


def listening(org_id: int) -> list[WebhookEndpoint]:
    """Return the addresses of an organisation that were not ended, the oldest first."""
    rows = select(WebhookEndpoint).where(
        WebhookEndpoint.org_id == org_id, WebhookEndpoint.state != EndpointState.ENDED
    )
    return list(db.session.scalars(rows.order_by(WebhookEndpoint.id)))


def last_of(rows: Sequence[WebhookEndpoint], stream: str) -> int:
    """Return the last number that was told of a stream to some addresses; 0 if none."""
    asked = select(func.max(WebhookDelivery.sequence)).where(
        WebhookDelivery.endpoint_id.in_([row.id for row in rows]), WebhookDelivery.stream == stream
    )
    return db.session.scalar(asked) or 0


def tell(
    org_id: int, kind: str, *, message: str, stream: str, sequence: int, at: datetime, data: dict[str, Any]
) -> int:
    """File a message for every address of an organisation that wants it; return for how many.

    Messages of one stream arrive in the order of their sequence. Call it in the transaction that makes the news.
    """
    rows = [one for one in listening(org_id) if wants(one, kind)]
    if not rows:
        return 0
    body = json.dumps(
        {"type": kind, "timestamp": _spelt(at), "data": data}, ensure_ascii=False, separators=(",", ":")
    )
    for row in rows:
        made = WebhookDelivery(
            endpoint=row, message=message, kind=kind, stream=stream, sequence=sequence, body=body
        )
        db.session.add(made)
        send(made, "new")
    return len(rows)


def wants(row: WebhookEndpoint, kind: str) -> bool:
    """Whether an address listens to a kind of news; one without topics listens to all."""
    return not row.topics or kind.startswith(tuple(row.topics))


def _spelt(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def send(row: WebhookDelivery, why: str, *, after: datetime | None = None) -> None:
    """File the work of handing a message over; asked again for the same reason it does nothing."""
    outbox.queue(WORK, f"{WORK}:{row.uid}:{why}", {"delivery": row.uid}, after=after)


def wake(row: WebhookDelivery, why: str) -> None:
    """File the work of a message that stepped back; one whose own work is still to be done needs no other."""
    if row.behind:
        row.behind = False
        db.session.flush()
        send(row, why)


def heads(row: WebhookEndpoint) -> list[WebhookDelivery]:
    """Return the first waiting message of each stream: the others wait behind it."""
    first = (
        select(WebhookDelivery.stream, func.min(WebhookDelivery.sequence).label("sequence"))
        .where(in_line(row.id))
        .group_by(WebhookDelivery.stream)
        .subquery()
    )
    found = select(WebhookDelivery).join(
        first, (WebhookDelivery.stream == first.c.stream) & (WebhookDelivery.sequence == first.c.sequence)
    )
    return list(db.session.scalars(found.where(in_line(row.id)).order_by(WebhookDelivery.id)))


def in_line(endpoint_id: int) -> Any:
    """Return the condition of messages that wait in the order of their streams."""
    return (
        (WebhookDelivery.endpoint_id == endpoint_id)
        & (WebhookDelivery.state == DeliveryState.WAITING)
        & WebhookDelivery.replay.is_(False)
    )


def locked(row: WebhookEndpoint) -> WebhookEndpoint:
    """Take an address for a change, and return it as it is now."""
    taken = (
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == row.id)
        .values(edition=WebhookEndpoint.edition + 1)
        .returning(WebhookEndpoint)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).one()


# ---- What people do


def add(org: Organisation, url: str, wished: Sequence[str], *, by: Any) -> tuple[WebhookEndpoint, str]:
    """Add an address; return it and its secret, which nobody can read again."""
    alive = select(func.count(WebhookEndpoint.id)).where(
        WebhookEndpoint.org_id == org.id, WebhookEndpoint.state != EndpointState.ENDED
    )
    if (db.session.scalar(alive) or 0) >= MOST_ENDPOINTS:
        raise Refused(_l("There are many addresses already. Please end one first."), status=422)
    row = WebhookEndpoint(
        org=org, url=outgoing.checked(url.strip()), topics=[one for one in wished if one in _topics], by_name=str(getattr(by, "name", by))[:120],
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    secret = signatures.fresh()
    row.sealed = vault.seal(secret, bound_to=row.seal)
    audit.record("webhook.added", row, by=by, org_id=org.id, url=row.url, topics=row.topics)
    return row, secret


def rotate(row: WebhookEndpoint, *, by: Any) -> str:
    """Give an address a new secret; for a day messages are signed by both."""
    row = locked(row)
    _alive(row)
    secret = signatures.fresh()
    row.former, row.former_until = row.sealed, clock.now() + OVERLAP
    row.sealed = vault.seal(secret, bound_to=row.seal)
    audit.record("webhook.secret_rotated", row, by=by, org_id=row.org_id)
    return secret


def secrets_of(row: WebhookEndpoint) -> list[str]:
    """Return the secrets that sign now, the present one first."""
    held = [row.sealed]
    if row.former and row.former_until is not None and clock.now() < row.former_until:
        held.append(row.former)
    return [vault.unseal(one, bound_to=row.seal) for one in held]


def resume(row: WebhookEndpoint, *, by: Any) -> None:
    """Let a stopped address receive again, from the first message it did not get."""
    for one in heads(row):  # before the address is taken, as whoever notes an attempt does
        one.tries = 0
    db.session.flush()
    row = locked(row)
    if row.state is not EndpointState.STOPPED:
        raise Refused(_l("This address is not stopped."))
    move(row, EndpointState.ACTIVE)
    row.failing_since = row.stopped_at = None
    db.session.flush()
    for one in heads(row):
        wake(one, f"resumed:{row.edition}")
    audit.record("webhook.resumed", row, by=by, org_id=row.org_id)


def end(row: WebhookEndpoint, *, by: Any) -> None:
    """End an address: nothing is sent there any more; its secrets are forgotten."""
    row = locked(row)
    if row.state is EndpointState.ENDED:
        return
    move(row, EndpointState.ENDED)
    row.ended_at, row.former, row.sealed = clock.now(), "", ""
    audit.record("webhook.ended", row, by=by, org_id=row.org_id, url=row.url)


def test(row: WebhookEndpoint, *, by: Any) -> WebhookDelivery:
    """Send a message that says only that it is a test."""
    row = locked(row)
    _alive(row)
    body = {"type": TEST, "timestamp": _spelt(clock.now()), "data": {"organisation": row.org.uid}}
    made = WebhookDelivery(
        endpoint=row, message=f"test_{row.uid[:16]}_{row.edition}", kind=TEST, stream="test", sequence=row.edition,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    send(made, "new")
    return made


def replay(row: WebhookDelivery, *, by: Any) -> WebhookDelivery:
    """Send a message once more, beside the order of its stream; the receiver knows it by its id."""
    endpoint = locked(row.endpoint)
    _alive(endpoint)
    if row.state is DeliveryState.WAITING and not row.replay:
        raise Refused(_l("This message is on its way still."))
    made = WebhookDelivery(
        endpoint=endpoint, message=row.message, kind=row.kind, stream=row.stream, sequence=row.sequence, body=row.body, replay=True
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    send(made, "new")
    audit.record("webhook.replayed", endpoint, by=by, org_id=endpoint.org_id, message=row.message)
    return made


def _alive(row: WebhookEndpoint) -> None:
    if row.state is not EndpointState.ACTIVE:
        raise Refused(_l("Nothing is sent to this address at the moment."))


# ---- What is read


def of(org: Organisation) -> list[WebhookEndpoint]:
    """Return the addresses of an organisation that are not ended, the oldest first."""
    return listening(org.id)


def found(orgs: frozenset[int], uid: str) -> WebhookEndpoint:
    """Return one address of some organisations."""
    row = db.session.scalars(
        select(WebhookEndpoint).where(WebhookEndpoint.uid == uid, WebhookEndpoint.org_id.in_(orgs))
    ).first()
    if row is None:
        raise Missing(_l("There is no such address."))
    return row


def delivery(row: WebhookEndpoint, uid: str) -> WebhookDelivery:
    """Return one message of an address."""
    one = db.session.scalars(
        select(WebhookDelivery).where(WebhookDelivery.uid == uid, WebhookDelivery.endpoint_id == row.id)
    ).first()
    if one is None:
        raise Missing(_l("There is no such message."))
    return one


def deliveries(row: WebhookEndpoint, state: str = "") -> Select[WebhookDelivery]:
    """Select the messages of an address, the newest first."""
    rows = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == row.id)
    if state in set(DeliveryState):
        rows = rows.where(WebhookDelivery.state == DeliveryState(state))
    return rows.order_by(WebhookDelivery.id.desc())


def waiting(row: WebhookEndpoint) -> int:
    """Return how many messages wait for an address."""
    asked = select(func.count(WebhookDelivery.id)).where(
        WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == DeliveryState.WAITING
    )
    return db.session.scalar(asked) or 0
