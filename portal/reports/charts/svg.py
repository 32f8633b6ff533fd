"""Drawing: literal attributes for PDFs with a class beside each for the screen; no style, no script, ids of the chart's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from portal.reports.charts.scale import wide

# The colours of the streams in their order, each at least 3:1 on white.
PALETTE = (
    "#0b5cad", "#2a9d8f", "#7b61c4", "#c2571a", "#b8870b", "#4a7c2c", "#d1477a", "#5b6b7b", "#138aa3",
)  # fmt: skip
# What tells fills apart without colour: stripes at an angle (degrees, distance), or dots (None, distance).
MARKS: tuple[tuple[int | None, int] | None, ...] = (
    None, (45, 7), (None, 7), (135, 7), (0, 6), (90, 6), (None, 4), (45, 4), (135, 4),
)  # fmt: skip
FONT = "Noto Sans CJK SC, Noto Sans, sans-serif"
SMALL, TYPE = 11, 12


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour for paper with the class that names it on screen."""

    colour: str
    name: str


INK, SOFT, GRID = Ink("#1d2127", "ci"), Ink("#545a63", "cm"), Ink("#e1ddd4", "cg")
GOOD, BAD, LIMIT = Ink("#1d6a41", "cgood"), Ink("#b93620", "cbad"), Ink("#b93620", "climit")
TRACK = Ink("#edebe6", "ctrack")


def series(n: int) -> Ink:
    """Return the colour of the n-th series, from 0; after the ninth they come round again."""
    return Ink(PALETTE[n % len(PALETTE)], f"s{n % len(PALETTE) + 1}")


def number(value: float) -> str:
    """Return a coordinate with at most one decimal, the same on every machine."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class Drawing:
    """A picture being drawn, `width` by `height`; every id begins with the chart's own prefix."""

    def __init__(self, prefix: str, width: float, height: float, *, title: str, said: str) -> None:
        self.prefix, self.width, self.height, self.title, self.said = prefix, width, height, title, said
        self._parts: list[str] = []
        self._patterns: dict[int, str] = {}

    def _put(self, name: str, ink: Ink | None, words: str | None = None, **attributes: float | str) -> None:
        pairs = [(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items()]
        if ink is not None:
            pairs.append(("class", ink.name))
        said = "".join(
            f' {key}="{escape(value) if isinstance(value, str) else number(value)}"' for key, value in pairs
        )
        self._parts.append(f"<{name}{said}/>" if words is None else f"<{name}{said}>{escape(words)}</{name}>")

    def rect(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        """Draw a filled rectangle."""
        self._put("rect", ink, x=x, y=y, width=max(0.0, width), height=max(0.0, height), fill=ink.colour)

    def block(self, x: float, y: float, width: float, height: float, n: int) -> None:
        """Draw a rectangle in the n-th series' colour and pattern."""
        size: dict[str, Any] = {"width": max(0.0, width), "height": max(0.0, height)}
        self._put("rect", self._solid(n), x=x, y=y, **size, fill=self.fill(n))

    def area(self, points: Sequence[tuple[float, float]], n: int) -> None:
        """Draw a filled shape in the n-th series' colour and pattern."""
        through = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._put("polygon", self._solid(n), points=through, fill=self.fill(n))

    def line(
        self, x1: float, y1: float, x2: float, y2: float, ink: Ink, *, stroke: float = 1, dash: str = ""
    ) -> None:
        """Draw a line."""
        more: dict[str, Any] = {"stroke_dasharray": dash} if dash else {}
        self._put("line", ink, x1=x1, y1=y1, x2=x2, y2=y2, stroke=ink.colour, stroke_width=stroke, **more)

    def path(self, points: Sequence[tuple[float, float]], ink: Ink, *, stroke: float = 2) -> None:
        """Draw a line through points."""
        self._put(
            "polyline", ink, points=" ".join(f"{number(x)},{number(y)}" for x, y in points), fill="none",
            stroke=ink.colour, stroke_width=stroke, stroke_linejoin="round",
        )  # fmt: skip

    def dot(self, x: float, y: float, r: float, ink: Ink) -> None:
        """Draw a filled dot."""
        self._put("circle", ink, cx=x, cy=y, r=r, fill=ink.colour)

    def text(
        self, x: float, y: float, words: str, *, at: str = "start", ink: Ink = SOFT, size: float = TYPE, bold: bool = False
    ) -> None:  # fmt: skip
        """Write words, their baseline at y; `at` is start, middle or end."""
        more: dict[str, Any] = {"text_anchor": at} if at != "start" else {}
        if bold:
            more["font_weight"] = "700"
        self._put("text", ink, words, x=x, y=y, fill=ink.colour, font_size=size, **more)

    def _solid(self, n: int) -> Ink | None:
        """Return the class of a series without a pattern; the others' stands within their pattern."""
        return series(n) if MARKS[n % len(MARKS)] is None else None

    def fill(self, n: int) -> str:
        """Return what fills the n-th series: its colour alone for the first, a pattern of its own for every other."""
        ink, mark, own = series(n), MARKS[n % len(MARKS)], n % len(PALETTE)
        if mark is None:
            return ink.colour
        if own not in self._patterns:
            name = f"{self.prefix}-p{own + 1}"
            angle, size = mark
            turn = f' patternTransform="rotate({angle})"' if angle else ""
            white = 'fill="#ffffff" fill-opacity="0.6" class="cw"'
            inner = f'<rect x="0" y="0" width="{size}" height="1.6" {white}/>'
            if angle is None:
                inner = f'<circle cx="{number(size / 2)}" cy="{number(size / 2)}" r="1.1" {white}/>'
            self._patterns[own] = (
                f'<pattern id="{name}" width="{size}" height="{size}" patternUnits="userSpaceOnUse"{turn}>'
                f'<rect x="0" y="0" width="{size}" height="{size}" fill="{ink.colour}" class="{ink.name}"/>{inner}</pattern>'
            )
        return f"url(#{self.prefix}-p{own + 1})"

    def legend(self, names: Sequence[tuple[int, str]], top: float, *, left: float = 0) -> float:
        """Write what each fill stands for, in as many lines as it takes; return where the next line would begin."""
        x, y = left, top
        for n, words in names:
            needed = 18 + wide(words, TYPE) + 16
            if x > left and x + needed - 16 > self.width:
                x, y = left, y + 20
            self.block(x, y, 12, 12, n)
            self.text(x + 18, y + 10.5, words)
            x += needed
        return y + 20

    def svg(self) -> Markup:
        """Return the picture."""
        p = self.prefix
        defs = "".join(self._patterns[n] for n in sorted(self._patterns))
        drawn = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart-svg" viewBox="0 0 {number(self.width)} {number(self.height)}"'
            f' width="{number(self.width)}" height="{number(self.height)}" role="img" aria-labelledby="{p}-t {p}-d" font-family="{FONT}">'
            f'<title id="{p}-t">{escape(self.title)}</title><desc id="{p}-d">{escape(self.said)}</desc>'
            + (f"<defs>{defs}</defs>" if defs else "")
            + "".join(self._parts)
            + "</svg>"
        )  # fmt: skip
        return Markup(drawn)  # noqa: S704 - every word in it is escaped
