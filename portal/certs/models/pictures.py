"""Pictures of an item version: put there while it is a draft, and as unchangeable as its words from then on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.bank import Frozen, ItemState, ItemVersion
from portal.core import clock
from portal.core.db import Model
from portal.core.files import StoredFile


class ItemPicture(Model):
    """A picture of a version, named by its mark, and what it shows in words for those who do not see it.

    A version takes the pictures of the one before: rows of its own for the same stored file.
    """

    __tablename__ = "item_picture"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False)
    version: Mapped[ItemVersion] = relationship()
    place: Mapped[int]
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False, index=True)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    width: Mapped[int]
    height: Mapped[int]
    alt_zh: Mapped[str] = mapped_column(String(500))
    alt_en: Mapped[str] = mapped_column(String(500))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        UniqueConstraint("version_id", "place"),
        CheckConstraint("place BETWEEN 1 AND 99", name="some_place"),
        CheckConstraint("alt_zh <> '' AND alt_en <> ''", name="both_told"),
    )


def _refuse_change(_mapper: Mapper[Any], _conn: Any, row: ItemPicture) -> None:
    raise Frozen(f"{row.subject} is on record and cannot change")


def _refuse_late(_mapper: Mapper[Any], _conn: Any, row: ItemPicture) -> None:
    if row.version.state is not ItemState.DRAFT:
        raise Frozen(f"{row.subject} belongs to a version that is no draft any more")


event.listen(ItemPicture, "before_update", _refuse_change)
event.listen(ItemPicture, "before_delete", _refuse_late)
event.listen(ItemPicture, "before_insert", _refuse_late)
