"""What is sold and at which dated price: products, price versions, tax rows; published ones are frozen."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint, event, inspect
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.pricing import PriceModel
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class PriceState(StrEnum):
    """The life of a dated price or tax row: two people stand for what is published."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    PUBLISHED = "published"
    RETIRED = "retired"
    DROPPED = "dropped"


P = PriceState
PRICE_LIFE = life(
    PriceState,
    {
        P.DRAFT: [P.PROPOSED, P.PUBLISHED, P.DROPPED],
        P.PROPOSED: [P.DRAFT, P.PUBLISHED],
        P.PUBLISHED: [P.RETIRED],
    },
)
labels.name(
    PriceState,
    {
        P.DRAFT: _l("Draft"),
        P.PROPOSED: _l("To be published"),
        P.PUBLISHED: _l("Published"),
        P.RETIRED: _l("No longer sold"),
        P.DROPPED: _l("Dropped"),
    },
    {P.PROPOSED: "wait", P.PUBLISHED: "good"},
)
ON_RECORD = frozenset({P.PUBLISHED, P.RETIRED})

M = PriceModel
labels.name(
    PriceModel,
    {
        M.FLAT: _l("One sum"),
        M.PER_UNIT: _l("Per unit"),
        M.VOLUME: _l("By volume: all units at one rate"),
        M.GRADUATED: _l("Graduated: each step at its rate"),
        M.BAND: _l("By band: one sum per step"),
        M.QUOTED: _l("By quote within a range"),
        M.SHARE: _l("Share of a turnover"),
    },
)


class Interval(StrEnum):
    """How long what is sold lasts before it comes round again."""

    ONCE = "once"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


MONTHS = {Interval.ONCE: None, Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}
labels.name(
    Interval,
    {
        Interval.ONCE: _l("Once"),
        Interval.MONTH: _l("A month"),
        Interval.QUARTER: _l("A quarter"),
        Interval.YEAR: _l("A year"),
    },
)


class AudienceKind(StrEnum):
    """For whom a price is, from everybody to the most specific."""

    PUBLIC = "public"
    PERSON = "person"
    CATEGORY = "category"
    TIER = "tier"


A = AudienceKind
RANK = {A.PUBLIC: 0, A.PERSON: 1, A.CATEGORY: 2, A.TIER: 3}
labels.name(
    AudienceKind,
    {
        A.PUBLIC: _l("Everybody"),
        A.PERSON: _l("Individuals"),
        A.CATEGORY: _l("A kind of organisation"),
        A.TIER: _l("A tier of members"),
    },
)


class Document(StrEnum):
    """Which paper the payer gets for the money."""

    FAPIAO = "fapiao"
    DUES_RECEIPT = "dues_receipt"
    DONATION_RECEIPT = "donation_receipt"


labels.name(
    Document,
    {
        Document.FAPIAO: _l("Fapiao"),
        Document.DUES_RECEIPT: _l("Receipt for dues"),
        Document.DONATION_RECEIPT: _l("Receipt for a donation"),
    },
)


class Product(Model):
    """One thing the foundation sells; what it costs stands in dated prices."""

    __tablename__ = "product"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    stream: Mapped[str] = mapped_column(String(40))
    recognition: Mapped[str] = mapped_column(String(20))
    unit: Mapped[dict[str, str]] = mapped_column(JSON, default_factory=dict)
    restricted: Mapped[bool] = mapped_column(default=False)
    place: Mapped[int] = mapped_column(default=0)


class PriceVersion(Model):
    """A price of a product for an audience from a day on; once published only its end moves."""

    __tablename__ = "price"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), init=False, index=True)
    product: Mapped[Product] = relationship(lazy="joined", innerjoin=True)
    version: Mapped[int]
    tax: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[date]
    audience_kind: Mapped[AudienceKind] = mapped_column(choice(AudienceKind), default=AudienceKind.PUBLIC)
    audience: Mapped[str] = mapped_column(String(40), default="")
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    interval: Mapped[Interval] = mapped_column(choice(Interval), default=Interval.ONCE)
    model: Mapped[PriceModel] = mapped_column(choice(PriceModel), default=PriceModel.FLAT)
    terms: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    inclusive: Mapped[bool] = mapped_column(default=True)
    document: Mapped[Document] = mapped_column(choice(Document), default=Document.FAPIAO)
    valid_to: Mapped[date | None] = mapped_column(default=None)
    note: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[PriceState] = mapped_column(choice(PriceState), default=PriceState.DRAFT, index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id], default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    published_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        UniqueConstraint("product_id", "version"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint(
            "by_id IS NULL OR second_id IS NOT NULL OR state NOT IN ('published', 'retired')",
            name="published_by_somebody",
        ),
    )
    __mapper_args__ = {"version_id_col": edition}


class TaxRow(Model):
    """A tax category from a day on: its rate in basis points, or none where exempt, and its words."""

    __tablename__ = "tax_row"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    code: Mapped[str] = mapped_column(String(40), index=True)
    version: Mapped[int]
    bp: Mapped[int | None]
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None] = mapped_column(default=None)
    state: Mapped[PriceState] = mapped_column(choice(PriceState), default=PriceState.DRAFT, index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id], default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    published_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        CheckConstraint("bp IS NULL OR (bp >= 0 AND bp <= 10000)", name="rate"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint(
            "by_id IS NULL OR second_id IS NOT NULL OR state NOT IN ('published', 'retired')",
            name="published_by_somebody",
        ),
    )
    __mapper_args__ = {"version_id_col": edition}


class Frozen(RuntimeError):
    """A published row was about to change: a bug, never a refusal."""


MOVES = {"valid_to", "state", "edition"}


def _refuse_change(_mapper: Mapper[Any], _conn: Any, row: Any) -> None:
    """Stop a change of what is published, before the database does."""
    seen = inspect(row)
    before = seen.attrs.state.history
    was = before.deleted[0] if before.deleted else row.state
    if was not in ON_RECORD:
        return
    changed = {one.key for one in seen.attrs if one.history.has_changes()} - MOVES
    if changed:
        raise Frozen(f"{row.subject} is published; {sorted(changed)} cannot change")


def _refuse_delete(_mapper: Mapper[Any], _conn: Any, row: Any) -> None:
    if row.state in ON_RECORD:
        raise Frozen(f"{row.subject} is published and cannot be deleted")


for _kind in (PriceVersion, TaxRow):
    event.listen(_kind, "before_update", _refuse_change)
    event.listen(_kind, "before_delete", _refuse_delete)
