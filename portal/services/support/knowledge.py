"""The public knowledge base: an answer becomes an article without names, a second person publishes it, people find it."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, case, literal, select, update

from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.paging import folded
from portal.core.states import move
from portal.services.support import blacking
from portal.services.support.asking import words_of
from portal.services.support.knowledge_models import Article, ArticleState, ArticleVersion
from portal.services.support.models import LIVE, Side, SupportTicket, TicketMessage

MOST_WORDS, MOST_HITS = 12, 5
LATIN = re.compile(r"[a-z0-9_.+#-]{3,}")
HAN = re.compile(r"[\u3400-\u9fff]{2,}")
FIELDS = ("title_en", "title_zh", "body_en", "body_zh")
Texts = dict[str, str]


def found(uid: str) -> Article:
    """Return an article; raises `Missing`."""
    row = db.session.scalars(select(Article).where(Article.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such article."))
    return row


def _locked(article: Article) -> Article:
    """Take the article for this transaction, and read it anew."""
    db.session.execute(update(Article).where(Article.id == article.id).values(edition=Article.edition + 1))
    db.session.refresh(article)
    db.session.expire(article, ["versions"])
    return article


def names_in(ticket: SupportTicket | None) -> list[str]:
    """Return every name by which the people and the organisation of a ticket could be known."""
    if ticket is None:
        return []
    rows = select(TicketMessage).where(TicketMessage.ticket_id == ticket.id).order_by(TicketMessage.id)
    people = {ticket.asker, *(one.by for one in db.session.scalars(rows) if one.by is not None)}
    known = [name for one in people for name in (one.name, one.email, one.email.partition("@")[0])]
    if (org := ticket.org) is not None:
        known += [org.legal_name, org.legal_name_en, org.display_name_zh, org.display_name_en]
    return [one for one in known if one]


def proposed(ticket: SupportTicket) -> Texts:
    """Return what an article out of a ticket begins with: its title and last public answer, names taken out."""
    said = db.session.scalars(
        select(TicketMessage)
        .where(TicketMessage.ticket_id == ticket.id, TicketMessage.public, TicketMessage.side == Side.STAFF)
        .order_by(TicketMessage.id.desc())
    ).first()
    names = names_in(ticket)
    title, body = blacking.masked(ticket.title, names), blacking.masked(said.body if said else "", names)
    tongue = "zh" if HAN.search(title + body) else "en"
    return dict.fromkeys(FIELDS, "") | {f"title_{tongue}": title, f"body_{tongue}": body}


def _clear_of_names(ticket: SupportTicket | None, texts: Texts) -> None:
    names = names_in(ticket)
    for name in FIELDS:
        left = blacking.traces(texts[name], names)
        if left:
            what = _(", ").join(left[:5])
            raise Refused(_l("This still tells of somebody: %(what)s", what=what), field=name, status=422)


def write(
    article: Article | None, texts: Texts, *, by: Person, ticket: SupportTicket | None = None
) -> Article:
    """Begin an article or its next version, or go on with the one that is not public; refused while it names anybody."""
    if article is None:
        if ticket is not None and ticket.state in LIVE:
            raise Refused(_l("This ticket is still in work: an article comes out of an answer that helped."))
        _clear_of_names(ticket, texts)
        row = Article(ticket=ticket)
        db.session.add(row)
    else:
        row = _locked(article)
        _clear_of_names(row.ticket, texts)
    if row.versions and row.latest.published_at is None:
        version = row.latest
        for name in FIELDS:
            setattr(version, name, texts[name])
        version.by, version.written_at = by, clock.now()
    else:
        number = len(row.versions) + 1
        db.session.add(ArticleVersion(article=row, n=number, by=by, **texts))
    db.session.flush()
    audit.record("article.written", row, by=by, version=row.latest.n)
    return row


def publish(article: Article, *, by: Person) -> None:
    """Show the last version to everybody: in both languages, and by another person than who wrote it."""
    row = _locked(article)
    version = row.latest
    if version.published_at is not None and row.state is ArticleState.PUBLISHED:
        raise Refused(_l("This version is public already."))
    if version.by_id == by.id and version.published_at is None:
        raise Refused(_l("Somebody else publishes what you wrote."))
    if not all(getattr(version, name).strip() for name in FIELDS):
        raise Refused(_l("It needs a title and an answer in both languages first."))
    _clear_of_names(row.ticket, {name: getattr(version, name) for name in FIELDS})
    if row.state is not ArticleState.PUBLISHED:
        move(row, ArticleState.PUBLISHED)
    if version.published_at is None:
        version.second, version.published_at = by, clock.now()
    row.search_text = folded("\n".join(getattr(version, name) for name in FIELDS))
    audit.record("article.published", row, by=by, version=version.n)


def withdraw(article: Article, *, by: Person, reason: str) -> None:
    """Take an article off the site."""
    said, row = words_of(reason, field="reason"), _locked(article)
    move(row, ArticleState.WITHDRAWN)
    audit.record("article.withdrawn", row, by=by, reason=said)


def terms_of(text: str) -> list[str]:
    """Return what of a question is looked for: Latin words, and pairs of Chinese characters, each once."""
    plain = folded(text)
    pairs = [run[at : at + 2] for run in HAN.findall(plain) for at in range(len(run) - 1)]
    return list(dict.fromkeys([*LATIN.findall(plain), *pairs]))[:MOST_WORDS]


def public(q: str = "") -> Select[Article]:
    """Select public articles with every word of a search, the newest first."""
    rows = select(Article).where(Article.state == ArticleState.PUBLISHED)
    for word in folded(q).split()[:MOST_WORDS]:
        rows = rows.where(Article.search_text.contains(word, autoescape=True))
    return rows.order_by(Article.id.desc())


def like(question: str, most: int = MOST_HITS) -> list[Article]:
    """Return public articles that share the most words with a question: at least two of them, or its only one."""
    words = terms_of(question)
    if not words:
        return []
    score: ColumnElement[int] = literal(0)
    for word in words:
        score = score + case((Article.search_text.contains(word, autoescape=True), 1), else_=0)
    rows = select(Article).where(Article.state == ArticleState.PUBLISHED, score >= min(2, len(words)))
    return list(db.session.scalars(rows.order_by(score.desc(), Article.id.desc()).limit(most)))
