"""The sitemap of the board: one file while it is small, else an index of parts of a thousand posts each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from portal.core import clock, web
from portal.core.db import db
from portal.core.errors import Missing
from portal.jobs import naming, posts, showing
from portal.jobs.models import Post, PostVersion
from portal.jobs.said import languages

PART = 1_000  # posts by their numbers; a file may hold 50 000 addresses
SITEMAP, XHTML = "http://www.sitemaps.org/schemas/sitemap/0.9", "http://www.w3.org/1999/xhtml"
MARK = "0" * 32
HEAD = "<?xml version='1.0' encoding='utf-8'?>\n"
COLUMNS = (
    Post.uid, Post.changed_at, PostVersion.title_zh, PostVersion.title_en, PostVersion.text_zh, PostVersion.text_en,
)  # fmt: skip


def whole() -> bytes:
    """Return the sitemap: the addresses of all visible posts, or where its parts lie."""
    rows = _read(posts.visible().order_by(Post.id.desc()).limit(PART + 1))
    return _urls(rows) if len(rows) <= PART else _index()


def part(number: int) -> bytes:
    """Return one part; `Missing` where no visible post is in it."""
    first = number * PART
    rows = _read(posts.visible().where(Post.id >= first, Post.id < first + PART).order_by(Post.id.desc()))
    if not rows:
        raise Missing(_l("This part of the sitemap has no posts."))
    return _urls(rows)


def _read(rows: Any) -> list[Any]:
    return list(db.session.connection().execute(rows.with_only_columns(*COLUMNS)))


def _index() -> bytes:
    number = (Post.id - Post.id % PART).label("first")
    parts = posts.visible().with_only_columns(number, func.max(Post.changed_at)).group_by(number)
    made = "".join(
        f"<sitemap><loc>{web.absolute('jobs.sitemap_part', number=int(first) // PART)}</loc>"
        f"<lastmod>{_iso(changed)}</lastmod></sitemap>"
        for first, changed in db.session.connection().execute(parts.order_by(number))
    )
    return f'{HEAD}<sitemapindex xmlns="{SITEMAP}">{made}</sitemapindex>'.encode()


def _urls(rows: Iterable[Any]) -> bytes:
    """Return the addresses of some posts, each language with the other, and when each changed last."""
    # Built once, with a mark where the post stands: building an address costs more than all else here.
    known = {tongue: escape(showing.address(MARK, tongue)) for tongue in naming.HTML}
    made = "".join(
        _url(
            {tongue: known[tongue].replace(MARK, row.uid) for tongue in languages(row)}, _iso(row.changed_at)
        )
        for row in rows
    )
    return f'{HEAD}<urlset xmlns="{SITEMAP}" xmlns:xhtml="{XHTML}">{made}</urlset>'.encode()


def _url(places: dict[str, str], changed: str) -> str:
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{naming.HTML[tongue]}" href="{place}" />'
        for tongue, place in (places.items() if len(places) > 1 else ())
    )
    return "".join(
        f"<url><loc>{place}</loc><lastmod>{changed}</lastmod>{others}</url>" for place in places.values()
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(clock.OFFICE).isoformat(timespec="seconds")
