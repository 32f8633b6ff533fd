"""Sums over the journal by stream: booked, invoiced, credited, collected, refunded, recognised, and what stands at a day's end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property
from typing import NamedTuple

from portal.billing import ledger, months
from portal.billing.plans import DAY
from portal.reports import journal
from portal.reports.facts import Facts
from portal.reports.journal import CONTRACT
from portal.reports.late import Late, late
from portal.reports.lists import Lists
from portal.reports.settled import Paid, collected, over_lines, refunded

Sums = dict[str, int]


class Agreed(NamedTuple):
    """What was agreed, or taken back, on a day of one contract line; `paper` is the kind and number of what says so."""

    line_id: int
    day: date
    amount: int
    paper: tuple[str, int]


class Flows:
    """The figures of a period `[start, end]` as known on a day."""

    def __init__(self, facts: Facts, lists: Lists) -> None:
        self.facts, self.lists, self.start, self.end = facts, lists, facts.start, facts.end

    @cached_property
    def parts(self) -> list[Late]:
        """What lines have earned and no entry says yet."""
        return self.facts.held(("late", self.end), lambda: late(self.facts))

    @cached_property
    def late(self) -> dict[int, int]:
        """The same by line."""
        found: dict[int, int] = defaultdict(int)
        for part in self.parts:
            found[part.line_id] += part.amount
        return found

    @cached_property
    def paid(self) -> list[Paid]:
        """Money put on invoices."""
        return self.facts.held("paid", lambda: collected(self.facts))

    @cached_property
    def back(self) -> list[Paid]:
        """Money sent back."""
        return self.facts.held("back", lambda: refunded(self.facts))

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
            (pool.stream, pool.amount)
            for pool in self.facts.pools
            if pool.kind in kinds
            and pool.stream is not None
            and wanted(pool.account)
            and self._within(pool.day)
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
        """Return what was agreed by stream."""
        return self.add((self.facts.stream(one.line_id), one.amount) for one in self.agreed(start, end))

    def agreed(self, start: date, end: date) -> list[Agreed]:
        """Return what was agreed: lines when agreed, usage in its month, less what changes and notes took back on their day."""
        rows = [
            Agreed(number, line.agreed_on, line.net, ("order_line", number))
            for number, line in self.facts.sold.items()
            if line.agreed_on is not None and line.method != "usage" and start <= line.agreed_on <= end
        ]
        for kind, moves in (("order_line", self.facts.usage), ("invoice", self.facts.ended)):
            rows += [
                Agreed(move[0], move[1], move[2], (kind, move[-1] if kind == "invoice" else move[0]))
                for move in moves
                if start <= move[1] <= end
            ]
        for note in self.facts.notes:
            if note.issued_on is not None and start <= note.issued_on <= end:
                # What a change charges on its note was agreed as a line of its own; an offer was never booked.
                rows += [
                    Agreed(one.order_line_id, note.issued_on, -one.net.minor, ("credit_note", note.id))
                    for one in note.lines
                    if one.net.minor > 0 and self._signed(one.order_line_id)
                ]
        return rows

    def _signed(self, line_id: int) -> bool:
        line = self.facts.sold[line_id]
        return line.method == "usage" or line.agreed_on is not None

    def waived(self) -> int:
        """Return list less net of what was agreed in the period."""
        lines = self.facts.sold.values()
        return sum(max(0, one.waived) for one in lines if one.agreed_on and self._within(one.agreed_on))

    def money(self, rows: list[Paid], what: str) -> Sums:
        """Return money of the period by stream, gross or net."""
        found: list[tuple[str, int]] = []
        for row in rows:
            if self._within(row.day):
                found += self.by_stream(row.invoice_id, row.gross if what == "gross" else row.net)
        return self.add(found)

    def by_stream(self, invoice_id: int, amount: int) -> list[tuple[str, int]]:
        """Spread an amount of an invoice over the streams of its lines."""
        return [(self.facts.stream(line), part) for line, part in self.spread(invoice_id, amount)]

    def spread(self, invoice_id: int, amount: int) -> list[tuple[int, int]]:
        """Spread an amount of an invoice over its contract lines."""
        return over_lines(self.facts.bills[invoice_id], amount)

    @cached_property
    def earned(self) -> dict[date, Sums]:
        """Income of the period and of its last year by posting month and stream; the running month's days as the plan says."""
        found: dict[date, Sums] = defaultdict(self.lists.zeros)
        for pool in self.facts.pools:
            if pool.stream is not None and is_income(pool.account):
                month = found[months.first_of(pool.day)]
                month[pool.stream] = month.get(pool.stream, 0) - pool.amount
        for part in self.parts:
            month = found[part.month]
            month[part.stream] = month.get(part.stream, 0) + part.amount
        return found

    def to_date(self) -> Sums:
        """Return all income to the period's end."""
        stream = self.facts.stream
        booked = [(stream(line), one.income) for line, one in self.facts.lines.items() if one.income]
        return self.add([*booked, *((part.stream, part.amount) for part in self.parts)])

    def recognised(self) -> dict[date, Sums]:
        """Return income by month of the period and stream."""
        found, month = {}, self.start
        while month <= self.end:
            found[month] = self.earned.get(month, self.lists.zeros())
            month = months.following(month)
        return found

    def by_party(self) -> dict[int, int]:
        """Return income of the period by the party that pays."""
        found: dict[int, int] = defaultdict(int)
        for line_id, amount in self.facts.income.items():
            found[self.facts.sold[line_id].party_id] += amount
        for part in self.parts:
            if self._within(part.month):
                found[part.party_id] += part.amount
        return found

    def opened(self) -> int:
        """Return what stood deferred less contract asset the day before the period."""
        late = sum(part.amount for part in self.parts if part.month < self.start)
        return journal.balance(self.facts.until, self.start - DAY) - late

    def opening(self) -> list[tuple[int, int]]:
        """Return each line on which something stood the day before the period, with deferred less contract asset."""
        found = dict(self.facts.opened)
        for part in self.parts:
            if part.month < self.start:
                found[part.line_id] = found.get(part.line_id, 0) - part.amount
        return [(line, left) for line, left in found.items() if left]

    @cached_property
    def contract(self) -> list[tuple[int, int]]:
        """Each line on which something stands, with what is deferred less contract asset at the period's end."""
        late = self.late
        found = [(line, one.contract - late.get(line, 0)) for line, one in self.facts.lines.items()]
        found += [(line, -amount) for line, amount in late.items() if line not in self.facts.lines]
        return [(line, left) for line, left in found if left]

    def unpaid(self) -> Sums:
        """Return what is deferred and not paid for at the period's end, by stream."""
        return self.add((self.facts.stream(line), amount) for line, amount in self.unpaid_lines())

    def unpaid_lines(self) -> list[tuple[int, int]]:
        """Return what is deferred and not paid for at the period's end: max(0, B − max(0, paid − recognised)) per line."""
        paid: dict[int, int] = defaultdict(int)
        for rows, sign in ((self.paid, 1), (self.back, -1)):
            for row in rows:
                if row.day <= self.end:
                    for line, part in over_lines(self.facts.bills[row.invoice_id], row.settled):
                        paid[line] += sign * part
        rest = []
        for line, left in self.contract:
            if left > 0:
                income = self.facts.line(line).income + self.late.get(line, 0)
                if amount := max(0, left - max(0, paid[line] - income)):
                    rest.append((line, amount))
        return rest

    def account(self, *codes: str, kinds: tuple[str, ...] = ()) -> int:
        """Return what moved on accounts in the period, debit positive."""
        return sum(
            pool.amount
            for pool in self.facts.pools
            if pool.account in codes and self._within(pool.day) and (not kinds or pool.kind in kinds)
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
