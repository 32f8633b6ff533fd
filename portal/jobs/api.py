"""The job board for programs: visible posts, by the same filters as the page."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from flask import Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy.orm import contains_eager

from portal.core import clock, cursors
from portal.core.api import (
    PUBLIC_PROBLEMS,
    Answer,
    Clean,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    shared,
)
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.web import public as anybody
from portal.jobs import modes, posts, searching, showing
from portal.jobs.models import NO_POST, Post
from portal.jobs.modes import Mode
from portal.jobs.said import PARTS

jobs_api = operations("api_jobs", __name__, str(_l("Jobs")))
Code = Annotated[str, Clean, Field(max_length=40)]


class JobQuery(Paged):
    """Which posts: words, a city or `remote`, a certificate, a kind of work, yuan a month at least."""

    q: Annotated[str, Clean, Field(max_length=100)] = ""
    city: Code = ""
    level: Code = ""
    kind: Code = ""
    pay: Annotated[str, Field(pattern=r"^[0-9]{0,8}$")] = ""


class JobEmployer(Answer):
    """Who recruits: the id is that of the member wall."""

    id: Uid
    name: str
    homepage: str | None


class JobPay(Answer):
    """The range of pay in hundredths of the currency, for a month or a year; months paid in a year."""

    currency: str
    low: int
    high: int
    per: str
    months: int


class JobLevel(Answer):
    """The certificate a post asks for: required or preferred."""

    code: str
    need: str


class JobAnswer(Answer):
    """A visible post; a language that is not there is empty. `ends` is the first instant without it."""

    id: Uid
    title: Words
    employer: JobEmployer
    city: str | None
    remote: str
    remote_from: list[str]
    kind: str
    places: int
    pay: JobPay
    skills: list[str]
    level: JobLevel | None
    link: str | None
    in_portal: bool
    url: str
    posted: datetime
    starts: date
    ends: datetime


class JobText(JobAnswer):
    """A visible post with its text, as Markdown."""

    text: Words
    duties: Words
    requirements: Words


class Jobs(Answer):
    """A part of the board, the newest first."""

    items: list[JobAnswer]
    next: str | None


def _closed() -> None:
    if modes.mode() in (Mode.OFF, Mode.NOTICES):
        raise Missing(_("The job board is closed at present."))


def told(post: Post) -> dict[str, Any]:
    """Return a visible post as programs read it."""
    version = post.shown
    assert version is not None
    assert post.ends_on is not None
    seen = showing.shown(post)
    return {
        "id": post.uid, "title": Words(zh=version.title_zh, en=version.title_en),
        "employer": JobEmployer(id=post.org.uid, name=post.org.name, homepage=post.org.homepage or None),
        "city": version.city or None, "remote": version.remote.value, "remote_from": list(version.remote_from),
        "kind": version.employment.value, "places": post.places,
        "pay": JobPay(
            currency=version.currency, low=version.pay_low, high=version.pay_high, per=version.pay_per.value,
            months=version.pay_months,
        ),
        "skills": list(version.skills),
        "level": JobLevel(code=version.level, need=version.need.value) if version.level else None,
        "link": version.link or None, "in_portal": seen.in_portal, "url": showing.address(post.uid),
        "posted": post.posted_at, "starts": post.starts_on, "ends": clock.start_of(post.ends_on),
    }  # fmt: skip


@jobs_api.get(
    "/jobs", operation_id="list_jobs", summary=str(_l("Posts on the job board")),
    responses=responses(*PUBLIC_PROBLEMS, ok=Jobs), security=[],
)  # fmt: skip
@anybody
def list_jobs(query: JobQuery) -> Response:
    """The newest first; what no list knows narrows nothing."""
    _closed()
    asked = searching.read(query.model_dump())
    rows = searching.narrowed(posts.visible(), asked).with_only_columns(Post.id)
    # Numbers first: what a row says is read of this page alone, not of all that had to be sorted.
    ids, onward = cursors.page(rows, [(Post.id, int)], limit=query.limit, cursor=query.cursor, newest=True)
    listed = posts.visible().where(Post.id.in_(ids)).options(contains_eager(Post.shown))
    found = db.session.scalars(listed.order_by(Post.id.desc()))
    return shared(Jobs(items=[JobAnswer(**told(one)) for one in found], next=onward))


@jobs_api.get(
    "/jobs/<uid>", operation_id="get_job", summary=str(_l("One post of the job board")),
    responses=responses(*PUBLIC_PROBLEMS, ok=JobText), security=[],
)  # fmt: skip
@anybody
def get_job(path: OneRow) -> Response:
    """A post that is over, paused or not yet out is not found."""
    _closed()
    rows = posts.visible().options(contains_eager(Post.shown)).where(Post.uid == path.uid)
    post = db.session.scalars(rows).first()
    if post is None or post.shown is None:
        raise Missing(NO_POST)
    texts = {
        part: Words(zh=getattr(post.shown, f"{part}_zh"), en=getattr(post.shown, f"{part}_en"))
        for part in PARTS
    }
    return shared(JobText(**told(post), **texts))
