"""Where feeds and sitemap are read: by anybody, and by partners with a key each, which can be cut off."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, request
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, update
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import leave
from portal.core import clock, vault, web
from portal.core.api import share
from portal.core.db import db
from portal.core.errors import Forbidden, Missing
from portal.core.paging import asked
from portal.core.web import public
from portal.jobs import feeds, modes, naming, searching
from portal.jobs import sitemap as sitemaps
from portal.jobs.board_models import FeedKey
from portal.jobs.doors import jobs
from portal.jobs.modes import Mode


def _open() -> None:
    """Refuse feeds where the board has none, and partners whose key is over."""
    if modes.mode() is Mode.NOTICES:
        raise Missing(_("The notices of members are open to members."))
    key = request.args.get("key", "")
    if not key:
        return
    row = db.session.scalars(select(FeedKey).where(FeedKey.key_hash == vault.digest(key))).first()
    if row is None or row.ended_at is not None:
        raise Forbidden(_("This key of a partner is unknown or was ended."))
    today = clock.today()
    if row.read_on != today:
        leave(update(FeedKey).where(FeedKey.id == row.id).values(read_on=today))


def _tongue() -> str:
    said = asked("lang", most=5)
    return said if said in naming.LOCALES else naming.tongue()


def _kept(answer: Response) -> BaseResponse:
    """Let caches keep an answer, and answer 304 to whoever has it already."""
    share(answer, seconds=60)
    answer.headers["Vary"] = "Accept-Language"
    return answer.make_conditional(request)


def _made(kind: str) -> BaseResponse:
    _open()
    tongue, wanted = _tongue(), searching.read(request.args)
    endpoint = {"atom": "jobs.atom", "json": "jobs.json_feed"}[kind]
    address = web.absolute(endpoint, lang=tongue, **wanted.plain())
    with force_locale(naming.LOCALES[tongue]):
        rows = feeds.newest(wanted)
        if kind == "atom":
            text = feeds.atom(rows, tongue, wanted, address=address)
            return _kept(Response(text, content_type="application/atom+xml; charset=utf-8"))
        body = json.dumps(feeds.json_feed(rows, tongue, address=address), ensure_ascii=False)
        return _kept(Response(body, content_type="application/feed+json; charset=utf-8"))


@jobs.get("/feed.atom")
@public
def atom() -> Any:
    """Hand out the newest posts as an Atom feed, by language and filter."""
    return _made("atom")


@jobs.get("/feed.json")
@public
def json_feed() -> Any:
    """Hand out the newest posts as a JSON Feed, by language and filter."""
    return _made("json")


@jobs.get("/sitemap.xml")
@public
def sitemap() -> Any:
    """Hand out the addresses of the visible posts, or of the parts of a long sitemap."""
    return _mapped(sitemaps.whole)


@jobs.get("/sitemap-<int(max=1000000):number>.xml")
@public
def sitemap_part(number: int) -> Any:
    """Hand out the addresses of the visible posts in one part of a long sitemap."""
    return _mapped(partial(sitemaps.part, number))


def _mapped(made: Callable[[], bytes]) -> BaseResponse:
    if modes.mode() is Mode.NOTICES:
        raise Missing(_("The notices of members are open to members."))
    return _kept(Response(made(), content_type="application/xml; charset=utf-8"))
