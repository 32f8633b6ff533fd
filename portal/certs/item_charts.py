"""The figures of a sitting as pictures: points and bars in a drawing, with the words of both axes; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 640, 260, 60, 14, 34, 18
MOST_BARS, LABELS = 25, 9


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: how many candidates came to these totals, from `low` points on."""

    low: Fraction
    words: str
    count: int
    share: Fraction
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the totals are spread: bars, marks of both axes, the cut as a line, one SEM around it as a band."""

    bars: tuple[Bar, ...]
    xs: tuple[tuple[float, str], ...]
    ys: tuple[tuple[float, str], ...]
    cut: float | None = None
    band: tuple[float, float] | None = None


def _across(value: Fraction | Decimal, low: Fraction, high: Fraction) -> float:
    share = (Fraction(value) - low) / (high - low) if high > low else Fraction(1, 2)
    return round(LEFT + (WIDTH - LEFT - RIGHT) * float(min(max(share, Fraction(0)), Fraction(1))), 1)


def _up(value: Fraction | int, most: Fraction | int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * float(Fraction(value) / most), 1)


def _whole(value: Fraction) -> str:
    return f"{float(value):.4g}"


def distribution(
    totals: Sequence[Fraction], most: Fraction, *, cut: Fraction | None = None, sem: Decimal | None = None
) -> Distribution:
    """Return the spread of totals between 0 and `most`; `cut` in points, one SEM on both sides of it."""
    step = Fraction(max(1, -(-most.__ceil__() // MOST_BARS)))
    count = most // step + 1
    end = count * step
    held = [0] * count
    for total in totals:
        held[int(min(max(total, Fraction(0)), most) // step)] += 1
    high = max(*held, 1)
    bars = []
    for n, found in enumerate(held):
        low = n * step
        x, y = _across(low, Fraction(0), end), _up(found, high)
        width = round(_across(low + step, Fraction(0), end) - x - 2, 1)
        words = _whole(low) if step == 1 else f"{_whole(low)}–{_whole(min(low + step - 1, most))}"
        share = Fraction(found, len(totals)) if totals else Fraction(0)
        bars.append(Bar(low, words, found, share, x + 1, y, width, round(HEIGHT - BOTTOM - y, 1)))
    every = max(1, -(-count // LABELS))
    xs = tuple((round(one.x + one.width / 2, 1), one.words.partition("–")[0]) for one in bars[::every])
    levels = sorted({high * n // 4 for n in range(5)})
    ys = tuple((_up(one, high), str(one)) for one in levels)
    at = None if cut is None else _across(cut, Fraction(0), end)
    band = None
    if cut is not None and sem is not None:
        reach = Fraction(sem)
        band = (_across(cut - reach, Fraction(0), end), _across(cut + reach, Fraction(0), end))
    return Distribution(tuple(bars), xs, ys, at, band)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its points in the drawing, as a line and one by one, and which dash it has."""

    words: str
    points: str
    dots: tuple[tuple[float, float], ...]
    dash: int


@dataclass(frozen=True, slots=True)
class Curves:
    """Shares over ability: one line per option, marks of both axes."""

    lines: tuple[Line, ...]
    xs: tuple[tuple[float, str], ...]
    ys: tuple[tuple[float, str], ...]


def curves(lines: Sequence[tuple[str, Sequence[tuple[Fraction, Fraction]]]]) -> Curves | None:
    """Return the curves of an item's options by rest score; None where no two groups differ in it."""
    values = sorted({x for _words, points in lines for x, _share in points})
    if len(values) < 2:
        return None
    low, high = values[0], values[-1]
    made = []
    for n, (words, points) in enumerate(lines):
        dots = tuple((_across(x, low, high), _up(share, 1)) for x, share in points)
        made.append(Line(words, " ".join(f"{x},{y}" for x, y in dots), dots, n % 4))
    xs = tuple((_across(one, low, high), f"{float(one):.1f}") for one in _apart(values, low, high))
    ys = tuple((_up(Fraction(n, 4), 1), f"{25 * n} %") for n in range(5))
    return Curves(tuple(made), xs, ys)


def _apart(values: Sequence[Fraction], low: Fraction, high: Fraction) -> list[Fraction]:
    """Return the marks of an axis without those that would touch the one before."""
    found: list[Fraction] = []
    for one in values:
        if not found or _across(one, low, high) - _across(found[-1], low, high) > 44:
            found.append(one)
    return found
