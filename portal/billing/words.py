"""How the history of money reads: the verbs of the audit chain and their details."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing import ledger
from portal.billing.dunning_models import HoldKind
from portal.billing.fapiao_models import FapiaoKind
from portal.billing.models import InvoiceState
from portal.core import catalogue, clock, labels, story

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


def overdue(row: Any) -> bool:
    """Whether an invoice is open and its last day to pay is over; of the invoice itself or of a row with its state and day."""
    return row.state is InvoiceState.OPEN and row.due_on is not None and row.due_on < clock.today()


def account(code: str) -> str:
    """Return what an account of the journal is called, an account of income with its stream."""
    root, _dot, stream = code.partition(".")
    name = catalogue.in_words(ledger.chart().get(root, {}).get("name", code))
    if not stream:
        return name
    known = catalogue.entries("stream").get(stream)
    return f"{name} · {catalogue.in_words(known['name']) if known else stream}"


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


STATUSES = {
    "needs_response": _l("Waits for our answer"),
    "under_review": _l("Our answer is being examined"),
    "warning_needs_response": _l("The bank asks; no money is held"),
    "warning_under_review": _l("Our answer is being examined; no money is held"),
    "warning_closed": _l("The bank asks no more"),
    "won": _l("Won"),
    "lost": _l("Lost"),
}
METHODS = {
    "daily": _l("Day by day"),
    "point": _l("On delivery"),
    "milestone": _l("By accepted milestones"),
    "units": _l("As units are used"),
    "usage": _l("By each month's turnover"),
    "contribution": _l("All at once"),
}


def trouble(detail: str) -> str:
    """Return what an alert says, the provider's codes in the reader's words."""
    known = STATUSES | REASONS
    parts = detail.split()
    told = [str(known[part]) for part in parts if part in known]
    rest = " ".join(part for part in parts if part not in known)
    return " · ".join([*told, rest]) if told and rest else " · ".join(told) or detail


def recognition(code: str) -> str:
    """Return how income of a product is earned, in words."""
    return str(METHODS.get(code, code))


VERBS = {
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
    "statement.imported": (_l("Bank statement taken in"), "file-earmark-arrow-down"),
    "bank.opened": (_l("Book of a bank account begun"), "bank"),
    "bank.matched": (_l("Line of the bank matched"), "check-circle"),
    "bank.outside": (_l("Line of the bank set outside"), "box-arrow-right"),
    "bank.undone": (_l("Clearing undone"), "arrow-counterclockwise"),
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
    "period.caught_up": (_l("What the month lacked is booked"), "journal-plus"),
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
    **DESK,
}
FIELDS = {
    "fapiao_number": _l("Fapiao number"),
    "kind": _l("Kind of fapiao"),
    "step": _l("Step"),
    "owed": _l("Owed"),
    "until": _l("Until"),
    "order_number": _l("Order number"),
    "held": _l("Kind of pause"),
    "payer": _l("Payer"),
    "came": _l("What arrived"),
    "taken": _l("Off the receipt"),
    "given": _l("Off the invoice"),
    "text": _l("Text of the transfer"),
    "asked": _l("Sum asked for"),
    "fee": _l("Fee"),
    "card": _l("Card"),
    "account": _l("Account at the bank"),
    "file": _l("File"),
    "lines": _l("Lines"),
    "fresh": _l("New lines"),
    "closing": _l("Closing balance"),
    "balance": _l("Balance"),
    "why": _l("Reason"),
    "earned": _l("Entries of income"),
    "revalued": _l("Invoices revalued"),
}


def install() -> None:
    """Name the verbs of receipts, refunds and voided invoices."""
    story.values({f"dispute.{verb}/reason": dispute_reason for verb in ("came", "opened", "won", "lost")})
    story.words(VERBS, FIELDS)
    story.values(
        {
            "fapiao.requested/kind": lambda raw: labels.label(FapiaoKind(str(raw))),
            "invoice.dunning_held/held": lambda raw: labels.label(HoldKind(str(raw))),
        }
    )
