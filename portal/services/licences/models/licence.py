"""A licence with its entitlements, its dated terms, its keys and the reasons for which it is suspended."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    event,
    inspect,
    literal_column,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life
from portal.services.licences.kinds import ClosedWhy, HoldReason, Policy, TermKind
from portal.services.licences.models.ids import naming


class LicenceState(StrEnum):
    """What is stored of a licence's life; in force, in grace or expired is derived from its terms."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


L = LicenceState
LICENCE_LIFE = life(
    LicenceState,
    {
        L.PENDING: [L.ACTIVE, L.CANCELLED],
        L.ACTIVE: [L.SUSPENDED, L.REVOKED, L.SUPERSEDED],
        L.SUSPENDED: [L.ACTIVE, L.REVOKED, L.SUPERSEDED],
    },
)
FINAL = (L.REVOKED, L.SUPERSEDED, L.CANCELLED)
labels.name(
    LicenceState,
    {
        L.PENDING: _l("Not yet active"), L.ACTIVE: _l("Active"), L.SUSPENDED: _l("Suspended licence"),
        L.REVOKED: _l("Revoked for good"), L.SUPERSEDED: _l("Replaced by another"), L.CANCELLED: _l("Order cancelled"),
    },
    {L.PENDING: "wait", L.ACTIVE: "good", L.SUSPENDED: "bad", L.REVOKED: "bad"},
)  # fmt: skip


class Licence(Model):
    """The right of an organisation to run tools on nodes.

    Whatever changes it, its terms, holds, nodes or files first adds one to `rev`: that row is the lock. `sequence`
    numbers its events. `live_nodes` is a copy of the count of its live nodes. `fuse_day` and `fuse_count` count the
    fingerprints first seen on a day.
    """

    __tablename__ = "licence"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("lic"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    plan: Mapped[str] = mapped_column(String(60))
    sold: Mapped[dict[str, Any]] = mapped_column(JSON)
    policy: Mapped[Policy] = mapped_column(choice(Policy))
    lease_seconds: Mapped[int]
    warn_days: Mapped[int]
    name: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[LicenceState] = mapped_column(choice(LicenceState), default=L.PENDING, index=True)
    next_nodes: Mapped[int | None] = mapped_column(init=False, default=None)
    rev: Mapped[int] = mapped_column(init=False, default=0)
    sequence: Mapped[int] = mapped_column(init=False, default=0)
    live_nodes: Mapped[int] = mapped_column(init=False, default=0)
    fuse_day: Mapped[date | None] = mapped_column(init=False, default=None)
    fuse_count: Mapped[int] = mapped_column(init=False, default=0)
    replaced_by_id: Mapped[int | None] = mapped_column(ForeignKey("licence.id"), init=False, default=None)
    replaced_by: Mapped[Licence | None] = relationship(remote_side=[id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    tools: Mapped[list[LicenceTool]] = relationship(
        init=False, back_populates="licence", order_by="LicenceTool.id"
    )
    __table_args__ = (
        CheckConstraint("live_nodes >= 0", name="counted"),
        CheckConstraint("lease_seconds BETWEEN 300 AND 2592000", name="lease"),
        CheckConstraint("(state = 'superseded') = (replaced_by_id IS NOT NULL)", name="replaced"),
    )

    @property
    def final(self) -> bool:
        """Whether its life is over."""
        return self.state in FINAL


class LicenceTool(Model):
    """A tool that may run under a licence. An organisation has one live licence per tool, which the index guards."""

    __tablename__ = "licence_tool"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False)
    licence: Mapped[Licence] = relationship(back_populates="tools")
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation] = relationship()
    tool: Mapped[str] = mapped_column(String(60))
    features: Mapped[list[str]] = mapped_column(JSON)
    most_version: Mapped[str] = mapped_column(String(40), default="")
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        UniqueConstraint("licence_id", "tool"),
        Index(
            "uq_licence_tool_live",
            "org_id",
            "tool",
            unique=True,
            sqlite_where=literal_column("ended_at IS NULL"),
            postgresql_where=literal_column("ended_at IS NULL"),
        ),
    )


class LicenceTerm(Model):
    """A number of nodes for `[starts_at, ends_at)`, written once per source; only its early end is ever added."""

    __tablename__ = "licence_term"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship()
    kind: Mapped[TermKind] = mapped_column(choice(TermKind))
    nodes: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(120), unique=True)
    grace_days: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    closed_why: Mapped[ClosedWhy | None] = mapped_column(choice(ClosedWhy), init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("nodes > 0", name="nodes"),
        CheckConstraint("ends_at > starts_at", name="lasts"),
        CheckConstraint("grace_days >= 0", name="grace"),
        CheckConstraint("closed_at IS NULL OR closed_at BETWEEN starts_at AND ends_at", name="closed_within"),
        CheckConstraint("(closed_at IS NULL) = (closed_why IS NULL)", name="closed_why_given"),
    )


class LicenceKey(Model):
    """A secret by which nodes speak for a licence: kept as a keyed hash, its first group as a hint."""

    __tablename__ = "licence_key"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("lk"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship()
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(12))
    label: Mapped[str] = mapped_column(String(80))
    by_name: Mapped[str] = mapped_column(String(120))
    most_nodes: Mapped[int | None] = mapped_column(default=None)
    ends_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint("most_nodes IS NULL OR most_nodes > 0", name="cap"),)


class Hold(Model):
    """A reason for which a licence is suspended from `starts_at` until it is lifted; several may be open."""

    __tablename__ = "licence_hold"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("lh"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship()
    reason: Mapped[HoldReason] = mapped_column(choice(HoldReason))
    words_en: Mapped[str] = mapped_column(String(300))
    words_zh: Mapped[str] = mapped_column(String(300))
    source: Mapped[str] = mapped_column(String(120))
    by_name: Mapped[str] = mapped_column(String(120))
    starts_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lifted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    lifted_by: Mapped[str] = mapped_column(String(120), init=False, default="")
    __table_args__ = (
        Index(
            "uq_licence_hold_open",
            "licence_id",
            "source",
            unique=True,
            sqlite_where=literal_column("lifted_at IS NULL"),
            postgresql_where=literal_column("lifted_at IS NULL"),
        ),
    )


class Frozen(RuntimeError):
    """A term on record was about to change: a bug, never a refusal."""


CLOSING = {"closed_at", "closed_why"}


@event.listens_for(LicenceTerm, "before_update")
def _only_closes(_mapper: Mapper[Any], _conn: Any, row: LicenceTerm) -> None:
    """Stop what would change a term, before the database does: it may be closed, once."""
    changed = {one.key for one in inspect(row).attrs if one.history.has_changes()}
    again = any(inspect(row).attrs[name].history.deleted not in ((), [None]) for name in changed & CLOSING)
    if changed - CLOSING or again:
        raise Frozen(f"{row.subject} is on record and cannot change")
