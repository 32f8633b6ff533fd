"""What billing tells the others; the seller's own subject comes back in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.billing.models import Invoice
from portal.billing.money_models import Receipt, Refund
from portal.billing.note_models import CreditNote
from portal.billing.reversal_models import Reversal
from portal.billing.subscription_models import Subscription, SubscriptionPeriod


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
    """An invoice was voided, or credit notes took all of it back."""

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
class PeriodOrdered:
    """A subscription has its next period, ordered and invoiced."""

    period: SubscriptionPeriod


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """The last period of a subscription is over."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class CreditNoteIssued:
    """A credit note got its number."""

    note: CreditNote


@dataclass(frozen=True, slots=True)
class PeriodClosed:
    """A month of the books is closed; `month` is its first day."""

    month: date


@dataclass(frozen=True, slots=True)
class PaymentReversed:
    """Money that had come was taken back by the payer's bank, or by a dispute we lost."""

    reversal: Reversal


@dataclass(frozen=True, slots=True)
class DunningStepReached:
    """An unpaid invoice reached a step of its ladder; what the action means is the seller's business."""

    invoice: Invoice
    step: str
    action: str
    place: int
