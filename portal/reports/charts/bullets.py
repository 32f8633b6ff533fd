"""Bullets: what is reached of each target, with a mark where the year should be by now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from portal.reports.charts.scale import shortened, wide
from portal.reports.charts.svg import GRID, INK, SMALL, TRACK, TYPE, Drawing

ROW, BAR = 54, 16


@dataclass(frozen=True, slots=True)
class Bullet:
    """One target: its name, what is reached, the goal and where the pace would be (all in one unit), and its words."""

    name: str
    actual: int
    goal: int
    pace: Fraction
    said: str
    place: int = 0


def bullets(
    prefix: str, rows: Sequence[Bullet], *, pace: str, title: str, said: str, width: float = 720
) -> Markup:
    """Return a bar per target on a track that ends at the goal; what goes beyond makes the track shorter, not the bar."""
    made = Drawing(prefix, width, ROW * len(rows) + 26, title=title, said=said)
    for n, one in enumerate(rows):
        y, most = n * ROW, max(one.goal, one.actual, 1)
        made.text(0, y + 15, shortened(one.name, width - wide(one.said, TYPE) - 16, TYPE), ink=INK)
        made.text(width, y + 15, one.said, at="end", ink=INK, bold=True)
        made.rect(0, y + 22, width * one.goal / most, BAR, TRACK)
        made.block(0, y + 22 + 3, width * max(0, one.actual) / most, BAR - 6, one.place)
        made.line(
            width * one.goal / most - 1, y + 20, width * one.goal / most - 1, y + 24 + BAR, INK, stroke=2
        )
        x = width * float(min(one.pace / most, Fraction(1)))
        made.line(x, y + 18, x, y + 26 + BAR, INK, stroke=1.5, dash="3 2")
    y = ROW * len(rows) + 6
    made.line(0, y - 2, width, y - 2, GRID)
    made.line(8, y + 4, 8, y + 18, INK, stroke=1.5, dash="3 2")
    made.text(16, y + 15, pace, size=SMALL)
    return made.svg()
