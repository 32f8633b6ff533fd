"""Snapshots of closed months in a chain, the public half-yearly account, and who gets which report by mail."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class SnapshotKind(StrEnum):
    """What a snapshot is of."""

    MONTH = "month"


labels.name(SnapshotKind, {SnapshotKind.MONTH: _l("Closed month")})


class Snapshot(Model):
    """The figures of a closed month as they were known at its close, chained to the one before; frozen.

    `body` is canonical JSON, kept as the text whose bytes were hashed; the columns beside it repeat what it says.
    """

    __tablename__ = "report_snapshot"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    n: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[SnapshotKind] = mapped_column(choice(SnapshotKind))
    month: Mapped[date] = mapped_column(index=True)
    known_at: Mapped[datetime]
    streams: Mapped[str] = mapped_column(String(40))
    catalogue: Mapped[int]
    formulas: Mapped[str] = mapped_column(String(40))
    release: Mapped[str] = mapped_column(String(40))
    body: Mapped[str] = mapped_column(Text)
    prev: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    made_by: Mapped[Person | None] = relationship(lazy="joined")
    made_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class SnapshotHead(Model):
    """The end of the chain; its row is updated first, so that writers queue and a cut tail shows."""

    __tablename__ = "report_snapshot_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class AccountState(StrEnum):
    """The life of an edition of the public half-yearly account."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    RELEASED = "released"
    DROPPED = "dropped"


A = AccountState
ACCOUNT_LIFE = life(AccountState, {A.DRAFT: [A.PROPOSED, A.DROPPED], A.PROPOSED: [A.RELEASED, A.DRAFT]})
labels.name(
    AccountState,
    {
        A.DRAFT: _l("Being drafted"),
        A.PROPOSED: _l("Waits for release"),
        A.RELEASED: _l("Released"),
        A.DROPPED: _l("Dropped"),
    },
    {A.DRAFT: "wait", A.PROPOSED: "warn", A.RELEASED: "good"},
)


class HalfYear(Model):
    """One edition of the account of a half year. Its figures come from snapshots; released it is frozen."""

    __tablename__ = "half_year_account"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    year: Mapped[int]
    half: Mapped[int]
    edition: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    uses: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default_factory=list)
    words_zh: Mapped[str] = mapped_column(Text, default="")
    words_en: Mapped[str] = mapped_column(Text, default="")
    reason_zh: Mapped[str] = mapped_column(String(500), default="")
    reason_en: Mapped[str] = mapped_column(String(500), default="")
    state: Mapped[AccountState] = mapped_column(choice(AccountState), default=AccountState.DRAFT, index=True)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    proposed_by: Mapped[Person | None] = relationship(foreign_keys=[proposed_by_id], default=None)
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    released_by: Mapped[Person | None] = relationship(foreign_keys=[released_by_id], default=None)
    released_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    turn: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        UniqueConstraint("year", "half", "edition"),
        CheckConstraint("half IN (1, 2)", name="half"),
        CheckConstraint("released_by_id IS NULL OR released_by_id <> proposed_by_id", name="two_eyes"),
        CheckConstraint("state <> 'released' OR released_by_id IS NOT NULL", name="released_by_somebody"),
    )
    __mapper_args__ = {"version_id_col": turn}

    @property
    def start(self) -> date:
        """The first day of the half year."""
        return date(self.year, 1 if self.half == 1 else 7, 1)

    @property
    def end(self) -> date:
        """Its last day."""
        return date(self.year, 6, 30) if self.half == 1 else date(self.year, 12, 31)


class Rhythm(StrEnum):
    """When a report goes out by mail."""

    MONTHLY = "monthly"
    WEEKLY = "weekly"


labels.name(Rhythm, {Rhythm.MONTHLY: _l("When a month is closed"), Rhythm.WEEKLY: _l("Every Monday")})


class ReportMail(Model):
    """A report that a person gets by mail until it is ended; `query` is the address's own question."""

    __tablename__ = "report_mail"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    report: Mapped[str] = mapped_column(String(40))
    rhythm: Mapped[Rhythm] = mapped_column(choice(Rhythm))
    query: Mapped[dict[str, str]] = mapped_column(JSON, default_factory=dict)
    since: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


class ReportMailing(Model):
    """One sending of a report: `slot` is the snapshot or the Monday it was for, so that none goes out twice. Frozen."""

    __tablename__ = "report_mailing"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    mail_id: Mapped[int] = mapped_column(ForeignKey("report_mail.id"), init=False, index=True)
    mail: Mapped[ReportMail] = relationship()
    slot: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("mail_id", "slot"),)
