"""What billing keeps of people, what for and for how long: the books as long as the law asks."""

from __future__ import annotations

from portal.core import personal
from portal.core.personal import Keeping, Purpose

P, K = Purpose, Keeping


def install() -> None:
    """Put the columns into the register."""
    personal.holds(
        P.MONEY, K.BOOKS, "party.title", "party.address", "party.telephone", "party.bank_account", "party.person_id",
        "invoice.buyer", "invoice.buyer_name", "bank_line.payer", "bank_line.payer_account", "receipt.payer",
        "receipt_entry.payer", "refund.payee", "refund.payee_account", "fapiao.title", "fapiao.address",
        "fapiao.telephone", "fapiao.bank_account",
    )  # fmt: skip
    personal.no_person("statement_file.name")
