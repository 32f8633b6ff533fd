"""Which streams are shown alone and which together, so that no cell and no subtraction tells what one payer paid: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FEWEST = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """What one payer gave to one stream, on each basis that is shown, in fen."""

    stream: str
    payer: int
    amounts: Mapping[str, int]


@dataclass(slots=True)
class Bucket:
    """Streams shown on one line: who paid on each basis, and the sums."""

    streams: tuple[str, ...]
    payers: dict[str, frozenset[int]]
    sums: dict[str, int]

    def safe(self, fewest: int) -> bool:
        """Whether every cell of the line is of nobody, or of enough payers."""
        return all(not found or len(found) >= fewest for found in self.payers.values())

    @property
    def empty(self) -> bool:
        """Whether nobody paid anything."""
        return not any(self.payers.values())

    @property
    def size(self) -> tuple[int, tuple[str, ...]]:
        """How large the line is: what decides which is the next smallest."""
        return max((abs(amount) for amount in self.sums.values()), default=0), self.streams


def _bucket(stream: str, cells: Iterable[Cell], bases: Sequence[str]) -> Bucket:
    mine = [one for one in cells if one.stream == stream]
    return Bucket(
        (stream,),
        {basis: frozenset(one.payer for one in mine if one.amounts.get(basis)) for basis in bases},
        {basis: sum(one.amounts.get(basis, 0) for one in mine) for basis in bases},
    )


def _joined(some: Sequence[Bucket], order: Sequence[str]) -> Bucket:
    streams = sorted({stream for one in some for stream in one.streams}, key=order.index)
    bases = list(some[0].sums)
    return Bucket(
        tuple(streams),
        {basis: frozenset().union(*(one.payers[basis] for one in some)) for basis in bases},
        {basis: sum(one.sums[basis] for one in some) for basis in bases},
    )


def _join(buckets: list[Bucket], some: Sequence[Bucket], order: Sequence[str]) -> list[Bucket]:
    made = _joined(some, order)
    return sorted(
        [*(one for one in buckets if one not in some), made], key=lambda one: order.index(one.streams[0])
    )


def _grow(buckets: list[Bucket], near: set[str], order: Sequence[str], fewest: int) -> list[Bucket]:
    """Join lines of `near` streams with the next smallest of them until each is safe, or no other is left there."""
    while True:
        within = [one for one in buckets if set(one.streams) <= near and not one.empty]
        unsafe = sorted((one for one in within if not one.safe(fewest)), key=lambda one: one.size)
        if not unsafe or len(within) < 2:
            return buckets
        others = sorted(
            (one for one in within if one is not unsafe[0]), key=lambda one: (one.safe(fewest), one.size)
        )
        buckets = _join(buckets, [unsafe[0], others[0]], order)


def join(
    cells: Sequence[Cell], groups: Mapping[str, str], bases: Sequence[str], *, fewest: int = FEWEST,
    together: Sequence[Sequence[str]] = (),
) -> list[Bucket] | None:  # fmt: skip
    """Return the lines to show, in the order of the list of streams; None if the whole is of too few payers.

    A stream of too few payers joins others of its group, the small ones first, then the next smallest of all.
    `together` are lines of an earlier edition, which are never taken apart: two editions side by side would tell.
    """
    order = list(groups)
    buckets = [_bucket(stream, cells, bases) for stream in order]
    for line in together:
        if some := [one for one in buckets if set(one.streams) <= set(line)]:
            buckets = _join(buckets, some, order)
    for group in dict.fromkeys(groups.values()):
        near = {stream for stream in order if groups[stream] == group}
        buckets = _grow(buckets, near, order, fewest)
    buckets = _grow(buckets, set(order), order, fewest)
    return buckets if all(one.safe(fewest) for one in buckets) else None
