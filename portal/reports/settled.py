"""Money put on invoices and sent back, net of VAT, and how an amount of an invoice is spread over its contract lines."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import NamedTuple

from portal.core.money import half_up, spread
from portal.reports import journal
from portal.reports.facts import Bill, Facts, refunds
from portal.reports.journal import Settled


class Paid(NamedTuple):
    """Money of one movement for one invoice: its day, gross, net, and the net of what it settled at the invoice's rate."""

    day: date
    invoice_id: int
    gross: int
    net: int
    settled: int
    receipt_id: int = 0


def over_lines(bill: Bill, amount: int) -> list[tuple[int, int]]:
    """Spread an amount of an invoice over its contract lines, by gross."""
    if len(bill.lines) == 1:
        return [(bill.lines[0][0], amount)]
    weights = [max(0, gross) for _line, gross, _net in bill.lines]
    if not sum(weights):
        return [(bill.lines[0][0], amount)] if bill.lines else []
    return list(zip([line for line, _gross, _net in bill.lines], spread(amount, weights), strict=True))


def _net(cash: int, tax: int, settled: int, gross: int) -> int:
    return cash - (half_up(tax * settled, gross) if gross else 0)


def _settled(facts: Facts) -> list[Settled]:
    return facts.held("settled", lambda: list(journal.settled(facts.until)))


def collected(facts: Facts) -> list[Paid]:
    """Return money put on invoices, by value date: net = cash − half_up(tax × settled, gross).

    What a credit note releases stays collected: it goes back as a refund, which has its own column.
    """
    found = []
    for one in _settled(facts):
        if (put := facts.puts.get(one.allocation_id)) is None:
            continue
        bill = facts.bills[put.invoice_id]
        net = _net(one.cash, bill.tax, one.settled, bill.gross)
        share = net if one.cash == one.settled else _net(one.settled, bill.tax, one.settled, bill.gross)
        found.append(Paid(put.day, put.invoice_id, one.cash, net, share, put.receipt_id))
    return found


def _paid_last(facts: Facts, receipt_id: int, at: datetime) -> int | None:
    """Return which invoice a receipt was put on last, as known at an instant."""
    return next(
        (invoice for known, invoice in reversed(_puts_of(facts).get(receipt_id, [])) if known <= at), None
    )


def _puts_of(facts: Facts) -> dict[int, list[tuple[datetime, int]]]:
    """Return by receipt which invoices it was put on, and since when that is known."""
    return facts.held("puts of receipts", lambda: _read_puts(facts))


def _read_puts(facts: Facts) -> dict[int, list[tuple[datetime, int]]]:
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for one in _settled(facts):
        if (put := facts.puts.get(one.allocation_id)) is not None:
            found[put.receipt_id].append((one.known_at, put.invoice_id))
    return found


def refunded(facts: Facts) -> list[Paid]:
    """Return money sent back, by day, net by the proportions of the note that released it, else of the invoice.

    It is of the invoice that its receipt paid last when it went: what the rest of the receipt pays later moves nothing.
    """
    receipt_of = refunds()
    gross: dict[tuple[date, int], int] = defaultdict(int)
    for one in journal.sent_back(facts.until):
        invoice_id = _paid_last(facts, receipt_of.get(one.refund_id, 0), one.known_at)
        if invoice_id is not None:
            gross[one.day, invoice_id] += one.amount
    found = []
    for (day, invoice_id), amount in gross.items():
        notes = [
            note
            for note in facts.notes
            if note.invoice_id == invoice_id and note.issued_on is not None and note.issued_on <= day
        ]
        bill = facts.bills[invoice_id]
        tax, whole = (notes[-1].tax.minor, notes[-1].gross.minor) if notes else (bill.tax, bill.gross)
        net = _net(amount, tax, amount, whole)
        found.append(Paid(day, invoice_id, amount, net, net))
    return found
