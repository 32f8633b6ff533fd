"""Questions about money that several pages ask."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select, type_coerce

from portal.billing.bank_models import NAMED, BankLine, OutsideMove
from portal.billing.book_models import HandEntry, HandState
from portal.billing.checkout_models import AttemptState, CheckoutAttempt, PaymentAlert
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.money_models import (
    Allocation,
    EntryState,
    JournalEntry,
    JournalLine,
    Receipt,
    ReceiptEntry,
    Refund,
    RefundState,
)
from portal.billing.note_models import CreditNote, CreditNoteShare, NoteState, WriteOff, WriteOffState
from portal.billing.provider_models import Dispute, DisputeState
from portal.billing.reversal_models import Reversal
from portal.billing.void_models import Voiding, VoidingState
from portal.core.db import Fen, db
from portal.core.money import Money

NONE = Money(0)
OVER = (RefundState.DECLINED, RefundState.FAILED)


def fen(expression: Any) -> ColumnElement[Money]:
    """Return an expression of sums as money: SQL's arithmetic forgets the type."""
    return type_coerce(expression, Fen())


def zero() -> ColumnElement[Money]:
    """Return nothing, as money in SQL."""
    return literal(NONE, Fen())


def _sum(statement: Any) -> Any:
    return func.coalesce(statement.scalar_subquery(), zero())


def owed_sql() -> ColumnElement[Money]:
    """Return what is still owed of an invoice, as a column."""
    paid = select(func.sum(Allocation.amount)).where(Allocation.invoice_id == Invoice.id)
    noted = select(func.sum(CreditNoteShare.gross)).where(CreditNoteShare.invoice_id == Invoice.id)
    return fen(Invoice.gross - _sum(noted.correlate(Invoice)) - _sum(paid.correlate(Invoice)))


def credit_sql() -> ColumnElement[Money]:
    """Return what of a receipt nobody uses, as a column."""
    taken = func.coalesce(Allocation.taken, Allocation.amount)
    used = select(func.sum(taken)).where(Allocation.receipt_id == Receipt.id)
    back = select(func.sum(Refund.amount)).where(Refund.receipt_id == Receipt.id, Refund.state.not_in(OVER))
    gone = select(func.sum(Reversal.amount)).where(Reversal.receipt_id == Receipt.id)
    out = select(func.sum(OutsideMove.amount)).where(OutsideMove.receipt_id == Receipt.id)
    left = Receipt.amount - _sum(used.correlate(Receipt)) - _sum(back.correlate(Receipt))
    return fen(left - _sum(gone.correlate(Receipt)) - _sum(out.correlate(Receipt)))


def allocations_of(invoice: Invoice) -> list[Allocation]:
    """Return what was put on an invoice and taken off again, oldest first."""
    return list(
        db.session.scalars(
            select(Allocation).where(Allocation.invoice_id == invoice.id).order_by(Allocation.id)
        )
    )


def entries_waiting() -> Select[ReceiptEntry]:
    """Select the transfers that wait for a second person, oldest first."""
    return select(ReceiptEntry).where(ReceiptEntry.state == EntryState.PROPOSED).order_by(ReceiptEntry.id)


def open_total() -> Select[int, Money]:
    """Select number of open invoices and what is still owed on them."""
    return select(func.count(Invoice.id), fen(func.coalesce(func.sum(owed_sql()), zero()))).where(
        Invoice.state == InvoiceState.OPEN
    )


def receipts() -> Select[Receipt]:
    """Select all receipts, the newest first."""
    return select(Receipt).order_by(Receipt.id.desc())


def references(numbers: Iterable[int | None]) -> dict[int, str]:
    """Return by which reference receipts are known: the bank's own for a line of a statement (it may have none)."""
    wanted = {number for number in numbers if number is not None}
    rows = db.session.execute(
        select(Receipt.id, Receipt.provider_ref, BankLine.bank_ref)
        .outerjoin(BankLine, BankLine.receipt_id == Receipt.id)
        .where(Receipt.id.in_(wanted))
    )
    # A receipt that a line made is keyed by the line's fingerprint, which is nobody's reference.
    return {number: ref if of_bank is None else of_bank or "" for number, ref, of_bank in rows}


def unapplied() -> Select[Receipt]:
    """Select the receipts with money that nobody uses, oldest first."""
    return select(Receipt).where(credit_sql() > NONE).order_by(Receipt.id)


def unidentified() -> Select[Receipt]:
    """Select the receipts of which nobody knows the payer, unless all of it went back, oldest first."""
    return unapplied().where(Receipt.party_id.is_(None))


def credits_of(party: Party) -> Money:
    """Return the unused money of a payer."""
    total = db.session.scalar(
        select(fen(func.coalesce(func.sum(credit_sql()), zero()))).where(Receipt.party_id == party.id)
    )
    return total or NONE


def refunds(*states: RefundState) -> Select[Refund]:
    """Select the refunds in these states, oldest first."""
    return select(Refund).where(Refund.state.in_(states)).order_by(Refund.id)


def failed_refunds() -> Select[Refund]:
    """Select the refunds that failed and whose money still lies with us unused."""
    return refunds(RefundState.FAILED).join(Receipt).where(credit_sql() >= Refund.amount)


