"""The reports of income as `wiring.py` lets them in: their pages, their place on the rail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts.events import PersonErased
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.core import nav
from portal.core.nav import Entry
from portal.reports.income import (
    doors,
    file_views,  # noqa: F401 - its routes
    flow_rows,
    line_view,  # noqa: F401 - its route
    page_ageing,
    page_contract,
    page_corrections,
    page_overview,
    page_payers,
    page_streams,
    page_waived,
    saved,
)
from portal.reports.income.blueprint import reports

flow_rows.install()
for page in (
    page_overview, page_streams, page_payers, page_contract, page_ageing, page_corrections, page_waived,
):  # fmt: skip
    page.install()
doors.open_pages()
BLUEPRINTS: list[Blueprint] = [reports]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ((PersonErased, saved.on_erased),)


def install() -> None:
    """Stand on the rail, and answer for what is kept of people."""
    saved.install()
    nav.add(
        Entry("office", 41, "reports.overview", _l("Reports"), "bar-chart", staff_who_may(May.READ_INCOME))
    )
