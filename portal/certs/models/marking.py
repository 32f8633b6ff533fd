"""Item responses of sittings, for the analysis of items: marks under random keys, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import new_uid
from portal.core import clock, personal
from portal.core.db import Model


class Sitting(Model):
    """One sitting of an exam: its items with their highest marks, in order. `imported` ones came by file.

    `sha256` is that of what was answered, however the file was written; it tells the same content from another.
    """

    __tablename__ = "sitting"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    exam: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    imported: Mapped[bool]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    candidates: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    by_name: Mapped[str] = mapped_column(String(200))
    __table_args__ = (
        UniqueConstraint("exam", "name"),
        Index("ix_sitting_exam_sha256", "exam", "sha256"),
    )


class Response(Model):
    """What one candidate of a sitting answered, in the order of its items; who that was is not kept.

    `marks` are whole numbers or decimals as text, null for an omitted answer; `chosen`, where it is known, holds the
    options chosen of each item, and `language` the one in which the candidate read them.
    """

    __tablename__ = "response"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id"), init=False, index=True)
    sitting: Mapped[Sitting] = relationship()
    key: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    marks: Mapped[list[int | str | None]] = mapped_column(JSON)
    chosen: Mapped[list[list[str]] | None] = mapped_column(JSON(none_as_null=True), default=None)
    language: Mapped[str | None] = mapped_column(String(16), default=None)


class Frozen(RuntimeError):
    """A response on record was about to change: a bug, never a refusal."""


def _refuse(_mapper: Mapper[Any], _conn: Any, row: Model) -> None:
    """Stop what would change a sitting on record, before the database does."""
    raise Frozen(f"{row.subject} is on record and cannot change")


for _kind in (Sitting, Response):
    event.listen(_kind, "before_update", _refuse)
    event.listen(_kind, "before_delete", _refuse)

personal.no_person("sitting.name")
