"""Changes of tier as quoted: the exact figures, seats and benefits that were shown, and what became of them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import new_uid
from portal.billing.models import Invoice, OrderLine
from portal.billing.price_models import PriceVersion
from portal.billing.quote_models import LineRole
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life
from portal.members.belonging import Membership, Term, TermKind
from portal.members.models import Application


class TierQuoteState(StrEnum):
    """The life of a quote for a change of tier; its figures never change."""

    SHOWN = "shown"
    OFFERED = "offered"
    CONFIRMED = "confirmed"
    DONE = "done"
    SUPERSEDED = "superseded"
    LATE = "late"
    DROPPED = "dropped"


T = TierQuoteState
TIER_QUOTE_LIFE = life(
    TierQuoteState,
    {
        T.SHOWN: [T.OFFERED, T.SUPERSEDED, T.DROPPED],
        T.OFFERED: [T.CONFIRMED, T.SUPERSEDED, T.LATE, T.DROPPED],
        T.CONFIRMED: [T.DONE, T.DROPPED],
    },
)
labels.name(
    TierQuoteState,
    {
        T.SHOWN: _l("Shown with the request"),
        T.OFFERED: _l("Waits for your confirmation"),
        T.CONFIRMED: _l("Confirmed"),
        T.DONE: _l("Change done"),
        T.SUPERSEDED: _l("Replaced by a newer one"),
        T.LATE: _l("Not confirmed in time"),
        T.DROPPED: _l("Change dropped"),
    },
    {T.OFFERED: "wait", T.CONFIRMED: "wait", T.DONE: "good", T.LATE: "warn", T.DROPPED: "bad"},
)


class When(StrEnum):
    """When a change takes effect: on the quoted day, or with the next term."""

    NOW = "now"
    NEXT = "next"


_ALIVE = "state IN ('shown', 'offered')"


class TierQuote(Model):
    """The preview of a change of tier: day of effect, lines, seats and benefits; `fingerprint` names what it rests on."""

    __tablename__ = "tier_quote"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship(lazy="joined", innerjoin=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    term: Mapped[Term] = relationship()
    price_id: Mapped[int] = mapped_column(ForeignKey("price.id"), init=False, index=True)
    price: Mapped[PriceVersion] = relationship()
    old_tier: Mapped[str] = mapped_column(String(40))
    new_tier: Mapped[str] = mapped_column(String(40))
    kind: Mapped[TermKind] = mapped_column(choice(TermKind))
    takes_effect: Mapped[When] = mapped_column(choice(When))
    effective_on: Mapped[date]
    expires_on: Mapped[date]
    fingerprint: Mapped[str] = mapped_column(String(64))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    seats: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    benefits: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    yearly: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    by_name: Mapped[str] = mapped_column(String(120))
    state: Mapped[TierQuoteState] = mapped_column(
        choice(TierQuoteState), default=TierQuoteState.SHOWN, index=True
    )
    invoice_id: Mapped[int | None] = mapped_column(
        ForeignKey("invoice.id"), init=False, default=None, index=True
    )
    invoice: Mapped[Invoice | None] = relationship(default=None)
    credit_note_number: Mapped[str] = mapped_column(String(20), init=False, default="")
    confirmed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    confirmed_by: Mapped[str] = mapped_column(String(120), init=False, default="")
    done_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    replaced_by: Mapped[str] = mapped_column(String(32), init=False, default="")
    pdf_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    pdf: Mapped[StoredFile | None] = relationship(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[TierLine]] = relationship(init=False, back_populates="quote", order_by="TierLine.n")
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        Index(
            "uq_tier_quote_live", "application_id", unique=True,
            sqlite_where=literal_column(_ALIVE), postgresql_where=literal_column(_ALIVE),
        ),
    )  # fmt: skip


class TierLine(Model):
    """One line of the preview, for one term: what is given back of it, or the new tier's part for its days."""

    __tablename__ = "tier_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    quote_id: Mapped[int] = mapped_column(ForeignKey("tier_quote.id"), init=False, index=True)
    quote: Mapped[TierQuote] = relationship(back_populates="lines")
    n: Mapped[int]
    role: Mapped[LineRole] = mapped_column(choice(LineRole))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    discount_words: Mapped[dict[str, str]] = mapped_column(JSON)
    list_amount: Mapped[Money]
    discount: Mapped[Money]
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    tax_category: Mapped[str] = mapped_column(String(40))
    tax_bp: Mapped[int | None]
    starts: Mapped[date]
    ends: Mapped[date]
    old_term_id: Mapped[int] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    old_term: Mapped[Term] = relationship(foreign_keys=[old_term_id])
    old_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False)
    old_line: Mapped[OrderLine | None] = relationship(foreign_keys=[old_line_id], default=None)
    new_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False, default=None)
    new_line: Mapped[OrderLine | None] = relationship(foreign_keys=[new_line_id], default=None)
    new_term_id: Mapped[int | None] = mapped_column(
        ForeignKey("term.id"), init=False, default=None, unique=True
    )
    new_term: Mapped[Term | None] = relationship(foreign_keys=[new_term_id], default=None)
    restored_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), init=False, default=None)
    restored: Mapped[OrderLine | None] = relationship(foreign_keys=[restored_id], default=None)
    __table_args__ = (
        UniqueConstraint("quote_id", "n"),
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("list_amount = gross + discount", name="discounted"),
    )
