"""What is sold of licences: purchases, renewals and changes to the fen; and licences that go to another organisation."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.models import Invoice, OrderLine
from portal.billing.price_models import PriceVersion
from portal.billing.quote_models import LineRole
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.money import Money
from portal.core.states import life
from portal.services.licences.models.ids import naming
from portal.services.licences.models.licence import Licence


class DealKind(StrEnum):
    """What is sold: a year, another year, more nodes within it, or a contract that came from another organisation."""

    PURCHASE = "purchase"
    RENEWAL = "renewal"
    INCREASE = "increase"
    COLLECTED = "collected"
    TRANSFERRED = "transferred"


K = DealKind
CONTRACTS = (K.PURCHASE, K.RENEWAL, K.TRANSFERRED)
CHANGES = (K.INCREASE, K.COLLECTED)
labels.name(
    DealKind,
    {
        K.PURCHASE: _l("Purchase"), K.RENEWAL: _l("Renewal of a licence"), K.INCREASE: _l("More nodes, paid first"),
        K.COLLECTED: _l("More nodes, invoiced with the month"), K.TRANSFERRED: _l("Came from another organisation"),
    },
)  # fmt: skip


class DealState(StrEnum):
    """The life of what is sold: figures on offer, accepted and waiting for the money, in effect, or given up."""

    OFFERED = "offered"
    ORDERED = "ordered"
    DONE = "done"
    DROPPED = "dropped"
    EXPIRED = "expired"
    REPLACED = "replaced"


D = DealState
DEAL_LIFE = life(
    DealState,
    {
        D.OFFERED: [D.ORDERED, D.DROPPED, D.EXPIRED, D.REPLACED],
        D.ORDERED: [D.DONE, D.DROPPED],
        D.DONE: [D.DROPPED],
    },
)
labels.name(
    DealState,
    {
        D.OFFERED: _l("Figures to accept"), D.ORDERED: _l("Waits for its payment"), D.DONE: _l("In effect"),
        D.DROPPED: _l("Given up"), D.EXPIRED: _l("Not accepted in time"), D.REPLACED: _l("Replaced by newer figures"),
    },
    {D.OFFERED: "wait", D.ORDERED: "wait", D.DONE: "good", D.EXPIRED: "warn"},
)  # fmt: skip
_OPEN = "state IN ('offered', 'ordered')"


class LicenceQuote(Model):
    """One thing sold for a licence, with exact figures; `fingerprint` names all it was computed from.

    `nodes` is the number in all, of which `included` come with the membership and `paid` are bought; at `share_bp` of
    their price where they are not free. `adds` is what its term adds. `anchor` and `k` count the contract's periods.
    An increase has the days of the contract it changes; a purchase gets its days with its money.
    """

    __tablename__ = "licence_quote"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("lq"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[DealKind] = mapped_column(choice(DealKind))
    nodes: Mapped[int]
    included: Mapped[int]
    share_bp: Mapped[int]
    paid: Mapped[int]
    adds: Mapped[int]
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False, index=True)
    price: Mapped[PriceVersion] = relationship()
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    fingerprint: Mapped[str] = mapped_column(String(64))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    language: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(120))
    expires_on: Mapped[date]
    pay_by: Mapped[date | None] = mapped_column(default=None)
    starts_on: Mapped[date | None] = mapped_column(default=None)
    ends_on: Mapped[date | None] = mapped_column(default=None)
    anchor: Mapped[date | None] = mapped_column(default=None)
    k: Mapped[int] = mapped_column(default=0)
    state: Mapped[DealState] = mapped_column(choice(DealState), default=D.OFFERED, index=True)
    invoice_id: Mapped[int | None] = mapped_column(
        ForeignKey("invoice.id"), init=False, default=None, index=True
    )
    invoice: Mapped[Invoice | None] = relationship(default=None)
    accepted_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    accepted_by: Mapped[str] = mapped_column(String(120), init=False, default="")
    done_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    replaced_by: Mapped[str] = mapped_column(String(32), init=False, default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[LicenceQuoteLine]] = relationship(
        init=False, back_populates="quote", order_by="LicenceQuoteLine.n"
    )
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("nodes > 0 AND paid >= 0 AND adds >= 0 AND included >= 0", name="counted"),
        CheckConstraint("share_bp BETWEEN 0 AND 10000", name="share"),
        CheckConstraint("(starts_on IS NULL) = (ends_on IS NULL)", name="days"),
        CheckConstraint("state <> 'done' OR starts_on IS NOT NULL", name="done_has_days"),
        Index(
            "uq_licence_quote_open", "licence_id", unique=True, sqlite_where=literal_column(f"{_OPEN} AND kind <> 'renewal'"),
            postgresql_where=literal_column(f"{_OPEN} AND kind <> 'renewal'"),
        ),
        Index(
            "uq_licence_quote_renewal", "licence_id", unique=True, sqlite_where=literal_column(f"{_OPEN} AND kind = 'renewal'"),
            postgresql_where=literal_column(f"{_OPEN} AND kind = 'renewal'"),
        ),
    )  # fmt: skip

    @property
    def contract(self) -> bool:
        """Whether it is a year of its own, not a change within one."""
        return self.kind in CONTRACTS


class LicenceQuoteLine(Model):
    """One line as shown and invoiced: a charge, or what is given back of a line that ran (`old_line`).

    All lines of one period belong to one line of the order (`order_line`), which is worth their sum.
    """

    __tablename__ = "licence_quote_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    quote_id: Mapped[int] = mapped_column(ForeignKey("licence_quote.id"), init=False, index=True)
    quote: Mapped[LicenceQuote] = relationship(back_populates="lines")
    n: Mapped[int]
    role: Mapped[LineRole] = mapped_column(choice(LineRole))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    discount_words: Mapped[dict[str, str]] = mapped_column(JSON)
    list_amount: Mapped[Money]
    discount: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    adds: Mapped[int]
    starts: Mapped[date | None] = mapped_column(default=None)
    ends: Mapped[date | None] = mapped_column(default=None)
    old_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False, default=None)
    old_line: Mapped[OrderLine | None] = relationship(foreign_keys=[old_line_id], default=None)
    order_line_id: Mapped[int | None] = mapped_column(
        ForeignKey("order_line.id"), init=False, default=None, index=True
    )
    order_line: Mapped[OrderLine | None] = relationship(foreign_keys=[order_line_id], default=None)
    __table_args__ = (
        UniqueConstraint("quote_id", "n"),
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("list_amount = gross + discount", name="discounted"),
    )


class TransferState(StrEnum):
    """The life of a transfer: both organisations want it, one of staff proposes it, another does it."""

    ASKED = "asked"
    AGREED = "agreed"
    CHECKED = "checked"
    DONE = "done"
    DECLINED = "declined"


T = TransferState
TRANSFER_LIFE = life(
    TransferState,
    {
        T.ASKED: [T.AGREED, T.DECLINED],
        T.AGREED: [T.CHECKED, T.DECLINED],
        T.CHECKED: [T.DONE, T.DECLINED],
    },
)
labels.name(
    TransferState,
    {
        T.ASKED: _l("The other organisation has to agree"), T.AGREED: _l("Both agree: staff look at it"),
        T.CHECKED: _l("Waits for a second of staff"), T.DONE: _l("Licence has gone over"), T.DECLINED: _l("Transfer declined"),
    },
    {T.ASKED: "wait", T.AGREED: "wait", T.CHECKED: "wait", T.DONE: "good"},
)  # fmt: skip


class LicenceTransfer(Model):
    """A licence that is to go to another organisation: both owners, then two of staff; each a person of their own."""

    __tablename__ = "licence_transfer"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("lt"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship(foreign_keys=[licence_id], innerjoin=True)
    to_org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    to_org: Mapped[Organisation] = relationship(innerjoin=True)
    reason: Mapped[str] = mapped_column(String(300))
    given_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    given_by: Mapped[Person] = relationship(foreign_keys=[given_by_id], innerjoin=True)
    state: Mapped[TransferState] = mapped_column(
        choice(TransferState), init=False, default=T.ASKED, index=True
    )
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    taken_by: Mapped[Person | None] = relationship(foreign_keys=[taken_by_id], default=None)
    first_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    first: Mapped[Person | None] = relationship(foreign_keys=[first_id], default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    done_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> first_id", name="two_eyes"),
        CheckConstraint(
            "state <> 'done' OR (taken_by_id IS NOT NULL AND first_id IS NOT NULL AND second_id IS NOT NULL)", name="four"
        ),
        Index(
            "uq_licence_transfer_open", "licence_id", unique=True,
            sqlite_where=literal_column("state NOT IN ('done', 'declined')"),
            postgresql_where=literal_column("state NOT IN ('done', 'declined')"),
        ),
    )  # fmt: skip
