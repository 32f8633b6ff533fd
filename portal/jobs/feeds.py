"""The feeds of the board: Atom and JSON Feed, made of the visible posts alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

from flask_babel import gettext as _
from sqlalchemy.orm import contains_eager

from portal.core import catalogue, clock, web
from portal.core.db import db
from portal.core.settings import settings
from portal.jobs import naming, posts, searching, showing
from portal.jobs.models import Post
from portal.jobs.searching import Asked
from portal.jobs.showing import Seen, valid_through

ATOM = "http://www.w3.org/2005/Atom"
VERSION = "https://jsonfeed.org/version/1.1"
# What XML cannot hold, however it is written: one such character in a post would break the feed of all.
_BAD = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def newest(asked: Asked) -> list[Post]:
    """Return the newest visible posts that a filter leaves, with the versions they show."""
    rows = searching.newest_first(searching.narrowed(posts.visible(), asked))
    rows = rows.options(contains_eager(Post.shown)).limit(int(catalogue.policy("jobs.feed_posts")))
    return list(db.session.scalars(rows))


def entry_id(post: Post) -> str:
    """Return the id of a post in feeds: the same for ever, whatever becomes of its address."""
    host = urlsplit(settings().public_url).hostname or "localhost"
    return f"tag:{host},2026:job:{post.uid}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(clock.OFFICE).isoformat(timespec="seconds")


def _feed_id(tongue: str, asked: Asked) -> str:
    host = urlsplit(settings().public_url).hostname or "localhost"
    words = ";".join(f"{key}={value}" for key, value in sorted(asked.plain().items()))
    return f"tag:{host},2026:jobs:{tongue}:{words}"


def title() -> str:
    """Return the title of the feeds."""
    return _("Jobs – %(name)s", name=catalogue.brand().name)


def _summary(seen: Seen) -> str:
    parts = [seen.employer, seen.place, seen.employment, seen.pay]
    return " · ".join(one for one in parts if one)


def _content(seen: Seen) -> str:
    level = f"<p>{_('Certificate')}: {seen.level}</p>" if seen.level else ""
    texts = "".join(f"<h3>{one.heading}</h3>{one.html}" for one in seen.sections)
    return f"<p>{_html(_summary(seen))}</p>{level}{texts}"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def atom(rows: Sequence[Post], tongue: str, asked: Asked, *, address: str) -> bytes:
    """Return the rows as an Atom feed (RFC 4287) in one language."""
    Xml.register_namespace("", ATOM)
    feed = Xml.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": naming.HTML[tongue]})
    _add(feed, "id", _feed_id(tongue, asked))
    _add(feed, "title", title())
    _add(feed, "updated", _iso(max((one.changed_at for one in rows), default=clock.start_of(clock.today()))))
    _add(feed, "link", rel="self", type="application/atom+xml", href=address)
    _add(feed, "link", rel="alternate", type="text/html", href=web.absolute("jobs.board"))
    author = _add(feed, "author")
    _add(author, "name", catalogue.brand().name)
    for post in rows:
        seen = showing.shown(post, tongue)
        made = _add(feed, "entry", **{"{http://www.w3.org/XML/1998/namespace}lang": seen.html_language})
        _add(made, "id", entry_id(post))
        _add(made, "title", seen.title)
        _add(made, "updated", _iso(post.changed_at))
        if post.posted_at is not None:
            _add(made, "published", _iso(post.posted_at))
        _add(made, "link", rel="alternate", type="text/html", href=showing.address(post.uid, seen.tongue))
        _add(_add(made, "author"), "name", seen.employer)
        _add(made, "summary", _summary(seen))
        _add(made, "content", _content(seen), type="html")
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True))


def _add(parent: Xml.Element, name: str, text: str = "", **values: str) -> Xml.Element:
    made = Xml.SubElement(parent, f"{{{ATOM}}}{name}", values)
    if text:
        made.text = _BAD.sub("", text)
    return made


def json_feed(rows: Sequence[Post], tongue: str, *, address: str) -> dict[str, Any]:
    """Return the rows as a JSON Feed 1.1 in one language, with `_job` beside each item."""
    return {
        "version": VERSION,
        "title": title(),
        "home_page_url": web.absolute("jobs.board"),
        "feed_url": address,
        "language": naming.HTML[tongue],
        "authors": [{"name": catalogue.brand().name, "url": web.absolute("public.home")}],
        "items": [_item(post, showing.shown(post, tongue)) for post in rows],
    }


def _item(post: Post, seen: Seen) -> dict[str, Any]:
    version = post.shown
    assert version is not None
    assert post.ends_on is not None
    assert post.posted_at is not None
    return {
        "id": entry_id(post),
        "url": showing.address(post.uid, seen.tongue),
        "title": seen.title,
        "content_html": _content(seen),
        "summary": _summary(seen),
        "date_published": _iso(post.posted_at),
        "date_modified": _iso(post.changed_at),
        "language": seen.html_language,
        "authors": [{"name": seen.employer}],
        "tags": list(seen.skills),
        "_job": {
            "about": "https://schema.org/JobPosting",
            "city": version.city or None,
            "remote": version.remote.value,
            "pay": {
                "currency": version.currency, "low": version.pay_low, "high": version.pay_high,
                "per": version.pay_per.value, "months": version.pay_months,
            },
            "level": {"code": version.level, "need": version.need.value} if version.level else None,
            "ends": valid_through(post.ends_on),
        },
    }  # fmt: skip
