"""A post in one language as pages, feeds and search engines show it: the same words for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup

from portal.core import clock, labels, rich, web
from portal.core.money import Money
from portal.core.words import price
from portal.jobs import modes, naming
from portal.jobs.kinds import ApplyBy, Need, PayPer, Remote
from portal.jobs.models import Post, PostVersion
from portal.jobs.modes import Mode
from portal.jobs.said import PARTS, languages


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the text with its heading; `html` is safe."""

    part: str
    heading: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Seen:
    """What is shown of a version of a post in one language, and which languages there are."""

    uid: str
    tongue: str
    languages: tuple[str, ...]
    wanted: str
    title: str
    sections: tuple[Section, ...]
    employer: str
    homepage: str
    place: str
    pay: str
    employment: str
    places: int
    skills: tuple[str, ...]
    need: Need
    level: str
    level_code: str
    link: str
    in_portal: bool
    posted: datetime | None
    starts: date | None
    ends: date | None

    @property
    def html_language(self) -> str:
        """Return the `lang` of its text."""
        return naming.HTML[self.tongue]

    @property
    def missing(self) -> bool:
        """Whether the language that was wanted is missing, so that the other is shown."""
        return self.tongue != self.wanted


def _heading(part: str) -> str:
    return {"text": _("About the work"), "duties": _("Duties"), "requirements": _("Requirements")}[part]


def _sections(version: PostVersion, tongue: str) -> tuple[Section, ...]:
    """Return the parts of the text in one language, each under a heading in that language."""
    with force_locale(naming.LOCALES[tongue]):
        return tuple(
            Section(part, _heading(part), rich.shown(text, "post"))
            for part in PARTS
            if (text := getattr(version, f"{part}_{tongue}").strip())
        )


def place_words(version: PostVersion) -> str:
    """Return where the work is, in words."""
    if version.remote is Remote.REMOTE:
        where = _(", ").join(naming.country(code) for code in version.remote_from)
        return _("Remote, from %(where)s", where=where) if where else labels.label(version.remote)
    city = naming.city(version.city)
    return _("%(city)s, partly remote", city=city) if version.remote is Remote.HYBRID else city


def pay_words(version: PostVersion) -> str:
    """Return the range of pay: currency, from and to, month or year, months a year if not twelve."""
    low, high = (price(Money(amount, version.currency)) for amount in (version.pay_low, version.pay_high))
    range_ = low if low == high else f"{low} – {high}"
    if version.pay_per is PayPer.YEAR:
        return _("%(range)s a year", range=range_)
    if version.pay_months != 12:
        return _("%(range)s a month, %(months)s months a year", range=range_, months=version.pay_months)
    return _("%(range)s a month", range=range_)


def seen(post: Post, version: PostVersion, wanted: str = "") -> Seen:
    """Return what a version shows in the language wanted, else in the one there is."""
    own = naming.tongue_of(version, wanted)
    return Seen(
        uid=post.uid, tongue=own, languages=tuple(languages(version)), wanted=wanted or naming.tongue(),
        title=getattr(version, f"title_{own}") or naming.title(version), sections=_sections(version, own), employer=post.org.name,
        homepage=post.org.homepage, place=place_words(version), pay=pay_words(version),
        employment=labels.label(version.employment),
        places=post.places if post.shown_id == version.id else version.places, skills=tuple(version.skills),
        need=version.need, level=naming.level(version.level), level_code=version.level, link=version.link,
        in_portal=version.apply_by is ApplyBy.PORTAL and modes.mode() is Mode.FULL, posted=post.posted_at,
        starts=post.starts_on, ends=post.ends_on,
    )  # fmt: skip


def shown(post: Post, wanted: str = "") -> Seen:
    """Return what a post shows that was approved."""
    assert post.shown is not None
    return seen(post, post.shown, wanted)


def address(uid: str, tongue: str = "") -> str:
    """Return the full address of a post's page, in one language if that is said."""
    return web.absolute("jobs.post", uid=uid, **({"lang": tongue} if tongue else {}))


def valid_through(ends: date) -> str:
    """Return the instant at which a post ends, exclusive, as programs read it: the first of that day at the office."""
    return clock.start_of(ends).astimezone(clock.OFFICE).isoformat()
