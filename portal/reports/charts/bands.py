"""Stacked bands: how a year adds up month by month, the surest at the bottom, against its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from portal.core.money import Money
from portal.reports.charts.scale import Unit, axis, thinned, wide
from portal.reports.charts.stacked import grid, margin
from portal.reports.charts.svg import GRID, INK, LIMIT, SMALL, SOFT, Drawing


@dataclass(frozen=True, slots=True)
class Band:
    """One layer of a forecast: its name, and what each month adds (fen)."""

    name: str
    amounts: Sequence[int]


def bands(
    prefix: str, months: Sequence[str], layers: Sequence[Band], *, unit: Unit, title: str, said: str, known: int, today: str,
    goal: tuple[int, str] | None = None, width: float = 720, height: float = 300,
) -> Markup:  # fmt: skip
    """Return the running sums of the layers, one upon the other; `known` months lie behind us, the goal is a line."""
    tops = _tops(layers, len(months))
    reach = [*(amount for row in tops for amount in row), *([goal[0]] if goal else [])]
    unit = unit.fitting(reach)
    up = axis(reach, height - 28, 38)
    left = margin(up, unit)
    made = Drawing(prefix, width, height, title=title, said=said)
    grid(made, up, unit, left)
    room = (width - left) / max(1, len(months))
    xs = [left + room * n for n in range(len(months) + 1)]
    for n in range(len(layers)):
        upper = list(zip(xs, (up.at(amount) for amount in tops[n + 1]), strict=True))
        lower = list(zip(xs, (up.at(amount) for amount in tops[n]), strict=True))
        if any(layers[n].amounts):
            made.area([*upper, *reversed(lower)], n)
    every = thinned(months, room, SMALL)
    for n, label in enumerate(months):
        if n % every == 0:
            made.text(xs[n] + room / 2, height - 10, label, at="middle", size=SMALL)
    _marks(made, xs[known], (38, up.at(0)), today, goal and (up.at(goal[0]), goal[1]), left)
    end = unit.said(Money(tops[-1][-1]))
    made.text(width - 3, up.at(tops[-1][-1]) - 6, end, at="end", ink=INK, bold=True)
    seen = [(n, one.name) for n, one in enumerate(layers) if any(one.amounts)]
    made.height = made.legend(seen, height + 4) if seen else height
    return made.svg()


def _tops(layers: Sequence[Band], months: int) -> list[list[int]]:
    """Return the borders between layers from the bottom up, each as running sums from zero."""
    tops = [[0] * (months + 1)]
    for one in layers:
        sums, total = [0], 0
        for amount in one.amounts:
            total += amount
            sums.append(total)
        tops.append([under + own for under, own in zip(tops[-1], sums, strict=True)])
    return tops


def _marks(
    made: Drawing,
    x: float,
    span: tuple[float, float],
    today: str,
    goal: tuple[float, str] | None,
    left: float,
) -> None:
    made.line(left, span[1], made.width, span[1], INK)
    made.line(x, span[0], x, span[1], SOFT, stroke=1.5, dash="3 3")
    near = x + wide(today, SMALL) + 6 > made.width
    made.text(x - 4 if near else x + 4, span[0] + 8, today, at="end" if near else "start", size=SMALL)
    if goal:
        made.line(left, goal[0], made.width, goal[0], LIMIT, stroke=2)
        made.text(left + 4, goal[0] - 6, goal[1], ink=LIMIT, size=SMALL)
    made.line(made.width - 0.5, span[0], made.width - 0.5, span[1], GRID)
