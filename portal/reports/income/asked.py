"""The question every report page shares: period, basis, as known at, and whose income; what cannot be read is refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.billing import months
from portal.core.errors import Missing, Refused
from portal.core.forms import clean
from portal.core.periods import nth
from portal.reports.lists import Lists, in_force

EARLIEST, LATEST, MOST_MONTHS = 1990, 2199, 120
BASES: dict[str, LazyString] = {
    "booked": _l("Booked orders"),
    "invoiced": _l("Invoiced less credited"),
    "collected": _l("Collected"),
    "recognised": _l("Recognised"),
    "deferred": _l("Deferred"),
}
LEVELS: dict[str, LazyString] = {
    "streams": _l("Streams"),
    "groups": _l("Groups of streams"),
    "payers": _l("Payers"),
}
DEFAULT, LEVEL = "recognised", "streams"
KEYS = ("from", "to", "basis", "known", "level", "stream", "group", "payer", "alone", "day")


@dataclass(frozen=True, slots=True)
class Question:
    """Whole months `[start, end)`, read on a basis as known at the end of a day; `dated` says that the day was asked for.

    `day` is that of a page about one day. `payer` is the uid of a party: its corporate group is meant, itself alone with `alone`.
    """

    start: date
    end: date
    known: date
    lists: Lists
    basis: str = DEFAULT
    level: str = LEVEL
    stream: str = ""
    group: str = ""
    payer: str = ""
    alone: bool = False
    dated: bool = False
    day: date | None = None

    @property
    def as_of(self) -> date:
        """The day that stands for a balance: the one asked for, else the period's last as far as it is known."""
        return self.day or min(self.last_day, self.known)

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return self.end - timedelta(days=1)

    @property
    def last(self) -> date:
        """The first day of the last month."""
        return months.first_of(self.last_day)

    @property
    def months(self) -> list[date]:
        """The first days of the months of the period."""
        return [nth(self.start, 1, n) for n in range(_count(self.start, self.end))]

    @property
    def streams(self) -> list[str]:
        """The codes asked for: one, those of a group, or the whole list."""
        if self.stream:
            return [self.stream]
        return [code for code, group in self.lists.groups.items() if not self.group or group == self.group]

    @property
    def narrowed(self) -> bool:
        """Whether only some streams or one payer are asked for."""
        return bool(self.stream or self.group or self.payer)

    def over(self, start: date, end: date) -> Question:
        """Return the same question of another period `[start, end)`."""
        return replace(self, start=start, end=end)

    def args(self) -> dict[str, str]:
        """Return the question as the address says it."""
        said = {"from": f"{self.start:%Y-%m}", "to": f"{self.last:%Y-%m}"}
        said["basis"] = self.basis if self.basis != DEFAULT else ""
        said["known"] = self.known.isoformat() if self.dated else ""
        said["level"] = self.level if self.level != LEVEL else ""
        said |= {"stream": self.stream, "group": self.group, "payer": self.payer}
        said["alone"] = "yes" if self.alone else ""
        said["day"] = self.day.isoformat() if self.day else ""
        return {key: value for key, value in said.items() if value}

    def query(self, **changes: Any) -> str:
        """Return the address's query of this question with some of it changed; None drops a key."""
        said: dict[str, Any] = {**self.args(), **changes}
        return urlencode({key: value for key, value in said.items() if value not in (None, "")})


def read(given: Mapping[str, str], today: date) -> Question:
    """Return the question that an address or a command asks; by default the year to this month, recognised, as known today.

    Refuses what cannot be read, a period that ends before it begins or is longer than ten years, a day known that has
    not come, and names that are not on the list.
    """
    said = {key: str(clean(given.get(key, ""))).strip()[:80] for key in KEYS}
    known = _day(said["known"], today)
    if known > today:
        raise _no(_l("Nothing is known yet as at a day that has not come."))
    last = _month(said["to"], months.first_of(min(today, known)))
    start = _month(said["from"], last.replace(month=1))
    if last < start:
        raise _no(_l("The period ends before it begins."))
    end = months.following(last)
    if _count(start, end) > MOST_MONTHS:
        raise _no(_l("A report covers at most ten years."))
    lists = in_force(known)
    return Question(
        start, end, known, lists, _one_of(said["basis"], BASES, DEFAULT),
        _one_of(said["level"], LEVELS, LEVEL), payer=said["payer"], alone=bool(said["alone"]), dated=bool(said["known"]),
        day=min(_day(said["day"], known), known) if said["day"] else None,
        **_narrowed(said, lists),
    )  # fmt: skip


def _narrowed(said: dict[str, str], lists: Lists) -> dict[str, str]:
    if said["stream"] and said["stream"] not in lists.groups:
        raise Missing(_("There is no such stream on the list."))
    if said["group"] and said["group"] not in lists.groups.values():
        raise Missing(_("There is no such group on the list."))
    return {"stream": said["stream"], "group": "" if said["stream"] else said["group"]}


def _one_of(text: str, known: Mapping[str, Any], otherwise: str) -> str:
    if text and text not in known:
        raise unreadable(text)
    return text or otherwise


def month_in(text: str) -> date:
    """Return the first day of a month like 2026-05; `Refused` if it is none."""
    return _month(text, date.min) if text else _within(date.min, text)


def _month(text: str, otherwise: date) -> date:
    if not text:
        return otherwise
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise unreadable(text) from None
    return _within(found, text)


def _day(text: str, otherwise: date) -> date:
    if not text:
        return otherwise
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise unreadable(text) from None
    return _within(found, text)


def _within(found: date, text: str) -> date:
    if not EARLIEST <= found.year <= LATEST:
        raise unreadable(text)
    return found


def _count(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def unreadable(text: str) -> Refused:
    """Return the refusal of a word of the question that cannot be read."""
    return _no(_("“%(text)s” cannot be read here.", text=text))


def _no(words: str | LazyString) -> Refused:
    return Refused(words, status=422)


@dataclass(frozen=True, slots=True)
class Preset:
    """A period people ask for often."""

    words: str
    start: date
    end: date


def presets(today: date) -> list[Preset]:
    """Return the periods that the chooser offers with one click."""
    month = months.first_of(today)
    year, after = month.replace(month=1), months.following(month)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    return [
        Preset(_("Previous month"), nth(month, 1, -1), month),
        Preset(_("This month"), month, after),
        Preset(_("This quarter"), quarter, nth(quarter, 3, 1)),
        Preset(_("Year to date"), year, after),
        Preset(_("Trailing 12 months"), nth(month, 1, -11), after),
        Preset(_("Previous year"), nth(year, 12, -1), year),
    ]
