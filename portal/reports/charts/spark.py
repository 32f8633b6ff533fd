"""Sparkline: the way of one figure in the space of a word."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from portal.reports.charts.scale import Axis
from portal.reports.charts.svg import GRID, Drawing, series


def spark(
    prefix: str, amounts: Sequence[int], *, title: str, said: str, width: float = 120, height: float = 32
) -> Markup:
    """Return a line through the amounts on an axis that holds zero, the last one marked."""
    made = Drawing(prefix, width, height, title=title, said=said)
    low, high = min(0, *amounts, 0), max(0, *amounts, 0)
    up = Axis((low, high if high > low else low + 1), height - 4, 4)
    made.line(0, up.at(0), width, up.at(0), GRID)
    if amounts:
        step = (width - 8) / max(1, len(amounts) - 1)
        points = [(4 + n * step, up.at(amount)) for n, amount in enumerate(amounts)]
        made.path(points, series(0))
        made.dot(*points[-1], 3, series(0))
    return made.svg()
