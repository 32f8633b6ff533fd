"""Articles as staff write them: the list, an editor, publishing by a second person, taking one off the site."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, labels
from portal.core.db import db
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go
from portal.services.support import access
from portal.services.support import forms as f
from portal.services.support import knowledge as base
from portal.services.support.doors import support_office
from portal.services.support.knowledge_models import Article, ArticleState, ArticleVersion
from portal.services.support.models import SupportTicket

PAGE = "support_office.article"


@support_office.get("/articles")
@allow(May.READ_TICKETS)
def articles() -> str:
    """Show every article, those with an unpublished version first."""
    g.nav, state, q = "support_office.queue", asked("state", most=20), folded(asked("q"))
    rows = select(Article).order_by(Article.id.desc())
    if state in set(ArticleState):
        rows = rows.where(Article.state == ArticleState(state))
    if q:
        last = select(ArticleVersion.article_id).where(
            ArticleVersion.title_en.icontains(q, autoescape=True)
            | ArticleVersion.title_zh.icontains(q, autoescape=True)
        )
        rows = rows.where(Article.id.in_(last))
    return render_template(
        "office/support/articles.html", page=page_of(rows), language=str(get_locale()),
        filters=[chip("state", one.value, labels.label(one), state) for one in ArticleState],
    )  # fmt: skip


def _source() -> SupportTicket | None:
    uid = asked("ticket", most=40)
    return access.any_ticket(uid) if uid else None


def _page(
    form: f.ArticleForm, row: Article | None, ticket: SupportTicket | None, status: int = 200, **more: Any
) -> Any:
    g.nav = "support_office.queue"
    withdraw = more.get("withdraw") or f.Withdraw(formdata=None)
    return render_template(
        "office/support/article.html", row=row, ticket=ticket, language=str(get_locale()),
        history=list(db.session.scalars(audit.of_subject(row.subject))) if row else [], mine=me().person.id,
        **f.apart(form=form, withdraw=withdraw),
    ), status  # fmt: skip


@support_office.get("/articles/new")
@allow(May.ANSWER_TICKETS)
def new_article() -> Any:
    """Begin an article, out of a ticket or of nothing."""
    ticket = _source()
    texts = base.proposed(ticket) if ticket else {}
    return _page(f.ArticleForm(formdata=None, **texts), None, ticket)


@support_office.post("/articles/new")
@allow(May.ANSWER_TICKETS)
def write_article() -> Any:
    """Keep a new article."""
    ticket, form, made = _source(), f.ArticleForm(), []
    status = form.carry_out(
        lambda: made.append(base.write(None, form.texts(), by=me().person, ticket=ticket))
    )
    if status:
        return _page(form, None, ticket, status)
    return go(PAGE, _("Kept. Somebody else can publish it now."), uid=made[0].uid)


@support_office.get("/articles/<uid>")
@allow(May.READ_TICKETS)
def article(uid: str) -> Any:
    """Show an article with its versions, to read and to go on with."""
    row = base.found(uid)
    return _page(f.ArticleForm(formdata=None, obj=row.latest), row, row.ticket)


@support_office.post("/articles/<uid>")
@allow(May.ANSWER_TICKETS)
def go_on(uid: str) -> Any:
    """Keep what was changed: in the version that is not public, or in a new one."""
    row, form = base.found(uid), f.ArticleForm()
    status = form.carry_out(lambda: base.write(row, form.texts(), by=me().person))
    if status:
        return _page(form, base.found(uid), row.ticket, status)
    return go(PAGE, _("Kept. Somebody else can publish it now."), uid=uid)


@support_office.post("/articles/<uid>/publication")
@allow(May.ANSWER_TICKETS)
def publish_article(uid: str) -> Any:
    """Show the last version to everybody."""
    row, form = base.found(uid), f.Click()
    status = form.carry_out(lambda: base.publish(row, by=me().person))
    if status:
        shown = f.ArticleForm(formdata=None, obj=base.found(uid).latest)
        shown.form_errors = [*form.form_errors, *(str(one) for field in form for one in field.errors)]
        return _page(shown, base.found(uid), row.ticket, status)
    return go(PAGE, _("Everybody can read it now."), uid=uid)


@support_office.post("/articles/<uid>/withdrawal")
@allow(May.ANSWER_TICKETS)
def withdraw_article(uid: str) -> Any:
    """Take an article off the site."""
    row, form = base.found(uid), f.Withdraw()
    status = form.carry_out(lambda: base.withdraw(row, by=me().person, reason=str(form.reason.data)))
    if status:
        shown = f.ArticleForm(formdata=None, obj=base.found(uid).latest)
        return _page(shown, base.found(uid), row.ticket, status, withdraw=form)
    return go(PAGE, _("Taken off the site."), uid=uid)
