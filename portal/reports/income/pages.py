"""The pages of the reports: each with its tab, who it opens to, and what builds it; other parts add theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import gettext as _

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.core import heap
from portal.core.errors import Missing
from portal.reports.income import books
from portal.reports.income.asked import Question
from portal.reports.income.figure import Report


@dataclass(frozen=True, slots=True)
class Page:
    """A report page at `/office/reports/KEY` and its files at `/office/reports/KEY/FORM/file`.

    `made_by` is given the question; `may` opens it. A page with `tab` stands among the tabs at that place;
    one that `needs` any of some words of the question leads elsewhere without them. `asks` names what its chooser asks beside the period: `basis`, `day`.
    """

    key: str
    name: LazyString
    made_by: Callable[[Question], Report]
    may: May = May.READ_INCOME
    tab: int | None = None
    template: str = "office/reports/page.html"
    asks: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    otherwise: str = "overview"

    def build(self, said: Question) -> Report:
        """Return the report; the very many rows it reads are given back before the collector walks again."""
        with heap.filling():
            try:
                return self.made_by(said)
            finally:
                books.forget()


class Tab(NamedTuple):
    """A tab of the frame; `endpoint` is a page of this blueprint or another's."""

    order: int
    endpoint: str
    words: LazyString
    may: May


_pages: dict[str, Page] = {}
_tabs: dict[str, Tab] = {}


def add(*pages: Page) -> None:
    """Give pages their addresses and tabs."""
    for page in pages:
        _pages[page.key] = page
        if page.tab is not None:
            add_tab(Tab(page.tab, f"reports.{page.key}", page.name, page.may))


def add_tab(tab: Tab) -> None:
    """Put a page that has its own view among the tabs."""
    _tabs[tab.endpoint] = tab


def every() -> list[Page]:
    """Return the pages in the order in which they were added."""
    return list(_pages.values())


def of(key: str) -> Page:
    """Return a page by its key; `Missing` if there is none."""
    if key not in _pages:
        raise Missing(_("There is no such report page."))
    return _pages[key]


def tabs(reader: Reader) -> list[Tab]:
    """Return the tabs a reader may open, in their order."""
    return sorted(tab for tab in _tabs.values() if reader.staff_may(tab.may))
