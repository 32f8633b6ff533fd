"""What an employer says in a post, and whether it is complete: pure of the database, read from the catalogue's lists."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.core import catalogue, outgoing
from portal.core.errors import Refused
from portal.jobs import modes
from portal.jobs.kinds import ApplyBy, Employment, Need, PayPer, Remote
from portal.jobs.models import PostVersion
from portal.jobs.modes import Mode

TONGUES = ("zh", "en")
PARTS = ("text", "duties", "requirements")
CURRENCIES = ("CNY", "HKD", "USD", "EUR", "SGD")
MOST_SKILLS, LONGEST_SKILL, MOST_PLACES, MOST_PAY = 15, 40, 999, 10**12
_SPLIT = re.compile(r"[,，;；、\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The content of one version. Pay is in whole hundredths of its currency; `pay_months` are those of a year."""

    title_zh: str = ""
    title_en: str = ""
    text_zh: str = ""
    text_en: str = ""
    duties_zh: str = ""
    duties_en: str = ""
    requirements_zh: str = ""
    requirements_en: str = ""
    remote: Remote = Remote.ONSITE
    city: str = ""
    remote_from: tuple[str, ...] = ()
    employment: Employment = Employment.FULL_TIME
    places: int = 1
    currency: str = "CNY"
    pay_low: int = 0
    pay_high: int = 0
    pay_per: PayPer = PayPer.MONTH
    pay_months: int = 12
    skills: tuple[str, ...] = ()
    need: Need = Need.NONE
    level: str = ""
    apply_by: ApplyBy = ApplyBy.PORTAL
    link: str = ""


NAMES = tuple(one.name for one in fields(Said))
_LISTS = {"remote_from", "skills"}


def of(version: PostVersion) -> Said:
    """Return what a version says."""
    values: dict[str, Any] = {name: getattr(version, name) for name in NAMES}
    values.update({name: tuple(values[name]) for name in _LISTS})
    return Said(**values)


def columns(said: Said) -> dict[str, Any]:
    """Return what is said as a version's columns, with the most it pays in a year."""
    found = {name: getattr(said, name) for name in NAMES}
    found.update({name: list(found[name]) for name in _LISTS})
    months = said.pay_months if said.pay_per is PayPer.MONTH else 1
    return {**found, "pay_year": said.pay_high * months}


def skills_of(text: str) -> tuple[str, ...]:
    """Return the skills of a typed list, each once."""
    found = [" ".join(one.split())[:LONGEST_SKILL] for one in _SPLIT.split(text)]
    return tuple(dict.fromkeys(one for one in found if one))[:MOST_SKILLS]


def languages(said: Said | PostVersion) -> list[str]:
    """Return the languages in which a title and a text are there."""
    return [
        tongue
        for tongue in TONGUES
        if getattr(said, f"title_{tongue}").strip() and getattr(said, f"text_{tongue}").strip()
    ]


def texts(said: Said | PostVersion, tongue: str) -> list[str]:
    """Return all texts in one language."""
    return [getattr(said, f"{part}_{tongue}") for part in ("title", *PARTS)]


def _no(words: LazyString, field: str) -> Refused:
    return Refused(words, field=field, status=422)


def check(said: Said) -> None:
    """Refuse what no draft may hold: numbers out of bounds, unknown cities or levels, a link that is none."""
    if not 0 < said.places <= MOST_PLACES:
        raise _no(_l("Please give a number of places from 1 to 999."), "places")
    if not 0 <= said.pay_low <= said.pay_high <= MOST_PAY:
        raise _no(_l("The lower end of the pay may not be above the upper end."), "pay_high")
    if said.currency not in CURRENCIES:
        raise _no(_l("We do not know this currency."), "currency")
    if not 1 <= said.pay_months <= 36:
        raise _no(_l("Please give the number of months paid in a year, from 1 to 36."), "pay_months")
    if said.city and said.city not in catalogue.entries("job_city"):
        raise _no(_l("Please choose a city of the list."), "city")
    if any(one not in catalogue.entries("country") for one in said.remote_from):
        raise _no(_l("Please choose countries of the list."), "remote_from")
    if (said.need is Need.NONE) != (said.level == ""):
        raise _no(_l("Please say which certificate, and whether it is required or preferred."), "level")
    if said.level and said.level not in catalogue.entries("level"):
        raise _no(_l("Please choose a certificate of the list."), "level")
    if said.link:
        _check_link(said.link)


def _check_link(link: str) -> None:
    try:
        outgoing.checked(link)
    except Refused as refusal:
        raise Refused(refusal.words, field="link", status=422) from refusal


def check_complete(said: Said) -> None:
    """Refuse to send what a reader could not judge: no whole language, no pay, no place, no way to apply."""
    check(said)
    if not languages(said):
        raise _no(
            _l("Please give a title and a text, in Chinese or in English."),
            "title_zh" if not said.title_en else "text_en",
        )
    for tongue in TONGUES:
        if any(text.strip() for text in texts(said, tongue)) and tongue not in languages(said):
            missing = "title" if not getattr(said, f"title_{tongue}").strip() else "text"
            raise _no(
                _l("This language has no title or no text yet: complete it, or leave all of it empty."),
                f"{missing}_{tongue}",
            )
    if said.pay_low <= 0:
        raise _no(_l("Please give the range of the pay: every post names it."), "pay_low")
    if said.remote is Remote.REMOTE:
        if not said.remote_from:
            raise _no(_l("Please say from which countries people may work."), "remote_from")
    elif not said.city:
        raise _no(_l("Please choose the city of the work."), "city")
    if not said.link and (said.apply_by is ApplyBy.LINK or modes.mode() is not Mode.FULL):
        raise _no(_l("Please give the https page on which people apply."), "link")


def host_of(link: str) -> str:
    """Return the host of a link, in lower case."""
    return (urlsplit(link).hostname or "").lower()
