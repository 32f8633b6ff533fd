"""The sections of the guides that fit the pages of reports, by the beginning of their endpoints."""

from __future__ import annotations

FITS = {
    "reports.": "reports#choose-what-to-read",
    "reports.today": "executive#ten-seconds-in-the-morning",
    "reports.diversity": "executive#on-what-income-hangs",
    "reports.whatif": "executive#try-before-you-sign",
    "reports.target": "executive#targets-and-forecast",
    "reports.counted": "executive#targets-and-forecast",
    "reports.forecast": "executive#targets-and-forecast",
    "reports.recurring": "executive#what-comes-back-every-year",
    "reports.contradictions": "executive#where-the-plan-contradicts-itself",
    "reports.rows": "reports#follow-an-amount-to-its-document",
    "reports.line": "reports#follow-an-amount-to-its-document",
}
