"""What came in by files: events of a past membership, and lists of members with what they did."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life
from portal.members.belonging import Ending, Term


class HistoryEvent(Model):
    """An event of an imported history as it stood there, and the facts it became. Never edited."""

    __tablename__ = "history_event"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship()
    month: Mapped[date]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    term_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"), init=False, default=None)
    term: Mapped[Term | None] = relationship(default=None)
    ending_id: Mapped[int | None] = mapped_column(ForeignKey("term_ending.id"), init=False, default=None)
    ending: Mapped[Ending | None] = relationship(default=None)
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class ImportState(StrEnum):
    """The life of a list of members that came in."""

    PLANNED = "planned"
    APPLIED = "applied"
    UNDONE = "undone"
    DROPPED = "dropped"


IMPORT_LIFE = life(
    ImportState,
    {
        ImportState.PLANNED: [ImportState.APPLIED, ImportState.DROPPED],
        ImportState.APPLIED: [ImportState.UNDONE],
    },
)
labels.name(
    ImportState,
    {
        ImportState.PLANNED: _l("Not applied yet"),
        ImportState.APPLIED: _l("Applied"),
        ImportState.UNDONE: _l("Undone"),
        ImportState.DROPPED: _l("Dropped"),
    },
    {ImportState.PLANNED: "wait", ImportState.APPLIED: "good", ImportState.UNDONE: "warn"},
)


class MemberImport(Model):
    """A list of members as a file: what it would do, row by row, and once applied what it did."""

    __tablename__ = "member_import"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    name: Mapped[str] = mapped_column(String(200))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    rows: Mapped[int]
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    plan: Mapped[list[dict[str, Any]]] = mapped_column(JSON, deferred=True)
    done: Mapped[list[dict[str, Any]]] = mapped_column(JSON, deferred=True, default_factory=list)
    state: Mapped[ImportState] = mapped_column(choice(ImportState), default=ImportState.PLANNED)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    applied_at: Mapped[datetime | None] = mapped_column(default=None)
    undone_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (Index("ix_member_import_at", "at"),)
