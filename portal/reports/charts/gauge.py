"""A gauge: one bar on its track with a mark, for a figure among others."""

from __future__ import annotations

from fractions import Fraction

from markupsafe import Markup

from portal.reports.charts.svg import INK, LIMIT, TRACK, Drawing

HEIGHT, BAR = 20, 10


def gauge(
    prefix: str, part: Fraction, mark: Fraction | None, *, title: str, said: str, limit: bool = False, place: int = 0,
    width: float = 240,
) -> Markup:  # fmt: skip
    """Return a bar of a part of the whole; the mark is broken where it is a pace, whole where it is a limit."""
    made = Drawing(prefix, width, HEIGHT, title=title, said=said)
    made.rect(0, 5, width, BAR, TRACK)
    made.block(0, 5, width * float(min(max(part, Fraction(0)), Fraction(1))), BAR, place)
    if mark is not None:
        x = min(max(1.0, width * float(min(mark, Fraction(1)))), width - 1)
        made.line(x, 1, x, HEIGHT - 1, LIMIT if limit else INK, stroke=2, dash="" if limit else "3 2")
    return made.svg()
