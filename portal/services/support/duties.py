"""What waits for agents and leads of support: tickets nobody has taken, those in their hands, customers not content."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select

from portal.accounts.may import May
from portal.core import labels, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.core.words import moment
from portal.services.support import satisfying, showing
from portal.services.support.knowledge_models import Article, ArticleState, ArticleVersion
from portal.services.support.models import SupportTicket, TicketState

MOST = 50


def _href(row: SupportTicket) -> str:
    return url_for("support_office.ticket", uid=row.uid)


def _tickets(reader: Any) -> list[Task]:
    """Return what an agent may take or has in hand and has to go on with, next due first."""
    mine = (SupportTicket.agent_id == reader.person.id) & (SupportTicket.state == TicketState.OPEN)
    rows = showing.queue(select(SupportTicket).where(or_(SupportTicket.state == TicketState.NEW, mine)))
    return [
        waiting.task(
            _("%(severity)s: %(title)s", severity=labels.label(one.ticket.severity), title=one.ticket.title),
            _("Take it") if one.ticket.state is TicketState.NEW else _("Go on"),
            _href(one.ticket), since=one.ticket.received_at, overdue=one.late,
            detail=_("%(what)s by %(when)s", what=labels.label(one.kind), when=moment(one.due))
            if one.kind is not None and one.due is not None
            else "",
        )
        for one in rows[:MOST]
    ]  # fmt: skip


def _ratings() -> list[Task]:
    """Return the customers who were not content and whom no lead has looked after."""
    return [
        waiting.task(
            _("Not content: %(title)s", title=one.ticket.title), _("Look after it"), _href(one.ticket),
            since=one.answered_at, detail=_("%(score)s of 5", score=one.score),
        )
        for one in db.session.scalars(satisfying.to_heed().limit(MOST))
    ]  # fmt: skip


def _articles(reader: Any) -> list[Task]:
    """Return the versions of articles that somebody else wrote and that nobody has published."""
    rows = (
        select(ArticleVersion)
        .join(Article)
        .where(
            ArticleVersion.published_at.is_(None), ArticleVersion.by_id != reader.person.id,
            Article.state != ArticleState.WITHDRAWN,
        )
        .order_by(ArticleVersion.id)
        .limit(MOST)
    )  # fmt: skip
    language = str(get_locale())
    return [
        waiting.task(
            _("Article: %(title)s", title=one.title(language) or one.title_en or one.title_zh), _("Read and publish"),
            url_for("support_office.article", uid=one.article.uid), since=one.written_at,
        )
        for one in db.session.scalars(rows)
    ]  # fmt: skip


def tasks(reader: Any) -> list[Task]:
    """Return what support asks of a reader."""
    answers = reader.staff_may(May.ANSWER_TICKETS)
    found = _tickets(reader) + _articles(reader) if answers else []
    return found + (_ratings() if reader.staff_may(May.LEAD_SUPPORT) else [])
