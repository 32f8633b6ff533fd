"""Share bars: how much of income each source brings, against the ceiling and a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from markupsafe import Markup

from portal.reports.charts.scale import shortened, wide
from portal.reports.charts.svg import BAD, GRID, INK, LIMIT, SMALL, SOFT, TRACK, TYPE, Drawing

ROW, BAR = 40, 14


@dataclass(frozen=True, slots=True)
class Share:
    """One source: its name, its share of the whole, what the share is printed as, its place in the list of colours."""

    name: str
    share: Fraction
    said: str
    place: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line across all bars: where it stands, and its words."""

    at: Fraction
    said: str


def bars(
    prefix: str, shares: Sequence[Share], *, ceiling: Line, benchmark: Line | None, title: str, said: str, width: float = 720
) -> Markup:  # fmt: skip
    """Return one bar per source from 0 to 100 %; the ceiling is a whole line, the benchmark a broken one."""
    top, bottom = 44, 44 + ROW * len(shares)
    made = Drawing(prefix, width, bottom + 24, title=title, said=said)
    span = width - 2
    for tenth in range(0, 11, 2):
        x = span * tenth / 10 + 1
        made.line(x, top, x, bottom, GRID)
        made.text(
            x,
            bottom + 16,
            f"{tenth * 10} %",
            at="start" if not tenth else "end" if tenth == 10 else "middle",
            size=SMALL,
        )
    for n, one in enumerate(shares):
        y = top + n * ROW
        made.text(1, y + 15, shortened(one.name, width - wide(one.said, TYPE) - 24, TYPE), ink=INK)
        made.text(width - 1, y + 15, one.said, at="end", ink=INK, bold=True)
        made.rect(1, y + 20, span, BAR, TRACK)
        made.block(1, y + 20, span * float(max(one.share, Fraction(0))), BAR, one.place)
    x = span * float(ceiling.at) + 1
    made.line(x, 19, x, bottom, LIMIT, stroke=2)
    half = wide(ceiling.said, SMALL) / 2
    made.text(min(max(x, half), width - half), 14, ceiling.said, at="middle", ink=BAD, size=SMALL)
    if benchmark is not None:
        x = span * float(benchmark.at) + 1
        made.line(x, 34, x, bottom, SOFT, stroke=2, dash="5 4")
        # On its own side of the ceiling, whose line it would cross.
        left = benchmark.at <= ceiling.at
        words = shortened(benchmark.said, x if left else width - x, SMALL)
        made.text(x, 30, words, at="end" if left else "start", size=SMALL)
    return made.svg()
