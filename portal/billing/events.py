"""What billing tells the others; the seller's own subject comes back in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.billing.models import Invoice
from portal.billing.money_models import Receipt, Refund


@dataclass(frozen=True, slots=True)
class InvoiceIssued:
    """An invoice got its number."""

    invoice: Invoice


@dataclass(frozen=True, slots=True)
class InvoiceSettled:
    """Nothing is owed on an invoice any more."""

    invoice: Invoice


@dataclass(frozen=True, slots=True)
class InvoiceReopened:
    """Money that had settled an invoice went away again."""

    invoice: Invoice


@dataclass(frozen=True, slots=True)
class InvoiceReversed:
    """An invoice was voided."""

    invoice: Invoice


@dataclass(frozen=True, slots=True)
class ReceiptRecorded:
    """Money arrived."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ReceiptUnapplied:
    """Money arrived that no open invoice takes: it stays its payer's credit."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class RefundDone:
    """Credit went back to its payer."""

    refund: Refund


@dataclass(frozen=True, slots=True)
class CreditNoteIssued:
    """A credit note got its number."""

    note: Any


@dataclass(frozen=True, slots=True)
class DunningStepReached:
    """An unpaid invoice reached a step of its ladder; what the action means is the seller's business."""

    invoice: Invoice
    step: str
    action: str
