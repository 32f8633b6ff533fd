"""What is taken off a price, for whom and how often; each use is one row that stays."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import OrderLine
from portal.billing.price_models import AudienceKind
from portal.billing.pricing import DiscountKind
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life

labels.name(
    DiscountKind,
    {
        DiscountKind.PERCENT: _l("Percent"),
        DiscountKind.FIXED: _l("A fixed sum"),
        DiscountKind.WAIVER: _l("Waiver: nothing is to be paid"),
    },
)


class DiscountState(StrEnum):
    """The life of a discount: large ones and waivers wait for a second person."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    ACTIVE = "active"
    DECLINED = "declined"
    ENDED = "ended"


D = DiscountState
DISCOUNT_LIFE = life(
    DiscountState,
    {D.DRAFT: [D.PROPOSED, D.ACTIVE], D.PROPOSED: [D.ACTIVE, D.DECLINED], D.ACTIVE: [D.ENDED]},
)
labels.name(
    DiscountState,
    {
        D.DRAFT: _l("Draft"),
        D.PROPOSED: _l("To be approved"),
        D.ACTIVE: _l("May be used"),
        D.DECLINED: _l("Declined"),
        D.ENDED: _l("Ended"),
    },
    {D.PROPOSED: "wait", D.ACTIVE: "good", D.DECLINED: "bad"},
)


class DiscountOffer(Model):
    """A discount on record: what it takes off, which products, for whom, when and how often."""

    __tablename__ = "discount"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    code: Mapped[str | None] = mapped_column(String(40), unique=True)
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    kind: Mapped[DiscountKind] = mapped_column(choice(DiscountKind))
    value: Mapped[int]
    products: Mapped[list[str]] = mapped_column(JSON)
    starts: Mapped[date]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    ends: Mapped[date | None] = mapped_column(default=None)
    most_uses: Mapped[int | None] = mapped_column(default=None)
    audience_kind: Mapped[AudienceKind] = mapped_column(choice(AudienceKind), default=AudienceKind.PUBLIC)
    audience: Mapped[str] = mapped_column(String(40), default="")
    first_period_only: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[DiscountState] = mapped_column(
        choice(DiscountState), default=DiscountState.DRAFT, index=True
    )
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("most_uses IS NULL OR most_uses > 0", name="uses"),
    )


class Redemption(Model):
    """One use of a discount on one line of an order, with what it took off."""

    __tablename__ = "redemption"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    discount_id: Mapped[int] = mapped_column(ForeignKey("discount.id"), init=False, index=True)
    discount: Mapped[DiscountOffer] = relationship()
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, index=True)
    order_line: Mapped[OrderLine] = relationship()
    amount: Mapped[Money]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        UniqueConstraint("discount_id", "order_line_id"),
        CheckConstraint("amount >= 0", name="taken"),
    )
