"""One chart drawn twice, for a desk and for a phone; the stylesheet shows one of them, a paper the wide one."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

WIDE, NARROW = 720.0, 340.0
Draw = Callable[[str, float], Markup]


def paired(key: str, draw: Draw) -> Markup:
    """Return both drawings of a chart, each with a prefix of its own."""
    return Markup('<div class="chart-wide">{}</div><div class="chart-narrow">{}</div>').format(
        draw(f"{key}-w", WIDE), draw(f"{key}-n", NARROW)
    )
