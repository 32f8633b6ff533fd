"""What the foundation aims at and hangs on, as the reports let it in: diversity, targets, forecast, recurring income, contradictions."""

from __future__ import annotations

from portal.reports.board import showing
from portal.reports.goals import (
    costs,
    costs_views,  # noqa: F401 - its routes
    page_conflicts,
    page_forecast,
    page_targets,
    setting,
    setting_views,
)
from portal.reports.income import doors
from portal.reports.recurring import arr_rows, page_recurring
from portal.reports.spread import page_diversity, whatif, windows

windows.install()
arr_rows.install()
for page in (page_diversity, whatif, page_targets, page_forecast, page_recurring, page_conflicts):
    page.install()
doors.open_pages()


def install() -> None:
    """Let the catalogue check targets, and tell who waits for a second person."""
    setting.install()
    costs.install()
    setting_views.install()
    showing.install()
