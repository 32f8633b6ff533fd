"""Over which days, on which bases and at which levels income is judged: one reading of the books for all of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core import catalogue
from portal.core.periods import days, nth
from portal.reports.income import behind, payers, words
from portal.reports.income.asked import Question
from portal.reports.income.behind import Kind, Narrower
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Row
from portal.reports.spread.judging import Judged, Limits, judge

BASES = ("recognised", "net_invoiced", "collected_net")
LEVELS = ("streams", "groups", "payers")
PREFIX = "in_"


@dataclass(frozen=True, slots=True)
class Window:
    """Days `[start, end)` that income is judged over; a short one is only indicative."""

    code: str
    start: date
    end: date
    indicative: bool

    @property
    def name(self) -> str:
        """What the window is called."""
        return {
            "period": _("Period asked for"), "fiscal_year": _("Fiscal year to date"), "trailing": _("Trailing 12 months"),
        }[self.code]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What the catalogue says of diversity on a day."""

    limits: Limits
    payers: Limits
    binding: str
    window: str
    indicative_days: int
    benchmark: Fraction
    points: Fraction


def setting(name: str, on: date, otherwise: object) -> str:
    """Return a setting of the catalogue on a day; before the catalogue began, what it begins with."""
    try:
        return str(catalogue.policy(name, on=on))
    except KeyError:
        return str(otherwise)


def settings(said: Question) -> Settings:
    """Return the settings in force on the day known; the ceiling is that of the list of streams."""
    on, ceiling = said.known, said.lists.limit
    watch = min(Fraction(setting("diversity.watch", on, "0.55")), ceiling)
    return Settings(
        Limits(ceiling, watch),
        Limits(ceiling, min(Fraction(setting("diversity.payer_watch", on, "0.25")), ceiling)),
        setting("diversity.binding", on, "streams"),
        setting("diversity.window", on, "fiscal_year"),
        int(setting("diversity.indicative_days", on, 90)),
        said.lists.dues,
        Fraction(setting("diversity.dues_points", on, 5)),
    )


def windows(said: Question, least: int) -> list[Window]:
    """Return the windows that end with the period asked for: the fiscal year to date, twelve months, the period itself."""
    spans = {
        "fiscal_year": said.last_day.replace(month=1, day=1), "trailing": nth(said.end, 1, -12), "period": said.start,
    }  # fmt: skip
    return [Window(code, start, said.end, days(start, said.end) < least) for code, start in spans.items()]


class Sources:
    """What each source brought, on every basis and over every window of a question."""

    def __init__(self, said: Question, *, by_payer: bool) -> None:
        self.said, self.by_payer = said, by_payer
        self.settings = settings(said)
        self.windows = windows(said, self.settings.indicative_days)
        wide = said.over(min(one.start for one in self.windows), said.end)
        self.books = books_of(wide)
        self._moved: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = {}

    def window(self, code: str) -> Window:
        """Return a window by its code."""
        return next(one for one in self.windows if one.code == code)

    @cached_property
    def heads(self) -> dict[int, int]:
        """Who stands for whom, as the rows of ownership say on the day known."""
        return payers.heads(self.said.known)

    def by(self, window: Window, basis: str, level: str) -> dict[str, int]:
        """Return the amounts of a level: by stream or group in the order of the list, by payer the largest first."""
        if level == "payers":
            return self._payers(self._of_payers(basis, "party", "month"), window)
        found: dict[str, int] = defaultdict(int)
        lists = self.said.lists
        for piece in self.books.pieces(basis):
            if window.start <= piece.month < window.end:
                stream = piece.stream
                found[stream if level == "streams" else lists.group_of(stream)] += piece.amount
        order = lists.groups if level == "streams" else dict.fromkeys(lists.groups.values())
        return {**dict.fromkeys(order, 0), **found}

    def _of_payers(self, basis: str, *grains: str) -> dict[tuple[Any, ...], int]:
        if (basis, *grains) not in self._moved:
            self._moved[basis, *grains] = self.books.moved(basis, *grains)
        return self._moved[basis, *grains]

    def _payers(self, sums: dict[tuple[Any, ...], int], window: Window) -> dict[str, int]:
        """Sum what parties brought in months of a window by the head of their group, the largest first."""
        found: dict[int, int] = defaultdict(int)
        for (party, month), amount in sums.items():
            if window.start <= month < window.end:
                found[self.heads.get(party, party)] += amount
        ranked = sorted(((one, fen) for one, fen in found.items() if fen), key=lambda one: (-one[1], one[0]))
        return {str(one): fen for one, fen in ranked}

    def judged(self, window: Window, basis: str, level: str) -> Judged:
        """Return the verdict over a window, on a basis, at a level."""
        limits = self.settings.payers if level == "payers" else self.settings.limits
        return judge(self.by(window, basis, level), limits)

    def within(self, window: Window, basis: str, stream: str) -> Judged:
        """Return the verdict on the payers of one stream."""
        sums = self._of_payers(basis, "stream", "party", "month")
        found = self._payers(
            {(party, month): fen for (its, party, month), fen in sums.items() if its == stream}, window
        )
        return judge(dict(sorted(found.items())), self.settings.payers)


def figure(basis: str, amount: int, window: Window, level: str = "", name: str = "") -> Figure:
    """Return an amount of a window as a figure: its rows are those of the window, whatever period the page is of."""
    key = {"streams": "stream", "groups": "group", "payers": "payer"}.get(level)
    return over(basis, amount, window.start, window.end, **({key: name} if key and name else {}))


def over(basis: str, amount: int, start: date, end: date, **rows: object) -> Figure:
    """Return an amount of whole months `[start, end)` as a figure."""
    return Figure.of(f"{PREFIX}{basis}", amount, start=f"{start:%Y-%m}", end=f"{end:%Y-%m}", **rows)


TAKES = ("start", "end", "stream", "group", "payer", "month", "above")


def install() -> None:
    """Let amounts of a window open their rows."""
    for code in ("recognised", "net_invoiced", "collected_net", "booked"):
        name = f"{PREFIX}{code}"
        behind.add(Kind(name, words.NAMES[code], words.MEANINGS[code], _rows(code), TAKES))


def _rows(code: str) -> behind.Rows:
    def rows(said: Question, by: Narrower) -> list[Row]:
        asked = dict(by)
        start, end = month_of(asked.pop("start", "")), month_of(asked.pop("end", ""))
        level = asked.pop("above", "")
        if start is None or end is None or not start < end:
            return []
        found = behind.kind_of(code).rows(said.over(start, end), asked)
        return _above(said, found, level) if level in LEVELS else found

    return rows


def _above(said: Question, found: list[Row], level: str) -> list[Row]:
    """Return the rows of the sources that come to more than nothing."""
    heads = payers.heads(said.known) if level == "payers" else {}

    def key(row: Row) -> str:
        if level == "payers":
            return str(heads.get(row.party, row.party))
        return row.stream if level == "streams" else said.lists.group_of(row.stream)

    sums: dict[str, int] = defaultdict(int)
    for row in found:
        sums[key(row)] += row.amount
    return [row for row in found if sums[key(row)] > 0]


def month_of(text: str) -> date | None:
    """Return the first day of a month written as 2026-11; None if it cannot be read."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


LEVEL_NAMES = {
    "streams": _l("Streams"), "groups": _l("Groups of streams"), "payers": _l("Payers by corporate group"),
}  # fmt: skip
