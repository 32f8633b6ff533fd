"""What everybody may read: the knowledge base with its search, and what fits a question that is being typed."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from portal.core.errors import Missing
from portal.core.paging import asked, page_of
from portal.core.web import public
from portal.services.support import knowledge as base
from portal.services.support.knowledge_models import ArticleState

knowledge = Blueprint("knowledge", __name__, url_prefix="/knowledge")


def _language() -> str:
    return str(get_locale())


@knowledge.get("/")
@public
def listed() -> str:
    """Show the public articles, or those with every word of a search; as a part of a page those that fit a question (`fits`)."""
    if question := asked("fits", most=300):
        return render_template("support/_fitting.html", found=base.like(question), language=_language())
    page = page_of(base.public(asked("q")))
    return render_template("public/knowledge.html", page=page, language=_language())


@knowledge.get("/<uid>")
@public
def article(uid: str) -> str:
    """Show one article; what is not public looks missing."""
    row = base.found(uid)
    shown = row.shown
    if row.state is not ArticleState.PUBLISHED or shown is None:
        raise Missing(_l("There is no such article."))
    g.nav = "knowledge.listed"
    others = [one for one in base.like(shown.title(_language()), 6) if one.id != row.id][:5]
    return render_template("public/article.html", row=row, shown=shown, language=_language(), others=others)
