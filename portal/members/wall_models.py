"""Editions of the wall: what was published when, each change with its reason, and whose removal waits."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import clock, labels
from portal.core.db import Model, choice


class WallChangeKind(StrEnum):
    """What an edition does to an entry."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    HELD = "held"
    RESTORED = "restored"


class RemovalReason(StrEnum):
    """Why somebody is on the wall no more. The first two act at once and are not counted."""

    CONSENT_WITHDRAWN = "consent_withdrawn"
    EXPELLED = "expelled"
    LAPSED = "lapsed"
    RESIGNED = "resigned"
    SUSPENDED = "suspended"
    TAKEN_OFF = "taken_off"
    OTHER = "other"


K, R = WallChangeKind, RemovalReason
AT_ONCE = frozenset({R.CONSENT_WITHDRAWN, R.EXPELLED})
labels.name(
    WallChangeKind,
    {
        K.ADDED: _l("Added"),
        K.CHANGED: _l("Changed"),
        K.REMOVED: _l("Removed"),
        K.HELD: _l("Removal waits"),
        K.RESTORED: _l("Stays after all"),
    },
    {K.ADDED: "good", K.CHANGED: "wait", K.REMOVED: "bad", K.HELD: "warn", K.RESTORED: "good"},
)
labels.name(
    RemovalReason,
    {
        R.CONSENT_WITHDRAWN: _l("Consent to be shown was taken back"),
        R.EXPELLED: _l("Expelled"),
        R.LAPSED: _l("Membership lapsed"),
        R.RESIGNED: _l("Resigned"),
        R.SUSPENDED: _l("Membership suspended"),
        R.TAKEN_OFF: _l("Imported entry was claimed or taken off"),
        R.OTHER: _l("No right to be listed any more"),
    },
)


class WallEdition(Model):
    """One published edition, numbered from 1; published by a person, or by the portal every night."""

    __tablename__ = "wall_edition"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    n: Mapped[int] = mapped_column(unique=True)
    day: Mapped[date]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(lazy="joined")
    published_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class WallChange(Model):
    """What an edition did to one entry: what stood there and what stands there now. Never edited."""

    __tablename__ = "wall_change"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    edition_id: Mapped[int] = mapped_column(ForeignKey("wall_edition.id"), init=False, index=True)
    edition: Mapped[WallEdition] = relationship()
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    org: Mapped[Organisation] = relationship(init=False, viewonly=True)
    kind: Mapped[WallChangeKind] = mapped_column(choice(WallChangeKind))
    reason: Mapped[RemovalReason | None] = mapped_column(choice(RemovalReason), default=None)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)


class WallEntry(Model):
    """An entry of the last edition as it was published; one whose removal waits says which edition held it and why."""

    __tablename__ = "wall_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), unique=True)
    org: Mapped[Organisation] = relationship(init=False, viewonly=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("wall_edition.id"), init=False, default=None)
    held_by: Mapped[WallEdition | None] = relationship(default=None)
    reason: Mapped[RemovalReason | None] = mapped_column(choice(RemovalReason), default=None)
    __table_args__ = (Index("ix_wall_entry_held_by_id", "held_by_id"),)
