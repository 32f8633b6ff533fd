"""The scale of a chart: its unit, its axis from zero in whole fen, and how wide words are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from portal.core.money import Money, half_up

MINUS = "\u2212"
CJK = 0x2E80  # from here on a letter is as wide as it is high
NARROW, BROAD = 0.56, 1.0


@dataclass(frozen=True, slots=True)
class Unit:
    """What amounts are printed in: its name, how many minor units one holds, and with how many decimals."""

    name: str
    minor: int
    places: int = 0

    def fitting(self, amounts: Sequence[int]) -> Unit:
        """Return the unit with as many decimals as the largest amount needs to be told from nothing."""
        most = max((abs(amount) for amount in amounts), default=0) // self.minor
        return replace(self, places=0 if most >= 100 else 1 if most >= 10 else 2)

    def said(self, amount: Money) -> str:
        """Return an amount in this unit, half up, with thousands marks: `1,836`, `−1.9`."""
        return grouped(half_up(amount.minor * 10**self.places, self.minor), self.places)

    def marked(self, amounts: Sequence[int]) -> Unit:
        """Return the unit with as few decimals as the marks of an axis need."""
        step = min((abs(amount) for amount in amounts if amount), default=self.minor)
        places = next((n for n in range(3) if step * 10**n % self.minor == 0), 2)
        return replace(self, places=places)


def grouped(scaled: int, places: int) -> str:
    """Return a whole number of tenths, hundredths … as text with thousands marks and a true minus sign."""
    whole, part = divmod(abs(scaled), 10**places)
    decimals = f".{part:0{places}d}" if places else ""
    return f"{MINUS if scaled < 0 else ''}{whole:,}{decimals}"


def unit(language: str, currency: str = "CNY") -> Unit:
    """Return the unit of a reader's language: ten thousands in Chinese, thousands elsewhere."""
    if language.startswith("zh"):
        return Unit("万元" if currency == "CNY" else f"万 {currency}", 1_000_000)
    return Unit(f"{currency} thousand", 100_000)


def ticks(low: int, high: int, about: int = 5) -> list[int]:
    """Return round marks from at most `low` to at least `high`, zero among them; steps of 1, 2 or 5 times a power of ten."""
    low, high = min(low, 0), max(high, 0)
    if low == high:
        return [0, 1]
    least, step = -(-(high - low) // about), 1
    while step < least:
        step = step * 2 if str(step)[0] == "1" else step * 5 // 2 if str(step)[0] == "2" else step * 2
    first, last = low // step, -(-high // step)
    return [n * step for n in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of amounts: its marks, and where an amount lies between two places of the picture."""

    marks: tuple[int, ...]
    start: float
    end: float

    def at(self, amount: int) -> float:
        """Return the place of an amount."""
        low, high = self.marks[0], self.marks[-1]
        return self.start + (self.end - self.start) * (amount - low) / (high - low)


def axis(amounts: Sequence[int], start: float, end: float, about: int = 5) -> Axis:
    """Return the axis that holds some amounts and zero."""
    return Axis(tuple(ticks(min(amounts, default=0), max(amounts, default=0), about)), start, end)


def wide(words: str, size: float) -> float:
    """Return about how wide words are at a size of type."""
    return sum((BROAD if ord(letter) >= CJK else NARROW) * size for letter in words)


def shortened(words: str, room: float, size: float) -> str:
    """Return words cut with an ellipsis where they would leave their room; the whole stands in the table."""
    if wide(words, size) <= room:
        return words
    kept = words
    while kept and wide(kept + "…", size) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def thinned(labels: Sequence[str], room: float, size: float) -> int:
    """Return every how many labels one has room, given how wide the widest is."""
    widest = max((wide(words, size) for words in labels), default=0.0)
    return max(1, -(-int(widest + 6) // max(1, int(room))))
