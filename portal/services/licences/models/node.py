"""Nodes: each row is one stay, from activation to release; rules on fingerprints; the runs seen on a machine."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    CheckConstraint,
    ColumnClause,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.services.licences.kinds import ReleaseWhy, RuleKind
from portal.services.licences.models.ids import naming
from portal.services.licences.models.licence import Licence, LicenceKey

LIVE: ColumnClause[bool] = literal_column("released_at IS NULL")
OPEN: ColumnClause[bool] = literal_column("ended_at IS NULL")


class Node(Model):
    """One stay of a machine under a licence: live until released, never deleted, so that the usage is exact.

    `lease_until` only ever rises. `offline_until` is the end of the last file that names it: until then its seat is
    given to nobody. `run` is the process that reported last; others are in `node_run`.
    """

    __tablename__ = "licence_node"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("ln"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False)
    licence: Mapped[Licence] = relationship()
    key_id: Mapped[int | None] = mapped_column(ForeignKey("licence_key.id"), init=False, index=True)
    key: Mapped[LicenceKey | None] = relationship()
    fingerprint: Mapped[str] = mapped_column(String(128))
    activated_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    seen_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(120), default="")
    machine: Mapped[str] = mapped_column(String(128), default="")
    other_machine: Mapped[str] = mapped_column(String(128), default="")
    machine_at: Mapped[datetime | None] = mapped_column(default=None)
    platform: Mapped[str] = mapped_column(String(60), default="")
    accelerator: Mapped[str] = mapped_column(String(60), default="")
    tool_version: Mapped[str] = mapped_column(String(40), default="")
    run: Mapped[str] = mapped_column(String(64), default="")
    kept: Mapped[bool] = mapped_column(default=False)
    shared_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    offline_until: Mapped[datetime | None] = mapped_column(init=False, default=None)
    released_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    released_why: Mapped[ReleaseWhy | None] = mapped_column(choice(ReleaseWhy), init=False, default=None)
    released_run: Mapped[str] = mapped_column(String(64), init=False, default="")
    __table_args__ = (
        Index(
            "uq_licence_node_live",
            "licence_id",
            "fingerprint",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index("ix_licence_node_lease", "licence_id", "lease_until", sqlite_where=LIVE, postgresql_where=LIVE),
        Index("ix_licence_node_stays", "licence_id", "fingerprint", "id"),
        CheckConstraint("lease_until >= activated_at", name="leased"),
        CheckConstraint("released_at IS NULL OR released_at >= activated_at", name="stays"),
        CheckConstraint("(released_at IS NULL) = (released_why IS NULL)", name="released_why"),
    )


class NodeRun(Model):
    """Another process that reported from a node's machine, when last, and when it said goodbye."""

    __tablename__ = "licence_node_run"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    node_id: Mapped[int] = mapped_column(ForeignKey("licence_node.id"), init=False)
    node: Mapped[Node] = relationship()
    run: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (UniqueConstraint("node_id", "run"),)


class NodeRule(Model):
    """A rule on a fingerprint: named on the list, barred until an instant, or blocked."""

    __tablename__ = "licence_node_rule"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False)
    licence: Mapped[Licence] = relationship()
    fingerprint: Mapped[str] = mapped_column(String(128))
    kind: Mapped[RuleKind] = mapped_column(choice(RuleKind))
    by_name: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(300), default="")
    until: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_licence_node_rule_open",
            "licence_id",
            "fingerprint",
            "kind",
            unique=True,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        CheckConstraint("(kind = 'barred') = (until IS NOT NULL)", name="barred_until"),
    )


labels.name(
    RuleKind,
    {
        RuleKind.NAMED: _l("On the list"),
        RuleKind.BARRED: _l("Barred for a while"),
        RuleKind.BLOCKED: _l("Blocked"),
    },
    {RuleKind.BARRED: "warn", RuleKind.BLOCKED: "bad"},
)
