"""A report page with pictures and verdicts: each picture stands above the table it is drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from markupsafe import Markup

from portal.core import i18n
from portal.reports.charts.paired import Draw, paired
from portal.reports.income.figure import Link, Report, Table


@dataclass(frozen=True, slots=True)
class Banner:
    """The answer of a page in one sentence, with its tone: good, warn, bad or mute."""

    tone: str
    title: str
    words: str


@dataclass(slots=True)
class Pictured(Report):
    """A report whose tables may have a picture; `actions` are ways on from the page."""

    pictures: dict[str, Markup] = field(default_factory=dict)
    banners: list[Banner] = field(default_factory=list)
    actions: list[Link] = field(default_factory=list)
    # Tables that only some readers want: closed on screen, open on paper.
    folded: set[str] = field(default_factory=set)

    def draw(self, table: Table, draw: Draw) -> None:
        """Put a table on the page with its picture above it."""
        self.tables.append(table)
        self.pictures[table.key] = paired(f"{self.key}-{table.key}", draw)
        self.charts.append(draw(f"{self.key}-{table.key}-p", 720))


def sentence(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the numbers of a chart as a sentence for whoever does not see it."""
    colon, stop = (": ", "; ") if _spaced() else ("：", "；")
    return stop.join(f"{name}{colon}{said}" for name, said in pairs)


def together(*sentences: str) -> str:
    """Return sentences one after the other, as the reader's language sets them: Chinese ones without a space."""
    return (" " if _spaced() else "").join(one for one in sentences if one)


def _spaced() -> bool:
    return not i18n.language().startswith("zh")
