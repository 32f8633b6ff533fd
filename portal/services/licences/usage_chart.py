"""The picture of a licence's use: live and reporting nodes against the limit, refused claims as marks. Own SVG, no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.core import clock
from portal.core.words import day, moment
from portal.services.licences.usage import Interval, Step

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 280, 52, 16, 30, 34
MARK = 5
MOST_MARKS_X = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """Claims refused in a step: where the mark stands, how many, when."""

    x: float
    points: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: polylines as points, marks, the figures along both axes."""

    live: str
    reporting: str
    limit: str
    marks: tuple[Mark, ...]
    xs: tuple[tuple[float, str, str], ...]
    ys: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def spoken(at: datetime, interval: Interval) -> str:
    """Return a step in words: its day, hour or month."""
    if interval is Interval.HOUR:
        return moment(at)
    own = clock.day_of(at)
    return f"{own:%Y-%m}" if interval is Interval.MONTH else day(own)


def round_up(most: int) -> int:
    """Return the round figure at the top of the axis: 1, 2, 4 or 5 times a power of ten, at least 4."""
    power = 1
    while True:
        for step in (1, 2, 4, 5):
            if step * power >= max(4, most):
                return step * power
        power *= 10


def drawn(steps: Sequence[Step], interval: Interval) -> Chart | None:
    """Return the picture of some steps; None where there is nothing to draw."""
    if not steps:
        return None
    top = round_up(max(max(one.live, one.reporting, one.limit) for one in steps))
    wide = (WIDTH - LEFT - RIGHT) / len(steps)

    def x(n: float) -> float:
        return round(LEFT + wide * n, 1)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * count / top, 1)

    def stairs(figure: Callable[[Step], int]) -> str:
        """Each step is level over its whole width: what is drawn is what was counted."""
        return " ".join(f"{x(n)},{y(figure(one))} {x(n + 1)},{y(figure(one))}" for n, one in enumerate(steps))

    marks = [
        Mark(x(n + 0.5), _triangle(x(n + 0.5)), spoken(one.start, interval), one.refused)
        for n, one in enumerate(steps)
        if one.refused
    ]
    quarter = max(1, top // 4)
    return Chart(
        stairs(lambda one: one.live), stairs(lambda one: one.reporting), stairs(lambda one: one.limit), tuple(marks),
        _xs(steps, interval, x), tuple((y(n), f"{n:,}") for n in range(0, top + 1, quarter)),
    )  # fmt: skip


def _triangle(x: float) -> str:
    return f"{round(x - MARK, 1)},{TOP - 20} {round(x + MARK, 1)},{TOP - 20} {x},{TOP - 10}"


def _xs(
    steps: Sequence[Step], interval: Interval, x: Callable[[float], float]
) -> tuple[tuple[float, str, str], ...]:
    """Name a few steps along the axis, so that their words do not touch; each with where its words begin."""
    every = -(-len(steps) // MOST_MARKS_X)
    shown = range(0, len(steps), every)
    return tuple(
        (
            x(n + 0.5),
            _short(steps[n].start, interval),
            "start" if n == 0 else "middle" if n + every <= len(steps) else "end",
        )
        for n in shown
    )


def _short(at: datetime, interval: Interval) -> str:
    own = at.astimezone(clock.OFFICE)
    spelling = {Interval.HOUR: "%m-%d %H:%M", Interval.DAY: "%m-%d", Interval.MONTH: "%Y-%m"}
    return own.strftime(spelling[interval])
