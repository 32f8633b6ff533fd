"""What a post says in the reader's language: a missing text shows the other one, with the language it is in."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from portal.core import catalogue, i18n
from portal.core.db import db
from portal.jobs.models import Post, PostVersion
from portal.jobs.said import languages

HTML = {"zh": "zh-CN", "en": "en"}
LOCALES = {"zh": "zh_Hans_CN", "en": "en"}


def tongue() -> str:
    """Return which of a post's two languages this reader reads."""
    return "zh" if i18n.language().startswith("zh") else "en"


def tongue_of(version: PostVersion, wanted: str = "") -> str:
    """Return the language in which a version is shown to this reader: the wanted one, else the one that is there."""
    there, own = languages(version), wanted or tongue()
    return own if own in there or not there else there[0]


def title(version: PostVersion) -> str:
    """Return the title of a version for this reader."""
    own = tongue_of(version)
    return (
        getattr(version, f"title_{own}")
        or version.title_zh
        or version.title_en
        or _("A post without a title")
    )


def title_of(post: Post) -> str:
    """Return the title of a post for this reader: as shown, or as written last."""
    if post.shown is not None:
        return title(post.shown)
    rows = select(PostVersion).where(PostVersion.post_id == post.id).order_by(PostVersion.n.desc())
    return title(db.session.scalars(rows.limit(1)).one())


def city(code: str) -> str:
    """Return what a city is called for this reader."""
    row = catalogue.entries("job_city").get(code)
    return catalogue.in_words(row["name"]) if row else code


def country(code: str) -> str:
    """Return what a country is called for this reader."""
    row = catalogue.entries("country").get(code)
    return catalogue.in_words(row["name"]) if row else code


def level(code: str) -> str:
    """Return what a certificate is called for this reader."""
    row = catalogue.entries("level").get(code)
    return catalogue.in_words(row["name"]) if row else code
