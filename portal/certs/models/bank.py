"""The item bank: items, their versions that never change, reviews, enemies, and the forms drawn from them."""

from __future__ import annotations

from datetime import datetime
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
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.gift_answers import Kind
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class ItemState(StrEnum):
    """The life of a version of an item."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    LIVE = "live"
    RESTING = "resting"
    RETIRED = "retired"
    COMPROMISED = "compromised"


S = ItemState
ITEM_LIFE = life(
    ItemState,
    {
        S.DRAFT: [S.IN_REVIEW],
        S.IN_REVIEW: [S.DRAFT, S.APPROVED],
        S.APPROVED: [S.LIVE],
        S.LIVE: [S.RESTING, S.COMPROMISED],
        S.RESTING: [S.LIVE, S.RETIRED, S.COMPROMISED],
    },
)
labels.name(
    ItemState,
    {
        S.DRAFT: _l("Draft item"),
        S.IN_REVIEW: _l("In item review"),
        S.APPROVED: _l("Approved, to be tried"),
        S.LIVE: _l("Item in use"),
        S.RESTING: _l("Resting"),
        S.RETIRED: _l("Taken out of use"),
        S.COMPROMISED: _l("Leaked"),
    },
    {
        S.IN_REVIEW: "wait",
        S.APPROVED: "wait",
        S.LIVE: "good",
        S.RESTING: "warn",
        S.COMPROMISED: "bad",
    },
)
labels.name(
    Kind,
    {
        Kind.SINGLE: _l("One option"),
        Kind.MULTIPLE: _l("Several options"),
        Kind.NUMERIC: _l("A number"),
        Kind.SHORT: _l("A short text"),
        Kind.PRACTICAL: _l("A practical task"),
    },
)


class Difficulty(StrEnum):
    """How hard the author thinks an item is."""

    UNKNOWN = "unknown"
    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


labels.name(
    Difficulty,
    {
        Difficulty.UNKNOWN: _l("Not guessed"),
        Difficulty.EASY: _l("Easy"),
        Difficulty.MEDIUM: _l("Medium"),
        Difficulty.HARD: _l("Hard"),
    },
)


class Ground(StrEnum):
    """Why an item may count: it was tried unscored, or a panel rated it."""

    PILOT = "pilot"
    ANGOFF = "angoff"


labels.name(Ground, {Ground.PILOT: _l("Tried unscored"), Ground.ANGOFF: _l("Rated by a panel")})


class Item(Model):
    """A question or task of an exam, known by its key; what it says stands in its versions, tags stand here.

    An `anchor` stands in many forms, so that forms can be compared.
    """

    __tablename__ = "exam_item"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    exam: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(120))
    topic: Mapped[str] = mapped_column(String(120), default="")
    difficulty: Mapped[Difficulty] = mapped_column(choice(Difficulty), default=Difficulty.UNKNOWN)
    chip: Mapped[str] = mapped_column(String(60), default="")
    tool: Mapped[str] = mapped_column(String(60), default="")
    anchor: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (UniqueConstraint("exam", "key"),)
    __mapper_args__ = {"version_id_col": edition}


class ItemVersion(Model):
    """What an item says, in both languages, from one writing to the next: never changed, only its state moves."""

    __tablename__ = "item_version"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    item_id: Mapped[int] = mapped_column(ForeignKey("exam_item.id"), init=False)
    item: Mapped[Item] = relationship(lazy="joined", innerjoin=True)
    n: Mapped[int]
    kind: Mapped[Kind] = mapped_column(choice(Kind))
    format: Mapped[str] = mapped_column(String(10))
    text: Mapped[dict[str, str]] = mapped_column(JSON)
    options: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    numbers: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    feedback: Mapped[dict[str, str]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(String(64))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    author: Mapped[Person | None] = relationship(foreign_keys=[author_id])
    points: Mapped[int] = mapped_column(default=1)
    reference: Mapped[str] = mapped_column(String(500), default="")
    machine_aid: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    state: Mapped[ItemState] = mapped_column(choice(ItemState), init=False, default=S.DRAFT)
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    submitted_by: Mapped[Person | None] = relationship(
        foreign_keys=[submitted_by_id], init=False, default=None
    )
    ground: Mapped[Ground | None] = mapped_column(choice(Ground), init=False, default=None)
    rating: Mapped[str] = mapped_column(String(10), init=False, default="")
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        UniqueConstraint("item_id", "n"),
        CheckConstraint("points BETWEEN 1 AND 1000", name="some_points"),
        Index("ix_item_version_state", "state", "item_id"),
        # Of an item one version is in use.
        Index(
            "uq_item_version_in_use", "item_id", unique=True,
            sqlite_where=sql("state IN ('live', 'resting')"), postgresql_where=sql("state IN ('live', 'resting')"),
        ),
    )  # fmt: skip
    __mapper_args__ = {"version_id_col": edition}


class ItemReview(Model):
    """What an item reviewer said of a version: points ticked, comments by field, the outcome. Never changed."""

    __tablename__ = "item_review"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False, index=True)
    version: Mapped[ItemVersion] = relationship()
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    approved: Mapped[bool]
    ticked: Mapped[list[str]] = mapped_column(JSON)
    comments: Mapped[dict[str, str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class ItemEnemy(Model):
    """Two items that never share a form; `low` is the one with the smaller id."""

    __tablename__ = "item_enemy"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    low_id: Mapped[int] = mapped_column(ForeignKey("exam_item.id"), init=False)
    low: Mapped[Item] = relationship(foreign_keys=[low_id])
    high_id: Mapped[int] = mapped_column(ForeignKey("exam_item.id"), init=False, index=True)
    high: Mapped[Item] = relationship(foreign_keys=[high_id])
    reason: Mapped[str] = mapped_column(String(200))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("low_id < high_id", name="two"),
        Index(
            "uq_item_enemy_standing", "low_id", "high_id", unique=True,
            sqlite_where=sql("ended_at IS NULL"), postgresql_where=sql("ended_at IS NULL"),
        ),
    )  # fmt: skip


class Form(Model):
    """A form of an exam: drawn for one candidate, or fixed for whoever gets it. Never changed."""

    __tablename__ = "exam_form"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    exam: Mapped[str] = mapped_column(String(40))
    part: Mapped[str] = mapped_column(String(40))
    scheme: Mapped[int]
    called: Mapped[str] = mapped_column(String(120), default="")
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    candidate: Mapped[Person | None] = relationship(foreign_keys=[candidate_id], default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (Index("ix_exam_form_exam", "exam", "id"),)


class FormItem(Model):
    """A place of a form: which version, in which order its options stand, and whether it counts."""

    __tablename__ = "form_item"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    form_id: Mapped[int] = mapped_column(ForeignKey("exam_form.id"), init=False)
    form: Mapped[Form] = relationship()
    version_id: Mapped[int] = mapped_column(ForeignKey("item_version.id"), init=False, index=True)
    version: Mapped[ItemVersion] = relationship()
    position: Mapped[int]
    shuffled: Mapped[list[str]] = mapped_column(JSON)
    scored: Mapped[bool] = mapped_column(default=True)
    __table_args__ = (UniqueConstraint("form_id", "position"), UniqueConstraint("form_id", "version_id"))


class Frozen(RuntimeError):
    """A version or a form was about to change: a bug, never a refusal."""


MOVES = {"state", "submitted_by_id", "submitted_by", "ground", "rating", "edition"}


def _refuse_change(_mapper: Mapper[Any], _conn: Any, row: Any) -> None:
    changed = {one.key for one in inspect(row).attrs if one.history.has_changes()}
    if changed - (MOVES if isinstance(row, ItemVersion) else set()):
        raise Frozen(f"{row.subject} is on record; {sorted(changed)} cannot change")


def _refuse_delete(_mapper: Mapper[Any], _conn: Any, row: Any) -> None:
    raise Frozen(f"{row.subject} is on record and cannot be deleted")


for _kind in (ItemVersion, ItemReview, Form, FormItem):
    event.listen(_kind, "before_update", _refuse_change)
    event.listen(_kind, "before_delete", _refuse_delete)
