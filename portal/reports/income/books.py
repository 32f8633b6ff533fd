"""The amounts of a question: what moved by month and stream, and what stood at the period's end, each line by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import date
from typing import Any, NamedTuple, TypeVar

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


def of(said: Question) -> Books:
    """Return the books of a question, read once a request: a page and its figures ask for the same ones."""
    if not has_request_context():
        return Books(said)
    held: dict[Hashable, Any] = g.setdefault("income_books", {})
    key = (*said.args().items(), said.start, said.end, said.known)
    if key not in held:
        held[key] = Books(said, held.setdefault(said.known, {}))
    found: Books = held[key]
    return found


def forget() -> None:
    """Give back the books of this request."""
    if has_request_context():
        g.pop("income_books", None)


class Books:
    """The books of a question."""

    def __init__(self, said: Question, held: dict[Hashable, Any] | None = None) -> None:
        self.said, self.parties = said, payers.of_question(said)
        self.streams = frozenset(said.streams) if said.stream or said.group else None
        self.facts: Facts = gather(said.known, said.start, said.last_day, held=held)
        self.flows = Flows(self.facts, said.lists)
        self._pieces: dict[str, list[Piece]] = {}
        self._posted: dict[tuple[str, date, date, int, bool], list[Posted]] = {}
        self._stands: dict[str, list[Left]] = {}

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
            found = moves.pieces(
                code, until, self.said.start, self.said.last_day, streams=self.streams, parties=self.parties
            )
            return found + (self._late() if code == "recognised" else [])
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

    def posted(
        self, code: str, start: date, end: date, line: int = 0, *, apart: bool = False
    ) -> list[Posted]:
        """Return the sides of entries behind a code in `[start, end]`: of one line, or corrections alone, if that is asked for."""
        key = (code, start, end, line, apart)
        if key not in self._posted:
            until = months.end_of(self.said.known)
            self._posted[key] = moves.posted(
                code, until, start, end, streams=self.streams, parties=self.parties, line=line, apart=apart
            )
        return self._posted[key]

    def piece(self, line: int, day: date, amount: int, service: date | None = None) -> Piece:
        """Return an amount of a line on a day as a piece."""
        month = months.first_of(day)
        return Piece(self.facts.stream(line), month, service or month, amount, line)

    def _late(self) -> list[Piece]:
        return [
            Piece(one.stream, one.month, one.service, one.amount, one.line_id)
            for one in self.flows.parts
            if self.said.start <= one.month < self.said.end and self.wanted(one.line_id)
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

    def moved(self, code: str, *grains: str) -> dict[tuple[Any, ...], int]:
        """Return what moved in the period under a code, summed by grains: `stream`, `month`, `party`, `line`, `agreed`."""
        if code in MADE:
            whole: dict[tuple[Any, ...], int] = defaultdict(int)
            for one, sign in parts_of(code):
                for key, amount in self.moved(one, *grains).items():
                    whole[key] += sign * amount
            return whole
        key_of = self._key_of(grains)
        if code not in moves.SOURCES:
            return self.by(code, key_of)
        said = self.said
        found = moves.sums(
            code, months.end_of(said.known), said.start, said.last_day, grains, known=said.known,
            streams=self.streams, parties=self.parties,
        )  # fmt: skip
        for piece in self._late() if code == "recognised" else []:
            found[key_of(piece)] += piece.amount
        return found

    def _key_of(self, grains: tuple[str, ...]) -> Callable[[Piece], tuple[Any, ...]]:
        every: dict[str, Callable[[Piece], Any]] = {
            "stream": lambda one: one.stream,
            "month": lambda one: one.month,
            "party": lambda one: self.party_of(one.line),
            "line": lambda one: one.line,
            "agreed": lambda one: self.agreed(one.line),
        }
        of = [every[grain] for grain in grains]
        return lambda piece: tuple(one(piece) for one in of)

    def agreed(self, line: int) -> str:
        """Return the month in which a line was booked; `usage` for what is booked as it is used, `none` where nobody signed."""
        sold = self.facts.sold[line]
        if sold.method == "usage":
            return moves.USAGE
        return f"{sold.agreed_on:%Y-%m}" if sold.agreed_on is not None else moves.NONE

    def left(self, code: str) -> list[Left]:
        """Return what stands under a code at the period's end, line by line."""
        if code not in self._stands:
            with heap.filling():
                self._stands |= self._left(code)
        return [one for one in self._stands[code] if self.wanted(one.line)]

    def stands(self, code: str, key: Callable[[int], K]) -> dict[K, int]:
        """Return what stands under a code at the period's end, by what `key` says of a line."""
        found: dict[K, int] = defaultdict(int)
        for one in self.left(code):
            found[key(one.line)] += one.amount
        return found

    def _left(self, code: str) -> dict[str, list[Left]]:
        """Read what stands under a code, and what is told with it."""
        if code in ("deferred", "contract_asset"):
            sign = 1 if code == "deferred" else -1
            return {code: [Left(line, sign * fen) for line, fen in self.flows.contract if sign * fen > 0]}
        if code == "unpaid":
            return {code: [Left(line, amount) for line, amount in self.flows.unpaid_lines()]}
        if code == "ar":
            owed, bills = self.facts.owed, self.facts.bills
            return {
                code: [
                    Left(line, part, invoice)
                    for invoice, amount in owed.items()
                    for line, part in over_lines(bills[invoice], amount)
                ]
            }
        return {one: [Left(*row) for row in rows] for one, rows in unperformed(self.flows).items()}

    def opened(self) -> int:
        """Return what stood deferred less contract asset the day before the period."""
        if self.streams is None and self.parties is None:
            return self.flows.opened()
        return sum(amount for line, amount in self.flows.opening() if self.wanted(line))

    def stream_of(self, line: int) -> str:
        """Return the stream of a line."""
        return self.facts.stream(line)

    def party_of(self, line: int) -> int:
        """Return the party that a line was sold to."""
        return self.facts.sold[line].party_id
