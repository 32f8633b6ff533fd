"""A month's figures by stream and payer: the rows that a snapshot keeps, summing to its figures."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import BigInteger, func, or_, select, type_coerce

from portal.billing.models import Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.reports.flows import Flows
from portal.reports.journal import CONTRACT, INCOME
from portal.reports.settled import Paid

Cells = dict[str, dict[str, dict[str, int]]]
CREDITED = "credit_note"


class _Table:
    """Sums by stream, payer and basis."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows
        self.sums: dict[tuple[str, int, str], int] = defaultdict(int)

    def line(self, number: int, basis: str, amount: int) -> None:
        """Add an amount of a contract line."""
        sold = self.flows.facts.sold[number]
        self.sums[sold.stream, sold.party_id, basis] += amount

    def paid(self, rows: list[Paid], basis: str) -> None:
        """Add money of the period by the lines of its invoices."""
        for row in rows:
            if self.flows.start <= row.day <= self.flows.end:
                self.bill(row.invoice_id, basis, row.net)

    def bill(self, invoice_id: int, basis: str, amount: int) -> None:
        """Add an amount of an invoice, spread over its lines."""
        for line, part in self.flows.spread(invoice_id, amount):
            self.line(line, basis, part)

    def told(self) -> Cells:
        """Return what is not nothing."""
        found: Cells = {}
        for (stream, party, basis), amount in sorted(self.sums.items()):
            if amount:
                found.setdefault(stream, {}).setdefault(str(party), {})[basis] = amount
        return found


def _noted(flows: Flows) -> list[Any]:
    """Return what invoices and credit notes of the period put on contract lines, by line and kind."""
    amount = func.sum(type_coerce(JournalLine.amount, BigInteger))
    key = (OrderLine.id, JournalEntry.kind)
    statement = (
        select(*key, amount)
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(
            JournalEntry.kind.in_(("invoice", "void", CREDITED)), JournalEntry.known_at <= flows.facts.until,
            JournalEntry.posted_on.between(flows.start, flows.end),
            or_(JournalLine.account.in_(CONTRACT), INCOME),
        )
        .group_by(*key)
        .order_by(*key)
    )  # fmt: skip
    return list(db.session.execute(statement))


def cells(flows: Flows) -> Cells:
    """Return the figures of a period by stream and payer, payers by number."""
    table = _Table(flows)
    for line, amount in flows.facts.income.items():
        table.line(line, "recognised", amount)
    for part in flows.parts:
        if flows.start <= part.month <= flows.end:
            table.line(part.line_id, "recognised", part.amount)
    for line, kind, amount in _noted(flows):
        if kind == CREDITED:
            table.line(line, "credited", int(amount))
        else:
            table.line(line, "invoiced", -int(amount))
    table.paid(flows.paid, "collected")
    table.paid(flows.back, "refunded")
    for line, one in flows.facts.sold.items():
        if one.agreed_on is not None and flows.start <= one.agreed_on <= flows.end:
            table.line(line, "waived", max(0, one.waived))
    for line, left in flows.contract:
        table.line(line, "deferred" if left > 0 else "contract_asset", abs(left))
    for invoice, amount in flows.facts.owed.items():
        table.bill(invoice, "ar", amount)
    return table.told()
