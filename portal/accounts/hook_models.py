"""Webhooks of organisations: where news is sent, each message on its way, each attempt to hand it over."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


def _uid() -> str:
    return uuid.uuid4().hex


class EndpointState(StrEnum):
    """The life of an address to which news is sent."""

    ACTIVE = "active"
    STOPPED = "stopped"
    ENDED = "ended"


E = EndpointState
ENDPOINT_LIFE = life(EndpointState, {E.ACTIVE: [E.STOPPED, E.ENDED], E.STOPPED: [E.ACTIVE, E.ENDED]})
labels.name(
    EndpointState,
    {E.ACTIVE: _l("Receives news"), E.STOPPED: _l("Stopped after failures"), E.ENDED: _l("Ended endpoint")},
    {E.ACTIVE: "good", E.STOPPED: "bad"},
)


class DeliveryState(StrEnum):
    """The life of one message on its way to one address."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    SKIPPED = "skipped"


D = DeliveryState
DELIVERY_LIFE = life(DeliveryState, {D.WAITING: [D.DELIVERED, D.SKIPPED]})
labels.name(
    DeliveryState,
    {D.WAITING: _l("On its way"), D.DELIVERED: _l("Delivered"), D.SKIPPED: _l("Left out by a person")},
    {D.WAITING: "wait", D.DELIVERED: "good"},
)


class WebhookEndpoint(Model):
    """An address of an organisation. The secret lies sealed; during a rotation the former one signs too."""

    __tablename__ = "webhook_endpoint"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(innerjoin=True)
    url: Mapped[str] = mapped_column(String(500))
    topics: Mapped[list[str]] = mapped_column(JSON)
    by_name: Mapped[str] = mapped_column(String(120))
    state: Mapped[EndpointState] = mapped_column(choice(EndpointState), default=E.ACTIVE)
    sealed: Mapped[str] = mapped_column(String(300), init=False, default="")
    former: Mapped[str] = mapped_column(String(300), init=False, default="")
    former_until: Mapped[datetime | None] = mapped_column(init=False, default=None)
    failing_since: Mapped[datetime | None] = mapped_column(init=False, default=None)
    stopped_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=0)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)

    @property
    def seal(self) -> str:
        """Return what its secrets are bound to."""
        return f"webhook endpoint {self.uid}"


class WebhookDelivery(Model):
    """A message for one address. Those of one `stream` go one after the other, by `sequence`; replays beside them.

    `behind`: its work was done without sending it, and whoever stood in its way files it anew.
    """

    __tablename__ = "webhook_delivery"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=_uid)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoint.id"), init=False)
    endpoint: Mapped[WebhookEndpoint] = relationship(innerjoin=True)
    message: Mapped[str] = mapped_column(String(40), index=True)
    kind: Mapped[str] = mapped_column(String(60))
    stream: Mapped[str] = mapped_column(String(80))
    sequence: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    replay: Mapped[bool] = mapped_column(default=False)
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState), init=False, default=D.WAITING)
    behind: Mapped[bool] = mapped_column(init=False, default=False)
    tries: Mapped[int] = mapped_column(init=False, default=0)
    next_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    done_at: Mapped[datetime | None] = mapped_column(init=False, default=None, index=True)
    __table_args__ = (
        CheckConstraint("(state = 'waiting') = (done_at IS NULL)", name="done"),
        Index(
            "uq_webhook_delivery_once",
            "endpoint_id",
            "stream",
            "sequence",
            unique=True,
            sqlite_where=literal_column("NOT replay"),
            postgresql_where=literal_column("NOT replay"),
        ),
        Index(
            "ix_webhook_delivery_waiting",
            "endpoint_id",
            "stream",
            "sequence",
            sqlite_where=literal_column("state = 'waiting'"),
            postgresql_where=literal_column("state = 'waiting'"),
        ),
    )


class WebhookAttempt(Model):
    """One attempt to hand a message over: what was answered, or why nothing was."""

    __tablename__ = "webhook_attempt"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("webhook_delivery.id"), init=False, index=True)
    delivery: Mapped[WebhookDelivery] = relationship()
    at: Mapped[datetime]
    millis: Mapped[int]
    status: Mapped[int | None] = mapped_column(default=None)
    error: Mapped[str] = mapped_column(String(200), default="")
