"""What takes money off an issued invoice: credit notes with their lines, and write-offs."""

from __future__ import annotations

from datetime import date, datetime
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
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, InvoiceLine, OrderLine
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life


class NoteKind(StrEnum):
    """Why a credit note is issued."""

    TERMINATION = "termination"
    PRICE_ADJUSTMENT = "price_adjustment"
    CANCELLATION = "cancellation"


labels.name(
    NoteKind,
    {
        NoteKind.TERMINATION: _l("Service ended early"),
        NoteKind.PRICE_ADJUSTMENT: _l("Price lowered"),
        NoteKind.CANCELLATION: _l("Invoice cancelled"),
    },
)


class NoteState(StrEnum):
    """The life of a credit note: a number comes with the issue."""

    DRAFT = "draft"
    ISSUED = "issued"
    DECLINED = "declined"


N = NoteState
NOTE_LIFE = life(NoteState, {N.DRAFT: [N.ISSUED, N.DECLINED]})
labels.name(
    NoteState,
    {N.DRAFT: _l("Proposed"), N.ISSUED: _l("Note issued"), N.DECLINED: _l("Declined")},
    {N.DRAFT: "wait", N.ISSUED: "good"},
)


class CreditNote(Model):
    """A numbered document that takes part of an invoice back; its figures are copied from the invoice's lines."""

    __tablename__ = "credit_note"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[NoteKind] = mapped_column(choice(NoteKind))
    reason: Mapped[str] = mapped_column(String(300))
    proposed_by: Mapped[str] = mapped_column(String(120))
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    state: Mapped[NoteState] = mapped_column(choice(NoteState), default=NoteState.DRAFT, index=True)
    number: Mapped[str | None] = mapped_column(String(20), unique=True, default=None)
    issued_on: Mapped[date | None] = mapped_column(default=None, index=True)
    last_day: Mapped[date | None] = mapped_column(default=None)
    units: Mapped[int | None] = mapped_column(default=None)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id], default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    pdf_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    pdf: Mapped[StoredFile | None] = relationship(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    lines: Mapped[list[CreditNoteLine]] = relationship(
        init=False, back_populates="note", order_by="CreditNoteLine.n"
    )
    shares: Mapped[list[CreditNoteShare]] = relationship(
        init=False, back_populates="note", order_by="CreditNoteShare.id"
    )
    __table_args__ = (
        CheckConstraint("gross = net + tax", name="adds_up"),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="numbered_when_issued"),
        CheckConstraint("second_id IS NULL OR by_id IS NULL OR second_id <> by_id", name="two_eyes"),
        Index(
            "uq_credit_note_draft", "invoice_id", unique=True,
            sqlite_where=literal_column("state = 'draft'"), postgresql_where=literal_column("state = 'draft'"),
        ),
    )  # fmt: skip

    def on(self, invoice: Invoice) -> Money:
        """Return what this note takes off an invoice: all of it, unless a change reaches back to older invoices."""
        shares = {one.invoice_id: one.gross for one in self.shares}
        return shares.get(invoice.id, Money(0)) if shares else self.gross


class CreditNoteLine(Model):
    """What a credit note takes off an order line; below zero what a change charges in the same document.

    `invoice_line` charged what is taken back; there is none where an earlier note of a change did, or on a charge.
    """

    __tablename__ = "credit_note_line"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    note_id: Mapped[int] = mapped_column(ForeignKey("credit_note.id"), init=False, index=True)
    note: Mapped[CreditNote] = relationship(back_populates="lines")
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, index=True)
    order_line: Mapped[OrderLine] = relationship()
    n: Mapped[int]
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    tax_words: Mapped[dict[str, str]] = mapped_column(JSON)
    gross: Mapped[Money]
    net: Mapped[Money]
    tax: Mapped[Money]
    invoice_line_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_line.id"), init=False, index=True)
    invoice_line: Mapped[InvoiceLine | None] = relationship(default=None)
    printed: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    __table_args__ = (CheckConstraint("gross = net + tax", name="adds_up"),)


# What an order line was charged by: a line of an invoice, or the charge on a note of a change.
Charged = InvoiceLine | CreditNoteLine


class CreditNoteShare(Model):
    """What an issued credit note takes off one invoice: its own, and older ones where a change gives back more than that."""

    __tablename__ = "credit_note_share"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    note_id: Mapped[int] = mapped_column(ForeignKey("credit_note.id"), init=False)
    note: Mapped[CreditNote] = relationship(back_populates="shares")
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship()
    gross: Mapped[Money]
    __table_args__ = (UniqueConstraint("note_id", "invoice_id"),)


class WriteOffState(StrEnum):
    """The life of a proposal to write an invoice off."""

    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"
    RECOVERED = "recovered"


W = WriteOffState
WRITE_OFF_LIFE = life(WriteOffState, {W.PROPOSED: [W.DONE, W.DECLINED], W.DONE: [W.RECOVERED]})
labels.name(
    WriteOffState,
    {
        W.PROPOSED: _l("To be confirmed"),
        W.DONE: _l("Written off"),
        W.DECLINED: _l("Declined"),
        W.RECOVERED: _l("Taken back into the books"),
    },
    {W.PROPOSED: "wait", W.DONE: "bad", W.RECOVERED: "good"},
)


class WriteOff(Model):
    """What of an invoice nobody expects any more: proposed by one, done by another, undone when money comes."""

    __tablename__ = "write_off"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), init=False, index=True)
    invoice: Mapped[Invoice] = relationship(lazy="joined", innerjoin=True)
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    state: Mapped[WriteOffState] = mapped_column(choice(WriteOffState), default=WriteOffState.PROPOSED)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        CheckConstraint("state = 'proposed' OR second_id IS NOT NULL", name="confirmed_by_somebody"),
        Index(
            "uq_write_off_live", "invoice_id", unique=True,
            sqlite_where=literal_column("state IN ('proposed', 'done')"),
            postgresql_where=literal_column("state IN ('proposed', 'done')"),
        ),
    )  # fmt: skip


KEPT = ("number", "issued_on", "kind", "gross", "net", "tax", "invoice_id", "last_day", "units", "reason")


@event.listens_for(CreditNote, "before_update")
def _kept(_mapper: object, _connection: object, row: CreditNote) -> None:
    """Refuse a change of an issued note; the database refuses it too."""
    state: Any = inspect(row)
    was = state.attrs.number.history
    if (was.deleted or was.unchanged or [None])[0] is None:
        return
    if changed := [name for name in KEPT if state.attrs[name].history.has_changes()]:
        raise ValueError(f"an issued credit note cannot change: {changed}")
