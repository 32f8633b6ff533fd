"""Stacked columns: what each month brought by source, what was taken back below the axis, the total on each."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from portal.core.money import Money
from portal.reports.charts.scale import Axis, Unit, axis, thinned, wide
from portal.reports.charts.svg import GRID, INK, SMALL, Drawing


def columns(
    prefix: str, columns: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], *, unit: Unit, title: str, said: str,
    width: float = 720, height: float = 300,
) -> Markup:  # fmt: skip
    """Return a column per label with one block per series (fen); negatives hang below zero.

    Only series with something in them take part in the legend; each keeps the colour of its place.
    """
    ups = [sum(max(0, amounts[n]) for _name, amounts in series) for n in range(len(columns))]
    downs = [sum(min(0, amounts[n]) for _name, amounts in series) for n in range(len(columns))]
    unit = unit.fitting([*ups, *downs])
    sums = [up + down for up, down in zip(ups, downs, strict=True)]
    bottom = height - 28
    up = axis([*ups, *downs], bottom, 34)
    left = margin(up, unit)
    made = Drawing(prefix, width, height, title=title, said=said)
    grid(made, up, unit, left)
    room = (width - left) / max(1, len(columns))
    said_sums = [unit.said(Money(one)) for one in sums]
    labels, totals = thinned(columns, room, SMALL), thinned(said_sums, room, SMALL)
    for n, label in enumerate(columns):
        x, high, low = left + n * room, 0, 0
        for place, (_name, amounts) in enumerate(series):
            if (amount := amounts[n]) > 0:
                made.block(
                    x + room * 0.16,
                    up.at(high + amount),
                    room * 0.68,
                    up.at(high) - up.at(high + amount),
                    place,
                )
                high += amount
            elif amount < 0:
                made.block(x + room * 0.16, up.at(low), room * 0.68, up.at(low + amount) - up.at(low), place)
                low += amount
        if n % labels == 0:
            made.text(x + room / 2, height - 10, label, at="middle", size=SMALL)
        if n % totals == 0 and (high or low):
            made.text(x + room / 2, up.at(high) - 5, said_sums[n], at="middle", ink=INK, size=SMALL)
    made.line(left, up.at(0), width, up.at(0), INK)
    seen = [(place, name) for place, (name, amounts) in enumerate(series) if any(amounts)]
    made.height = made.legend(seen, height + 4) if seen else height
    return made.svg()


def margin(up: Axis, unit: Unit) -> float:
    """Return the room that the marks of an upright axis take at the left."""
    marked = unit.marked(up.marks)
    return max(wide(marked.said(Money(mark)), SMALL) for mark in up.marks) + 10


def grid(made: Drawing, up: Axis, unit: Unit, left: float, *, top: float = 12) -> None:
    """Draw the marks of an upright axis, with its unit above them."""
    marked = unit.marked(up.marks)
    for mark in up.marks:
        made.line(left, up.at(mark), made.width, up.at(mark), GRID)
        made.text(left - 8, up.at(mark) + 4, marked.said(Money(mark)), at="end", size=SMALL)
    made.text(0, top, unit.name, size=SMALL)
