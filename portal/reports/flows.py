"""Sums over the journal by stream: booked, invoiced, credited, collected, refunded, recognised, and what stands at a day's end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from portal.billing import ledger, months
from portal.core.money import half_up, spread
from portal.reports.facts import Bill, Facts, Move, unbooked
from portal.reports.lists import Lists

CONTRACT = (ledger.DEFERRED, ledger.CONTRACT_ASSET)
RECEIVABLE = (ledger.RECEIVABLE, ledger.REVALUATION)
CASH = (ledger.BANK, ledger.STRIPE, ledger.TEST_GATEWAY)
Sums = dict[str, int]


@dataclass(frozen=True, slots=True)
class Paid:
    """Money of one movement for one invoice: its day, gross, net, and the net of what it settled at the invoice's rate."""

    day: date
    invoice_id: int
    gross: int
    net: int
    settled: int


class Flows:
    """The figures of a period `[start, end]` as known on a day."""

    def __init__(self, facts: Facts, lists: Lists, start: date, end: date) -> None:
        self.facts, self.lists, self.start, self.end = facts, lists, start, end
        self.late = unbooked(facts, end)
        self.late_month = months.first_of(min(end, facts.known))
        self.paid = collected(facts)
        self.back = refunded(facts)

    def _within(self, day: date) -> bool:
        return self.start <= day <= self.end

    def add(self, rows: Iterable[tuple[str, int]]) -> Sums:
        """Sum amounts by stream; a stream that is not on the list is shown under its own code."""
        found = self.lists.zeros()
        for stream, amount in rows:
            found[stream] = found.get(stream, 0) + amount
        return found

    def _moves(self, kinds: tuple[str, ...], wanted: Callable[[str], bool]) -> Sums:
        return self.add(
            (self.facts.stream(move.line_id), move.amount)
            for move in self.facts.moves
            if move.kind in kinds
            and move.line_id is not None
            and wanted(move.account)
            and self._within(move.day)
        )

    def invoiced(self) -> tuple[Sums, Sums]:
        """Return net and tax of invoices issued in the period, void ones taken out."""
        net = self._moves(("invoice", "void"), is_contract)
        tax = self._moves(("invoice", "void"), lambda code: code == ledger.VAT)
        return negative(net), negative(tax)

    def credited(self) -> tuple[Sums, Sums]:
        """Return net and tax of credit notes issued in the period."""
        kinds = ("credit_note",)
        return self._moves(kinds, is_contract), self._moves(kinds, lambda code: code == ledger.VAT)

    def booked(self, start: date, end: date) -> Sums:
        """Return what was agreed: lines when agreed, usage in its month, less notes by their own day."""
        rows: list[tuple[str, int]] = []
        for line in self.facts.sold.values():
            if line.agreed_on is not None and line.method != "usage" and start <= line.agreed_on <= end:
                rows.append((line.stream, line.net))
        rows += [
            (self.facts.stream(line_id), amount)
            for line_id, day, amount in self.facts.usage
            if start <= day <= end
        ]
        for note in self.facts.notes:
            if note.issued_on is not None and start <= note.issued_on <= end:
                # what a change charges on its note was agreed as a line of its own
                taken = [one for one in note.lines if one.net.minor > 0]
                rows += [(one.order_line.stream, -one.net.minor) for one in taken]
        return self.add(rows)

    def waived(self) -> int:
        """Return list less net of what was agreed in the period."""
        lines = self.facts.sold.values()
        return sum(
            max(0, one.listed - one.net) for one in lines if one.agreed_on and self._within(one.agreed_on)
        )

    def money(self, rows: list[Paid], what: str) -> Sums:
        """Return money of the period by stream, gross or net."""
        found: list[tuple[str, int]] = []
        for row in rows:
            if self._within(row.day):
                found += self.by_stream(row.invoice_id, row.gross if what == "gross" else row.net)
        return self.add(found)

    def by_stream(self, invoice_id: int, amount: int) -> list[tuple[str, int]]:
        """Spread an amount of an invoice over the streams of its lines."""
        return [
            (self.facts.stream(line), part) for line, part in over_lines(self.facts.bills[invoice_id], amount)
        ]

    def earned(self) -> dict[date, dict[int, int]]:
        """Return income by posting month and line; the running month's days as the plan says."""
        found: dict[date, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for move in self.facts.moves:
            if move.line_id is not None and is_income(move.account):
                found[months.first_of(move.day)][move.line_id] -= move.amount
        for line_id, amount in self.late.items():
            found[self.late_month][line_id] += amount
        return found

    def recognised(self) -> dict[date, Sums]:
        """Return income by month of the period and stream."""
        earned, found, month = self.earned(), {}, self.start
        while month <= self.end:
            rows = earned.get(month, {})
            found[month] = self.add((self.facts.stream(line), amount) for line, amount in rows.items())
            month = months.following(month)
        return found

    def contract(self, end: date) -> dict[int, int]:
        """Return what stands deferred less contract asset of each line at a day's end."""
        found: dict[int, int] = defaultdict(int)
        for move in self.facts.moves:
            if move.line_id is not None and move.account in CONTRACT and move.day <= end:
                found[move.line_id] -= move.amount
        if end >= self.late_month:
            for line_id, amount in self.late.items():
                found[line_id] -= amount
        return found

    def unpaid(self, end: date) -> Sums:
        """Return what is deferred and not paid for: max(0, B − max(0, paid − recognised)) per line."""
        paid: dict[int, int] = defaultdict(int)
        for rows, sign in ((self.paid, 1), (self.back, -1)):
            for row in rows:
                if row.day <= end:
                    for line, part in over_lines(self.facts.bills[row.invoice_id], row.settled):
                        paid[line] += sign * part
        income: dict[int, int] = defaultdict(int)
        for month, amounts in self.earned().items():
            for line, amount in amounts.items():
                income[line] += amount if month <= end else 0
        return self.add(
            (self.facts.stream(line), max(0, left - max(0, paid[line] - income[line])))
            for line, left in self.contract(end).items()
        )

    def receivable(self, end: date) -> dict[int, int]:
        """Return what is owed of each invoice at a day's end, as the books carry it."""
        found: dict[int, int] = defaultdict(int)
        for move in self.facts.moves:
            if move.invoice_id is not None and move.account in RECEIVABLE and move.day <= end:
                found[move.invoice_id] += move.amount
        return found

    def account(self, *codes: str, kinds: tuple[str, ...] = ()) -> int:
        """Return what moved on accounts in the period, debit positive."""
        return sum(
            move.amount
            for move in self.facts.moves
            if move.account in codes and self._within(move.day) and (not kinds or move.kind in kinds)
        )


def is_income(account: str) -> bool:
    """Whether an account is one of income."""
    return account.startswith(f"{ledger.INCOME}.")


def is_contract(account: str) -> bool:
    """Whether an account holds the net of contract lines."""
    return account in CONTRACT or is_income(account)


def negative(sums: Sums) -> Sums:
    """Return sums with the sign turned."""
    return {stream: -amount for stream, amount in sums.items()}


def over_lines(bill: Bill, amount: int) -> list[tuple[int, int]]:
    """Spread an amount of an invoice over its contract lines, by gross."""
    weights = [max(0, gross) for _line, gross, _net in bill.lines]
    if not sum(weights):
        return [(bill.lines[0][0], amount)] if bill.lines else []
    return list(zip([line for line, _gross, _net in bill.lines], spread(amount, weights), strict=True))


def _net(cash: int, tax: int, settled: int, gross: int) -> int:
    return cash - (half_up(tax * settled, gross) if gross else 0)


def collected(facts: Facts) -> list[Paid]:
    """Return money put on invoices, by value date: net = cash − half_up(tax × settled, gross).

    What a credit note releases stays collected: it goes back as a refund, which has its own column.
    """
    entries: dict[tuple[int, str], list[Move]] = defaultdict(list)
    for move in facts.moves:
        if move.kind == "allocation" and move.source in facts.puts:
            entries[move.entry_id, move.source].append(move)
    found = []
    for (_entry, source), moves in entries.items():
        receipt_id, invoice_id = facts.puts[source]
        cash = sum(move.amount for move in moves if move.account == ledger.CREDIT)
        settled = -sum(move.amount for move in moves if move.account == ledger.RECEIVABLE)
        bill = facts.bills[invoice_id]
        net = _net(cash, bill.tax, settled, bill.gross)
        share = _net(settled, bill.tax, settled, bill.gross)
        found.append(Paid(facts.value_days[receipt_id], invoice_id, cash, net, share))
    return found


def refunded(facts: Facts) -> list[Paid]:
    """Return money sent back, by day, net by the proportions of the note that released it, else of the invoice."""
    last: dict[int, int] = {}
    for receipt_id, invoice_id in facts.puts.values():
        last[receipt_id] = invoice_id
    gross: dict[tuple[date, int], int] = defaultdict(int)
    for move in facts.moves:
        if move.kind == "refund_done" and move.account in CASH:
            receipt_id = facts.refund_of.get(move.source, 0)
            if receipt_id in last:
                gross[move.day, last[receipt_id]] -= move.amount
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
