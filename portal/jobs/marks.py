"""The marks of a version in words: what a moderator's eye is drawn to, and which words stand there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _

from portal.core import catalogue
from portal.jobs import screening


class Said(NamedTuple):
    """A mark in words; `blocks` keeps a post from being sent, `href` opens the other post."""

    title: str
    words: str
    blocks: bool
    href: str = ""


def marks_in_words(marks: Iterable[Mapping[str, Any]]) -> list[Said]:
    """Return marks as a page shows them."""
    return [_said(one) for one in marks]


def _said(mark: Mapping[str, Any]) -> Said:
    kind, tongue = str(mark["kind"]), str(mark.get("language", ""))
    words = " · ".join(str(one) for one in mark.get("words", ()))
    lists = catalogue.entries("job_mark")
    if kind in lists:
        name = catalogue.in_words(lists[kind]["name"])
        where = {"zh": _("Chinese text"), "en": _("English text")}.get(tongue, "")
        return Said(
            _("%(name)s (%(where)s)", name=name, where=where) if where else name,
            words,
            bool(lists[kind].get("blocks")),
        )
    if kind == screening.ALIKE:
        return Said(_("Nearly the same text as another post"), "", False, url_for("jobs.post", uid=words))
    titles = {
        screening.CONTACT: _("Contact data of persons"),
        screening.PAY: _("The range of pay is very wide"),
        screening.DOMAIN: _("The link leads to a domain that is not confirmed"),
        screening.RETURNED: _("Sent back twice or more before"),
        screening.SAME: _("The same text as the one approved last"),
    }
    return Said(titles.get(kind, kind), words, False)
