"""What a report page is made of: figures that open their rows, in tables, on a page that says what it is read on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from flask_babel import LazyString
from markupsafe import Markup

from portal.core.money import Money


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount in fen with the code of its rows and what narrows them beside the page's question.

    The only way an amount gets onto a page: `behind.rows_of` gives rows that sum to it.
    """

    code: str
    amount: int
    rows: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, code: str, amount: int, **rows: object) -> Figure:
        """Return a figure whose rows are narrowed by some words; empty ones fall away."""
        return cls(
            code, amount, tuple((key, str(value)) for key, value in rows.items() if value not in (None, ""))
        )

    @property
    def money(self) -> Money:
        """The amount as money."""
        return Money(self.amount)


class Head(NamedTuple):
    """The head of a column: what it is called, and how its cells are set (`text`, `figure`, `heat`, `day`, `share`)."""

    words: str
    kind: str = "figure"


class Link(NamedTuple):
    """Words that lead somewhere; `key` and `rest` make the address of another page of the same question."""

    words: str
    href: str


@dataclass(slots=True)
class Line:
    """A row of a table: what it is of, and its cells; `total` rows stand at the foot, `group` heads a part."""

    label: str | Link
    cells: list[Any]
    total: bool = False
    note: str = ""

    @property
    def nothing(self) -> bool:
        """Whether the row has amounts, and each of them is zero."""
        found = [cell.amount for cell in self.cells if isinstance(cell, Figure)]
        return bool(found) and not any(found)


@dataclass(slots=True)
class Table:
    """A table of figures under its heads; the first column names the rows."""

    key: str
    title: str
    first: str
    heads: list[Head]
    lines: list[Line] = field(default_factory=list)
    words: str = ""
    # Wide tables scroll in their own panel; others turn into cards on a phone.
    wide: bool = False

    @property
    def body(self) -> list[Line]:
        """The rows above the total."""
        return [line for line in self.lines if not line.total]

    @property
    def feet(self) -> list[Line]:
        """The totals."""
        return [line for line in self.lines if line.total]

    @property
    def peak(self) -> int:
        """The greatest amount of the cells that are coloured by size."""
        at = [n for n, head in enumerate(self.heads) if head.kind == "heat"]
        return max((line.cells[n].amount for line in self.body for n in at), default=0)

    def heat(self, amount: int) -> int:
        """Return how strongly an amount is coloured, 0 to 5; below nothing is 6."""
        if amount <= 0 or not self.peak:
            return 6 if amount < 0 else 0
        return max(1, 5 * amount // self.peak)

    def figures(self) -> list[Figure]:
        """Return every amount of the table."""
        return [cell for line in self.lines for cell in line.cells if isinstance(cell, Figure)]


@dataclass(slots=True)
class Report:
    """A page of a report: its name, what it says, its tables; `basis` is the one it is read on, in words."""

    key: str
    title: str
    lead: str
    basis: str
    tables: list[Table] = field(default_factory=list)
    # The figures at the head of the page: what they are called, the figure, and a note.
    heads: list[tuple[str, Figure, str]] = field(default_factory=list)
    charts: list[Markup] = field(default_factory=list)
    empty: tuple[str, str] | None = None
    warnings: list[str] = field(default_factory=list)
    # The figures whose rows are the detail of a file.
    detail: list[Figure] = field(default_factory=list)

    def figures(self) -> list[Figure]:
        """Return every amount of the page."""
        return [one for _words, one, _note in self.heads] + [
            figure for table in self.tables for figure in table.figures()
        ]


@dataclass(frozen=True, slots=True)
class Row:
    """One row behind a figure. `paper` is the kind and number of the document it comes from."""

    amount: int
    stream: str = ""
    day: date | None = None
    month: date | None = None
    party: int = 0
    line: int = 0
    paper: tuple[str, int] | None = None
    words: str | LazyString = ""
