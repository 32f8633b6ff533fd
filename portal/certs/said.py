"""Instants of sessions in words: the site's own time with its distance from UTC, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from portal.certs.timing import offset_of
from portal.core import i18n


def there(moment: datetime, zone: str) -> str:
    """Return an instant as a clock at a place shows it, with the offset: `28 Mar 2027, 10:00 (UTC+02:00)`."""
    language = i18n.language()
    pattern = "EEE d MMM y, HH:mm" if language.startswith("en") else "y年M月d日 EEE HH:mm"
    site = ZoneInfo(zone)
    text = format_datetime(moment, pattern, tzinfo=site, locale=language)
    mark = "({})" if language.startswith("en") else "（{}）"
    return f"{text} {mark.format(offset_of(moment, site))}".replace(" （", "（")


def hour(moment: datetime, zone: str) -> str:
    """Return the time of day of an instant at a place."""
    return str(format_datetime(moment, "HH:mm", tzinfo=ZoneInfo(zone), locale=i18n.language()))
