"""The rows behind figures: each code has its words and the function that gives its rows, which sum to the figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import LazyString
from flask_babel import gettext as _

from portal.core.errors import Missing
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Row

Narrower = Mapping[str, str]
Rows = Callable[[Question, Narrower], list[Row]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code of figures is called, what it means, and its rows; `takes` are the words that may narrow them."""

    code: str
    name: LazyString
    words: LazyString
    rows: Rows
    takes: tuple[str, ...] = ()


_kinds: dict[str, Kind] = {}


def add(*kinds: Kind) -> None:
    """Let figures of these codes open their rows; asked again for the same code the later one counts."""
    _kinds.update({kind.code: kind for kind in kinds})


def kind_of(code: str) -> Kind:
    """Return a kind of figures; `Missing` if there is none of this code."""
    if code not in _kinds:
        raise Missing(_("There is no such figure."))
    return _kinds[code]


def rows_of(said: Question, figure: Figure) -> list[Row]:
    """Return the rows that a figure of a question opens."""
    return kind_of(figure.code).rows(said, dict(figure.rows))


def added_up(found: list[Row]) -> list[Row]:
    """Return rows without payers and documents: added up by stream and month, for whoever may not see payers."""
    sums: dict[tuple[str, date | None, date | None], int] = {}
    for row in found:
        key = (row.stream, row.day and row.day.replace(day=1), row.month)
        sums[key] = sums.get(key, 0) + row.amount
    return [
        Row(amount, stream, None, service or month)
        for (stream, month, service), amount in sorted(
            sums.items(),
            key=lambda one: (one[0][0], one[0][2] or one[0][1] or date.min, one[0][1] or date.min),
        )
    ]
