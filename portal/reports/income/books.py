"""The amounts of a question: what moved by month and stream, and what stood at the period's end, each line by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import date
from functools import cached_property
from typing import NamedTuple, TypeVar

from flask import g, has_request_context

from portal.billing import months
from portal.core import heap
from portal.reports.facts import Facts, gather
from portal.reports.flows import Flows
from portal.reports.income import moves, payers
from portal.reports.income.asked import Question
from portal.reports.income.moves import Piece, Posted
from portal.reports.income.unperformed import unperformed
from portal.reports.settled import over_lines

K = TypeVar("K", bound=Hashable)
MONEY = {
    "collected_gross": ("paid", "gross"),
    "collected_net": ("paid", "net"),
    "refunded_gross": ("back", "gross"),
    "refunded_net": ("back", "net"),
}
# A figure made of others: what is taken together, and what is taken off.
MADE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "net_invoiced": (("invoiced_net",), ("credited_net",)),
    "invoiced_gross": (("invoiced_net", "invoiced_tax"), ()),
    "credited_gross": (("credited_net", "credited_tax"), ()),
    "billed": (("invoiced_net",), ("credited_net", "recognised")),
}


class Left(NamedTuple):
    """What stands on a line at the period's end, in fen; of one invoice where it is a receivable."""

    line: int
    amount: int
    invoice: int = 0


def parts_of(code: str) -> list[tuple[str, int]]:
    """Return the plain codes that a code is made of, with their signs."""
    plus, minus = MADE.get(code, ((code,), ()))
    return [(one, 1) for one in plus] + [(one, -1) for one in minus]


def of(said: Question, *, by_line: bool = False) -> Books:
    """Return the books of a question, read once a request: a page and its figures ask for the same ones."""
    if not has_request_context():
        return Books(said, by_line=by_line)
    held: dict[Hashable, Books] = g.setdefault("income_books", {})
    key = (*said.args().items(), said.start, said.end, said.known)
    for one in ((*key, True), (*key, by_line)):
        if one in held:
            return held[one]
    made = held[*key, by_line] = Books(said, by_line=by_line)
    return made


class Books:
    """The books of a question. `by_line` keeps what the journal says apart by contract line: for payers and waterfalls."""

    def __init__(self, said: Question, *, by_line: bool = False) -> None:
        self.said, self.parties = said, payers.of_question(said)
        self.by_line = by_line or self.parties is not None
        self.streams = frozenset(said.streams) if said.stream or said.group else None
        self.facts: Facts = gather(said.known, said.start, said.last_day)
        self.flows = Flows(self.facts, said.lists)
        self._pieces: dict[str, list[Piece]] = {}
        self._posted: dict[tuple[str, date, date, int], list[Posted]] = {}

    def wanted(self, line: int) -> bool:
        """Whether a contract line is of the streams and payers asked for."""
        if self.streams is None and self.parties is None:
            return True
        sold = self.facts.sold[line]
        return (self.streams is None or sold.stream in self.streams) and (
            self.parties is None or sold.party_id in self.parties
        )

    def pieces(self, code: str) -> list[Piece]:
        """Return what moved in the period under a code, in pieces."""
        if code not in self._pieces:
            with heap.filling():
                self._pieces[code] = self._read(code)
        return self._pieces[code]

    def _read(self, code: str) -> list[Piece]:
        if code in MADE:
            return [
                piece if sign > 0 else piece._replace(amount=-piece.amount)
                for one, sign in parts_of(code)
                for piece in self.pieces(one)
            ]
        if code in moves.SOURCES:
            until = months.end_of(self.said.known)
            found = moves.pieces(code, until, self.said.start, self.said.last_day, by_line=self.by_line)
            if code == "recognised":
                found += self._late()
            return [one for one in found if self._keeps(one)]
        if code in MONEY:
            rows, what = MONEY[code]
            return [one for one in self._paid(rows, what) if self.wanted(one.line)]
        if code == "booked":
            agreed = self.flows.agreed(self.said.start, self.said.last_day)
            return [
                self.piece(one.line_id, one.day, one.amount) for one in agreed if self.wanted(one.line_id)
            ]
        if code == "waived":
            return [self.piece(line, day, amount) for line, day, amount in self.waived() if self.wanted(line)]
        raise KeyError(code)

    def posted(self, code: str, start: date, end: date, line: int = 0) -> list[Posted]:
        """Return the sides of entries behind a code in `[start, end]`, for one line if it is asked for."""
        key = (code, start, end, line)
        if key not in self._posted:
            until = months.end_of(self.said.known)
            self._posted[key] = moves.posted(
                code, until, start, end, streams=self.streams, parties=self.parties, line=line
            )
        return self._posted[key]

    def _keeps(self, piece: Piece) -> bool:
        if self.streams is not None and piece.stream not in self.streams:
            return False
        return self.parties is None or self.party_of(piece.line) in self.parties

    def piece(self, line: int, day: date, amount: int, service: date | None = None) -> Piece:
        """Return an amount of a line on a day as a piece."""
        month = months.first_of(day)
        return Piece(self.facts.stream(line), month, service or month, amount, line)

    def _late(self) -> list[Piece]:
        return [
            Piece(one.stream, one.month, one.service, one.amount, one.line_id)
            for one in self.flows.parts
            if self.said.start <= one.month < self.said.end
        ]

    def _paid(self, rows: str, what: str) -> Iterable[Piece]:
        for row in getattr(self.flows, rows):
            if self.said.start <= row.day < self.said.end:
                amount = row.gross if what == "gross" else row.net
                for line, part in over_lines(self.facts.bills[row.invoice_id], amount):
                    yield self.piece(line, row.day, part)

    def waived(self) -> list[tuple[int, date, int]]:
        """Return list less net of each line agreed in the period, with its day."""
        return [
            (number, line.agreed_on, line.waived)
            for number, line in self.facts.sold.items()
            if line.agreed_on is not None
            and line.waived > 0
            and self.said.start <= line.agreed_on < self.said.end
        ]

    def by(self, code: str, key: Callable[[Piece], K]) -> dict[K, int]:
        """Return what moved under a code, by what `key` says of a piece."""
        found: dict[K, int] = defaultdict(int)
        for piece in self.pieces(code):
            found[key(piece)] += piece.amount
        return found

    def left(self, code: str) -> list[Left]:
        """Return what stands under a code at the period's end, line by line."""
        return [one for one in self._left[code] if self.wanted(one.line)]

    def stands(self, code: str, key: Callable[[int], K]) -> dict[K, int]:
        """Return what stands under a code at the period's end, by what `key` says of a line."""
        found: dict[K, int] = defaultdict(int)
        for one in self.left(code):
            found[key(one.line)] += one.amount
        return found

    @cached_property
    def _left(self) -> dict[str, list[Left]]:
        contract = self.flows.contract
        found = {
            "deferred": [Left(line, amount) for line, amount in contract if amount > 0],
            "contract_asset": [Left(line, -amount) for line, amount in contract if amount < 0],
            "unpaid": [Left(line, amount) for line, amount in self.flows.unpaid_lines()],
            "ar": [
                Left(line, part, invoice)
                for invoice, amount in self.facts.owed.items()
                for line, part in over_lines(self.facts.bills[invoice], amount)
            ],
        }
        return found | {code: [Left(*one) for one in rows] for code, rows in unperformed(self.flows).items()}

    def stream_of(self, line: int) -> str:
        """Return the stream of a line."""
        return self.facts.stream(line)

    def party_of(self, line: int) -> int:
        """Return the party that a line was sold to."""
        return self.facts.sold[line].party_id
