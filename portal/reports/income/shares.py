"""Shares as they are printed: one decimal, half up; what decides is never a printed figure."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.core.money import half_up


def percent(part: int, whole: int) -> str:
    """Return a part of a whole in percent with one decimal; words where there is nothing to divide by."""
    if not whole:
        return _("no data")
    tenths = half_up(part * 1000, whole)
    return f"{tenths // 10}.{tenths % 10} %" if tenths >= 0 else f"-{-tenths // 10}.{-tenths % 10} %"
