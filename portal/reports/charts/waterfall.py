"""Waterfall: from an opening balance over what was added and taken to the closing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from portal.core.money import Money
from portal.reports.charts.scale import Unit, axis, shortened, wide
from portal.reports.charts.stacked import grid, margin
from portal.reports.charts.svg import INK, SMALL, SOFT, TRACK, TYPE, Drawing

TOTAL, PLUS, MINUS = 0, 1, 3  # places in the palette: whole, striped one way, striped the other
NARROW, ROW, BAR = 500, 40, 14


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a movement with its sign, or a balance that stands on zero."""

    name: str
    amount: int
    balance: bool = False


def waterfall(
    prefix: str, steps: Sequence[Step], *, unit: Unit, title: str, said: str, width: float = 720, height: float = 300
) -> Markup:  # fmt: skip
    """Return a column per step, each movement beginning where the one before ended; on a narrow page they lie down."""
    ends, at = [], 0
    for one in steps:
        start, at = (0, one.amount) if one.balance else (at, at + one.amount)
        ends.append((start, at))
    unit = unit.fitting([end for pair in ends for end in pair])
    if width < NARROW:
        return _lying(prefix, steps, ends, unit, title, said, width)
    up = axis([end for pair in ends for end in pair], height - 34, 38)
    left = margin(up, unit)
    made = Drawing(prefix, width, height, title=title, said=said)
    grid(made, up, unit, left)
    room = (width - left) / max(1, len(steps))
    for n, (one, (start, end)) in enumerate(zip(steps, ends, strict=True)):
        x, high, low = left + n * room, max(start, end), min(start, end)
        made.block(x + room * 0.14, up.at(high), room * 0.72, max(1.5, up.at(low) - up.at(high)), _place(one))
        if n + 1 < len(steps):
            made.line(x + room * 0.86, up.at(end), x + room * 1.14, up.at(end), SOFT)
        made.text(x + room / 2, up.at(high) - 5, _said(one, unit), at="middle", ink=INK, size=SMALL)
        made.text(x + room / 2, height - 16, shortened(one.name, room - 2, SMALL), at="middle", size=SMALL)
    made.line(left, up.at(0), width, up.at(0), INK)
    return made.svg()


def _lying(
    prefix: str, steps: Sequence[Step], ends: list[tuple[int, int]], unit: Unit, title: str, said: str, width: float
) -> Markup:  # fmt: skip
    made = Drawing(prefix, width, 24 + ROW * len(steps), title=title, said=said)
    made.text(0, 12, unit.name, size=SMALL)
    along = axis([end for pair in ends for end in pair], 1, width - 1)
    for n, (one, (start, end)) in enumerate(zip(steps, ends, strict=True)):
        y, high, low = 24 + n * ROW, along.at(max(start, end)), along.at(min(start, end))
        amount = _said(one, unit)
        made.text(0, y + 12, shortened(one.name, width - wide(amount, TYPE) - 12, TYPE), ink=INK)
        made.text(width, y + 12, amount, at="end", ink=INK, bold=True)
        made.rect(0, y + 17, width, BAR, TRACK)
        made.block(low, y + 17, max(1.5, high - low), BAR, _place(one))
    if along.marks[0] < 0:
        made.line(along.at(0), 36, along.at(0), 24 + ROW * len(steps) - 6, SOFT, dash="2 3")
    return made.svg()


def _place(one: Step) -> int:
    return TOTAL if one.balance else PLUS if one.amount >= 0 else MINUS


def _said(one: Step, unit: Unit) -> str:
    return ("+" if one.amount > 0 and not one.balance else "") + unit.said(Money(one.amount))
