"""How the history of money reads: the verbs of the audit chain and their details."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.billing import ledger
from portal.billing.dunning_models import HoldKind
from portal.billing.fapiao_models import FapiaoKind
from portal.core import labels, story

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
}


DESK = {
    "fapiao.requested": (_l("Fapiao asked for"), "file-earmark-ruled"),
    "fapiao.withdrawn": (_l("Request withdrawn"), "arrow-counterclockwise"),
    "fapiao.rejected": (_l("Fapiao request declined"), "x-circle"),
    "fapiao.exported": (_l("Handed to the tax system"), "send"),
    "fapiao.issued": (_l("Fapiao issued"), "check-circle"),
    "fapiao.red_requested": (_l("Red letter asked for"), "exclamation-triangle"),
    "fapiao.red_issued": (_l("Taken back by red letter"), "file-earmark-x"),
    "invoice.dunned": (_l("Reached a step of the reminders"), "bell"),
    "invoice.dunning_held": (_l("Reminders paused"), "pause-circle"),
    "invoice.dunning_resumed": (_l("Reminders go on"), "play-circle"),
    "invoice.block_confirmed": (_l("Block of the service confirmed"), "lock"),
    "invoice.write_off_taken_up": (_l("Write-off taken up"), "journal-x"),
    "invoice.dunning_declined": (_l("Proposal declined"), "arrow-counterclockwise"),
    "invoice.order_given": (_l("Order number given"), "hash"),
    "party.order_given": (_l("Order number given"), "hash"),
    "statement.exported": (_l("Statement of account downloaded"), "download"),
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
            "invoice.void_proposed": (_l("Voiding proposed"), "slash-circle"),
            "invoice.void_declined": (_l("Voiding declined"), "arrow-counterclockwise"),
            **DESK,
        },
        {
            "fapiao_number": _l("Fapiao number"), "kind": _l("Kind of fapiao"), "step": _l("Step"), "owed": _l("Owed"),
            "until": _l("Until"), "order_number": _l("Order number"), "held": _l("Kind of pause"), "payer": _l("Payer"), "text": _l("Text of the transfer"), "asked": _l("Sum asked for"),
        },
    )  # fmt: skip
    story.values(
        {
            "fapiao.requested/kind": lambda raw: labels.label(FapiaoKind(str(raw))),
            "invoice.dunning_held/held": lambda raw: labels.label(HoldKind(str(raw))),
        }
    )
