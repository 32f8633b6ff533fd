"""What a merge of two organisations leaves behind: who stood for it, and a ledger of every cell that moved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import new_uid
from portal.core import clock
from portal.core.db import Model


class Merge(Model):
    """One organisation's entry went into another's; undone, it says when and by whom."""

    __tablename__ = "organisation_merge"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    duplicate_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    duplicate: Mapped[Organisation] = relationship(foreign_keys=[duplicate_id])
    kept_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    kept: Mapped[Organisation] = relationship(foreign_keys=[kept_id])
    reason: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    second_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    undone_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    undone_by: Mapped[str] = mapped_column(String(120), init=False, default="")
    undone_second: Mapped[str] = mapped_column(String(120), init=False, default="")
    __table_args__ = (
        Index(
            "uq_organisation_merge_live", "duplicate_id", unique=True,
            sqlite_where=literal_column("undone_at IS NULL"),
            postgresql_where=literal_column("undone_at IS NULL"),
        ),
    )  # fmt: skip


class MergeMove(Model):
    """One cell that a merge moved: which row and column, what stood there, what stands there since."""

    __tablename__ = "merge_move"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    merge_id: Mapped[int] = mapped_column(ForeignKey("organisation_merge.id"), init=False)
    merge: Mapped[Merge] = relationship()
    n: Mapped[int]
    table: Mapped[str] = mapped_column(String(60))
    row_id: Mapped[int]
    column: Mapped[str] = mapped_column(String(60))
    old: Mapped[str | None] = mapped_column(String(200))
    new: Mapped[str | None] = mapped_column(String(200))
    version: Mapped[int | None]
    __table_args__ = (UniqueConstraint("merge_id", "n"),)
