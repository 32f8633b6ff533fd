"""Whose money a receipt is: said once it is known, and taken back while all of it is free."""

from __future__ import annotations

from portal.billing import ledger
from portal.billing.ledger import Line
from portal.billing.models import Party
from portal.billing.money_models import Receipt
from portal.core import clock


def _side(account: str, receipt: Receipt, sign: int, party: Party | None = None) -> Line:
    units = None if receipt.units is None else receipt.units * sign
    return Line(
        account, receipt.amount * sign, party, receipt=receipt, currency=receipt.currency, units=units
    )


def identify(receipt: Receipt, party: Party) -> None:
    """Say whose money an unidentified receipt is, once it pays an invoice of that party."""
    if receipt.party_id is None:
        ledger.post(
            "identified",
            receipt.subject,
            [
                _side(ledger.UNIDENTIFIED, receipt, 1),
                _side(ledger.CREDIT, receipt, -1, party),
            ],
            on=clock.today(),
            n=ledger.next_n("identified", receipt.subject),
        )
        receipt.party = party


def unidentify(receipt: Receipt) -> None:
    """Say that nobody knows whose money it is after all; all of it must be free."""
    if receipt.party is not None:
        sides = [
            _side(ledger.CREDIT, receipt, 1, receipt.party),
            _side(ledger.UNIDENTIFIED, receipt, -1),
        ]
        n = ledger.next_n("unidentified", receipt.subject)
        ledger.post("unidentified", receipt.subject, sides, on=clock.today(), n=n)
        receipt.party = None