def voidings() -> Select[Voiding]:
    """Select the proposals to void an invoice that wait, oldest first."""
    return select(Voiding).where(Voiding.state == VoidingState.PROPOSED).order_by(Voiding.id)


def alerts() -> Select[PaymentAlert]:
    """Select what about payments waits for a look, oldest first."""
    return select(PaymentAlert).where(PaymentAlert.closed_at.is_(None)).order_by(PaymentAlert.id)


def paid_twice() -> Select[Receipt]:
    """Select the payments that found their invoice paid already, and whose money nobody uses.

    Online the attempt names the invoice; a transfer gave a reference, and its payer has a paid invoice of just that sum.
    """
    put = exists().where(
        Allocation.receipt_id == CheckoutAttempt.receipt_id,
        Allocation.invoice_id == CheckoutAttempt.invoice_id,
    )
    late = (
        select(CheckoutAttempt.receipt_id)
        .join(Invoice, Invoice.id == CheckoutAttempt.invoice_id)
        .where(CheckoutAttempt.receipt_id.is_not(None), Invoice.state == InvoiceState.PAID, ~put)
    )
    paid = exists().where(
        Invoice.party_id == Receipt.party_id,
        Invoice.state == InvoiceState.PAID,
        Invoice.gross == Receipt.amount,
    )
    named = select(BankLine.receipt_id).where(BankLine.step == NAMED, BankLine.receipt_id.is_not(None))
    again = Receipt.id.in_(named.correlate(None))  # the file of the receipts joins the bank's lines itself
    transfer = again & paid & (credit_sql() == Receipt.amount)
    return unapplied().where(or_(Receipt.id.in_(late), transfer))


def disputes() -> Select[Dispute]:
    """Select the disputes that are not decided, oldest first."""
    return (
        select(Dispute)
        .where(Dispute.state.in_([DisputeState.INQUIRY, DisputeState.OPEN]))
        .order_by(Dispute.id)
    )


def disputed(receipt: Receipt) -> bool:
    """Whether a receipt's payer disputes it at his bank now."""
    mine = disputes().where(Dispute.receipt_id == receipt.id, Dispute.state == DisputeState.OPEN)
    return db.session.scalars(mine).first() is not None


def under_dispute(invoice: Invoice) -> bool:
    """Whether money on an invoice, or money that was on it, is disputed: nobody is reminded meanwhile."""
    put = select(Allocation.receipt_id).where(Allocation.invoice_id == invoice.id)
    return db.session.scalars(disputes().where(Dispute.receipt_id.in_(put))).first() is not None


def processing() -> Select[CheckoutAttempt]:
    """Select the online payments that are promised and not yet certain."""
    return select(CheckoutAttempt).where(CheckoutAttempt.state == AttemptState.PROCESSING)


def count_waiting() -> Select[int]:
    """Select how many things wait at the finance desk for somebody."""
    parts = [
        select(func.count(ReceiptEntry.id)).where(ReceiptEntry.state == EntryState.PROPOSED),
        select(func.count(Refund.id)).where(Refund.state == RefundState.REQUESTED),
        select(func.count(Voiding.id)).where(Voiding.state == VoidingState.PROPOSED),
        select(func.count(CreditNote.id)).where(CreditNote.state == NoteState.DRAFT),
        select(func.count(WriteOff.id)).where(WriteOff.state == WriteOffState.PROPOSED),
        select(func.count(HandEntry.id)).where(HandEntry.state == HandState.PROPOSED),
        select(func.count(PaymentAlert.id)).where(PaymentAlert.closed_at.is_(None)),
        select(func.count(Receipt.id)).where(Receipt.party_id.is_(None), credit_sql() > NONE),
    ]
    total: Any = parts[0].scalar_subquery()
    for part in parts[1:]:
        total = total + part.scalar_subquery()
    return select(total)


def journal_of(*, invoice: Invoice | None = None, receipt: Receipt | None = None) -> list[JournalEntry]:
    """Return the journal's entries that touch an invoice or a receipt, oldest first."""
    touched = select(JournalLine.entry_id)
    if invoice is not None:
        touched = touched.where(JournalLine.invoice_id == invoice.id)
    if receipt is not None:
        touched = touched.where(JournalLine.receipt_id == receipt.id)
    return list(
        db.session.scalars(select(JournalEntry).where(JournalEntry.id.in_(touched)).order_by(JournalEntry.id))
    )


def journal_about(subject: str) -> list[JournalEntry]:
    """Return the journal's entries that book one thing, oldest first."""
    return list(
        db.session.scalars(
            select(JournalEntry).where(JournalEntry.source == subject).order_by(JournalEntry.id)
        )
    )


def notes_of(invoice: Invoice) -> list[CreditNote]:
    """Return the credit notes that lower an invoice or are proposed for it, oldest first."""
    shared = select(CreditNoteShare.note_id).where(CreditNoteShare.invoice_id == invoice.id)
    here = (CreditNote.invoice_id == invoice.id) | CreditNote.id.in_(shared)
    return list(
        db.session.scalars(
            select(CreditNote).where(here, CreditNote.state != NoteState.DECLINED).order_by(CreditNote.id)
        )
    )
