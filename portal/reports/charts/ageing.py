"""Ageing bar: what is owed, by how late it is, as parts of one bar."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from portal.core.money import Money
from portal.reports.charts.scale import Unit
from portal.reports.charts.svg import INK, SMALL, TRACK, Drawing

BAR = 28
COLUMN = 118


def ageing(
    prefix: str, parts: Sequence[tuple[str, int]], *, unit: Unit, title: str, said: str, width: float = 720
) -> Markup:
    """Return one bar of all parts (fen, none negative), each named with its amount below."""
    total = sum(max(0, amount) for _name, amount in parts)
    unit = unit.fitting([amount for _name, amount in parts])
    across = max(1, min(len(parts), int(width // COLUMN)))
    rows = -(-len(parts) // across)
    made = Drawing(prefix, width, 24 + BAR + 46 * rows, title=title, said=said)
    made.text(0, 12, unit.name, size=SMALL)
    made.rect(0, 20, width, BAR, TRACK)
    x = 0.0
    for n, (_name, amount) in enumerate(parts):
        share = width * max(0, amount) / total if total else 0.0
        made.block(x, 20, share, BAR, n)
        x += share
    for n, (name, amount) in enumerate(parts):
        left, top = (n % across) * width / across, 20 + BAR + 14 + (n // across) * 46
        made.block(left, top, 12, 12, n)
        made.text(left + 18, top + 10.5, name)
        made.text(left + 18, top + 27, unit.said(Money(amount)), ink=INK, bold=True)
    return made.svg()
