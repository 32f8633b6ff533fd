"""Sums, days and instants as the reader writes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from portal.core import clock, i18n
from portal.core.money import Money


def money(value: Money) -> str:
    """Return a sum as the reader writes it: `¥1,200.00` in Chinese, `CN¥1,200.00` in English."""
    return _money(value, i18n.language())


def day(value: date) -> str:
    """Return a date as the reader writes it: `2026年11月22日`, `22 Nov 2026`."""
    return _day(value, i18n.language())


def last_day(end: date) -> str:
    """Return the last day of a period whose `end` is the first day without it: what people read as "until"."""
    return day(end - timedelta(days=1))


def month(value: date) -> str:
    """Return a month by any of its days: `2026年5月`, `May 2026`."""
    return _month(value, i18n.language())


def moment(value: datetime) -> str:
    """Return an instant in the office's zone as the reader writes it."""
    return _moment(value, i18n.language())


def price(value: Money) -> str:
    """Return a whole price without its empty decimals: `¥400,000`."""
    text = money(value)
    return text.removesuffix(".00")


# Babel reads its patterns anew each time; a list writes the same few sums and days over and over.
@lru_cache(maxsize=4096)
def _money(value: Money, language: str) -> str:
    return str(format_currency(value.decimal, value.currency, locale=language))


@lru_cache(maxsize=4096)
def _day(value: date, language: str) -> str:
    return str(format_date(value, "d MMM y" if language.startswith("en") else "long", locale=language))


@lru_cache(maxsize=1024)
def _month(value: date, language: str) -> str:
    return str(format_date(value, "MMMM y" if language.startswith("en") else "y年M月", locale=language))


@lru_cache(maxsize=4096)
def _moment(value: datetime, language: str) -> str:
    pattern = "d MMM y, HH:mm" if language.startswith("en") else "y年M月d日 HH:mm"
    return str(format_datetime(value, pattern, tzinfo=clock.OFFICE, locale=language))


def plain(value: Money) -> str:
    """Return a sum as it is typed into a bank's form: `400000.00`."""
    return f"{value.decimal:.2f}"


def units(minor: int, currency: str) -> Money:
    """Return whole minor units of a currency as money."""
    return Money(minor, currency)


def total(values: Iterable[Money]) -> Money:
    """Return the sum of some sums."""
    return sum(values, Money(0))
