"""Every kind of entry the journal takes, with its name for finance and, where a payer's account moves, for the payer."""

from __future__ import annotations

from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


class Kind(NamedTuple):
    """What finance calls a kind of entry, and what a statement of account calls it (the same, if nothing else is said)."""

    words: LazyString
    payer: LazyString | None = None


KINDS: dict[str, Kind] = {
    "invoice": Kind(_l("Invoice issued"), _l("Invoice")),
    "void": Kind(_l("Invoice voided")),
    "receipt": Kind(_l("Money arrived"), _l("Payment received")),
    "identified": Kind(_l("Payer found"), _l("Payment received")),
    "unidentified": Kind(_l("Payer taken back"), _l("Payment was another’s")),
    "allocation": Kind(_l("Money on an invoice"), _l("Difference of exchange or charges")),
    "credited": Kind(_l("Freed by a credit note"), _l("Difference of exchange or charges")),
    "credit_note": Kind(_l("Credit note issued"), _l("Credit note")),
    "earned": Kind(_l("Income of a month")),
    "refund_approved": Kind(_l("Refund approved"), _l("Refund")),
    "refund_done": Kind(_l("Refund paid out")),
    "refund_failed": Kind(_l("Refund failed")),
    "refund_came_back": Kind(_l("Refund sent back by the bank")),
    "revaluation": Kind(_l("Revaluation at the month's end")),
    "write_off": Kind(_l("Written off")),
    "recovery": Kind(_l("Taken back into the books"), _l("Written off, and paid after all")),
    "charges": Kind(_l("Rest booked as bank charges"), _l("Bank charges borne by us")),
    "fee": Kind(_l("Fee of bank or gateway")),
    "payout": Kind(_l("Payout of the payment provider")),
    "payout_fee": Kind(_l("Fees of a payout")),
    "payout_failed": Kind(_l("Payout came back")),
    "dispute": Kind(_l("Payment disputed")),
    "dispute_won": Kind(_l("Dispute won")),
    "reversal": Kind(_l("Payment taken back")),
    "credit_passed": Kind(_l("Credit passed to another payer"), _l("Credit passed on")),
    "bank_opening": Kind(_l("Opening balance of a bank account")),
    "bank_line": Kind(_l("Line of the bank, money out")),
    "bank_outside": Kind(_l("Line of the bank set outside")),
    "hand": Kind(_l("Entry by hand")),
}


def to_finance(code: str) -> str:
    """Return what finance calls a kind of entry."""
    return str(KINDS[code].words if code in KINDS else code)


def to_payer(code: str) -> str:
    """Return what a payer's statement calls a kind of entry."""
    kind = KINDS.get(code)
    return to_finance(code) if kind is None or kind.payer is None else str(kind.payer)
