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
    ledger.OUTSIDE: _l("Outside the portal"),
}


def account(code: str) -> str:
    """Return what an account of the journal is called."""
    return str(ACCOUNTS.get(code, ""))


def install() -> None:
    """Name the verbs of receipts, refunds and voided invoices."""
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
            "refund.requested": (_l("Refund asked for"), "arrow-return-left"),
            "refund.approved": (_l("Refund approved"), "check-circle"),
            "refund.declined": (_l("Refund declined"), "x-circle"),
            "refund.sending": (_l("Refund on its way"), "send"),
            "refund.succeeded": (_l("Refund paid out"), "flag"),
            "refund.failed": (_l("Refund failed"), "exclamation-octagon"),
            "statement.imported": (_l("Bank statement taken in"), "file-earmark-arrow-down"),
            "bank.opened": (_l("Book of a bank account begun"), "bank"),
            "bank.matched": (_l("Line of the bank matched"), "check-circle"),
            "bank.outside": (_l("Line of the bank set outside"), "box-arrow-right"),
            "bank.undone": (_l("Clearing undone"), "arrow-counterclockwise"),
            "invoice.void_proposed": (_l("Voiding proposed"), "slash-circle"),
            "invoice.void_declined": (_l("Voiding declined"), "arrow-counterclockwise"),
        },
        {
            "account": _l("Account at the bank"),
            "file": _l("File"),
            "lines": _l("Lines"),
            "fresh": _l("New lines"),
            "closing": _l("Closing balance"),
            "balance": _l("Balance"),
            "why": _l("Reason"),
            "payer": _l("Payer"),
            "text": _l("Text of the transfer"),
            "asked": _l("Sum asked for"),
        },
    )
