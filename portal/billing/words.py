"""How the history of money reads: the verbs of the audit chain and their details."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.billing import ledger
from portal.core import story

ACCOUNTS = {
    ledger.BANK: _l("Bank account"),
    ledger.STRIPE: _l("Stripe"),
    ledger.TEST_GATEWAY: _l("Test gateway"),
    ledger.RECEIVABLE: _l("Receivables"),
    ledger.DEFERRED: _l("Deferred income"),
    ledger.CREDIT: _l("Customer credit"),
    ledger.UNIDENTIFIED: _l("Unidentified receipts"),
    ledger.VAT: _l("Output VAT"),
    ledger.REFUNDS: _l("Refunds payable"),
    ledger.DISPUTED: _l("Disputed payments"),
    ledger.FEES: _l("Fees of banks and providers"),
}


def account(code: str) -> str:
    """Return what an account of the journal is called."""
    return str(ACCOUNTS.get(code, ""))


REASONS = {
    "fraudulent": _l("The payer says it was not him"),
    "duplicate": _l("Paid twice"),
    "product_not_received": _l("Not received"),
    "product_unacceptable": _l("Not as agreed"),
    "subscription_canceled": _l("Ended before"),
    "credit_not_processed": _l("A refund did not come"),
    "unrecognized": _l("The payer does not know the payment"),
    "general": _l("No reason given"),
}


def dispute_reason(code: str) -> str:
    """Return why a payer disputes a payment; the provider's code if it has no words."""
    return str(REASONS.get(code, code))


def install() -> None:
    """Name the verbs of receipts, refunds and voided invoices."""
    story.values({f"dispute.{verb}/reason": dispute_reason for verb in ("came", "opened", "won", "lost")})
    story.words(
        {
            "receipt.proposed": (_l("Transfer written down"), "pencil"),
            "receipt.confirmed": (_l("Transfer confirmed"), "check-circle"),
            "receipt.declined": (_l("Entry declined"), "x-circle"),
            "receipt.recorded": (_l("Money arrived"), "cash-coin"),
            "receipt.used": (_l("Put on an invoice"), "arrow-right-circle"),
            "receipt.freed": (_l("Taken off an invoice"), "arrow-counterclockwise"),
            "receipt.does_not_fit": (
                _l("The payment differs from what was asked for"),
                "exclamation-triangle",
            ),
            "receipt.reversed": (_l("Taken back by the payer's bank"), "arrow-counterclockwise"),
            "dispute.came": (_l("The payer's bank asks about the payment"), "question-circle"),
            "dispute.opened": (_l("The payer disputes the payment"), "exclamation-triangle"),
            "dispute.won": (_l("Dispute won"), "check-circle"),
            "dispute.lost": (_l("Dispute lost"), "x-circle"),
            "payout.booked": (_l("Payout booked"), "bank"),
            "payout.failed": (_l("Payout came back"), "exclamation-octagon"),
            "card.kept": (_l("Card kept"), "credit-card"),
            "card.removed": (_l("Card forgotten"), "trash"),
            "card.charged": (_l("Card on file charged"), "credit-card"),
            "event.replayed": (_l("Event worked again"), "arrow-repeat"),
            "refund.requested": (_l("Refund asked for"), "arrow-return-left"),
            "refund.approved": (_l("Refund approved"), "check-circle"),
            "refund.declined": (_l("Refund declined"), "x-circle"),
            "refund.sending": (_l("Refund on its way"), "send"),
            "refund.succeeded": (_l("Refund paid out"), "flag"),
            "refund.failed": (_l("Refund failed"), "exclamation-octagon"),
            "invoice.void_proposed": (_l("Voiding proposed"), "slash-circle"),
            "invoice.void_declined": (_l("Voiding declined"), "arrow-counterclockwise"),
        },
        {
            "payer": _l("Payer"),
            "text": _l("Text of the transfer"),
            "asked": _l("Sum asked for"),
            "fee": _l("Fee"),
            "card": _l("Card"),
        },
    )
