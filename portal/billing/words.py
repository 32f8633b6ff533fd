"""How the history of money reads: the verbs of the audit chain and their details."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.billing import ledger
from portal.core import catalogue, story


def account(code: str) -> str:
    """Return what an account of the journal is called, an account of income with its stream."""
    root, _dot, stream = code.partition(".")
    name = catalogue.in_words(ledger.chart().get(root, {}).get("name", code))
    if not stream:
        return name
    known = catalogue.entries("stream").get(stream)
    return f"{name} · {catalogue.in_words(known['name']) if known else stream}"


KINDS = {
    "invoice": _l("Invoice issued"),
    "void": _l("Invoice voided"),
    "receipt": _l("Money arrived"),
    "identified": _l("Payer found"),
    "allocation": _l("Money on an invoice"),
    "credited": _l("Freed by a credit note"),
    "credit_note": _l("Credit note issued"),
    "earned": _l("Income of a month"),
    "refund_approved": _l("Refund approved"),
    "refund_done": _l("Refund paid out"),
    "refund_failed": _l("Refund failed"),
    "revaluation": _l("Revaluation at the month's end"),
    "write_off": _l("Written off"),
    "recovery": _l("Taken back into the books"),
    "charges": _l("Rest booked as bank charges"),
    "fee": _l("Fee of bank or gateway"),
    "hand": _l("Entry by hand"),
}


def entry_kind(code: str) -> str:
    """Return what a kind of entry is called."""
    return str(KINDS.get(code, code))


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
            "note.proposed": (_l("Credit note proposed"), "pencil"),
            "note.issued": (_l("Credit note issued"), "file-earmark-minus"),
            "note.declined": (_l("Credit note declined"), "x-circle"),
            "invoice.write_off_proposed": (_l("Write-off proposed"), "pencil"),
            "invoice.written_off": (_l("Written off"), "slash-circle"),
            "invoice.write_off_declined": (_l("Write-off declined"), "x-circle"),
            "invoice.recovered": (_l("Taken back into the books"), "arrow-counterclockwise"),
            "invoice.charges": (_l("Rest booked as bank charges"), "scissors"),
            "invoice.exchanged": (_l("Paid in another currency"), "currency-exchange"),
            "rate.loaded": (_l("Exchange rate loaded"), "currency-exchange"),
            "period.proposed": (_l("Close of the month proposed"), "pencil"),
            "period.closed": (_l("Month closed"), "lock"),
            "period.declined": (_l("Month left open"), "unlock"),
            "period.reopen_proposed": (_l("Reopening proposed"), "pencil"),
            "period.reopened": (_l("Month reopened"), "unlock"),
            "period.reopen_declined": (_l("Reopening declined"), "x-circle"),
            "hand_entry.proposed": (_l("Entry by hand written"), "pencil"),
            "hand_entry.posted": (_l("Entry by hand booked"), "check-circle"),
            "hand_entry.declined": (_l("Entry by hand declined"), "x-circle"),
            "books.imported": (_l("Past books imported"), "box-arrow-in-down"),
            "invoice.void_declined": (_l("Voiding declined"), "arrow-counterclockwise"),
        },
        {"payer": _l("Payer"), "text": _l("Text of the transfer"), "asked": _l("Sum asked for")},
    )
