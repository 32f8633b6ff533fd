"""Words of exams in the reader's language: instants of sessions at their sites, what a score waits for, why a work was taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

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


WAITS = {
    "marks of ": _l("the graders’ marks"),
    "answer to ": _l("a person’s word on a short answer"),
    "adjudication of ": _l("the third mark"),
}
TAKEN = {"late": _l("It was not marked in time."), "invalidated": _l("The attempt was declared invalid.")}


def waits(body: dict[str, Any]) -> str:
    """Return what a score waits for, each kind of thing once with the codes of its tasks and items."""
    found: dict[str, list[str]] = {}
    for one in body.get("waits", ()):
        start = next((start for start in WAITS if one.startswith(start)), "")
        found.setdefault(start, []).append(one.removeprefix(start))
    return _("; ").join(
        f"{WAITS[start]} ({_(', ').join(codes)})" if start else _(", ").join(codes)
        for start, codes in found.items()
    )


def taken(reason: str) -> str:
    """Return why a work went to somebody else: the words of a person, or those of what the portal did itself."""
    return str(TAKEN.get(reason, reason))
