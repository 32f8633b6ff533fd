"""Articles of the public knowledge base: versions in both languages, of which a published one never changes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life
from portal.services.support.models import SupportTicket


class ArticleState(StrEnum):
    """The life of an article."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


A = ArticleState
ARTICLE_LIFE = life(
    ArticleState,
    {A.DRAFT: [A.PUBLISHED, A.WITHDRAWN], A.PUBLISHED: [A.WITHDRAWN], A.WITHDRAWN: [A.PUBLISHED]},
)
labels.name(
    ArticleState,
    {A.DRAFT: _l("Not public yet"), A.PUBLISHED: _l("Public"), A.WITHDRAWN: _l("Taken off the site")},
    {A.DRAFT: "wait", A.PUBLISHED: "good", A.WITHDRAWN: "mute"},
)


class Article(Model):
    """A question that many have, with its answer; perhaps out of a ticket, whose names never come along."""

    __tablename__ = "knowledge_article"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("support_ticket.id"), init=False, index=True)
    ticket: Mapped[SupportTicket | None] = relationship(default=None)
    state: Mapped[ArticleState] = mapped_column(choice(ArticleState), init=False, default=A.DRAFT, index=True)
    search_text: Mapped[str] = mapped_column(Text, init=False, default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    versions: Mapped[list[ArticleVersion]] = relationship(
        back_populates="article", order_by="ArticleVersion.n", init=False, default_factory=list
    )
    __mapper_args__ = {"version_id_col": edition}

    @property
    def shown(self) -> ArticleVersion | None:
        """Return the version that strangers read, or would read."""
        return next((one for one in reversed(self.versions) if one.published_at is not None), None)

    @property
    def latest(self) -> ArticleVersion:
        """Return the version that was written last."""
        return self.versions[-1]


class ArticleVersion(Model):
    """Version `n` of an article. It may be written on until somebody else publishes it."""

    __tablename__ = "knowledge_version"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    article_id: Mapped[int] = mapped_column(ForeignKey("knowledge_article.id"), init=False)
    article: Mapped[Article] = relationship(back_populates="versions")
    n: Mapped[int]
    title_en: Mapped[str] = mapped_column(String(200))
    title_zh: Mapped[str] = mapped_column(String(200))
    body_en: Mapped[str] = mapped_column(Text)
    body_zh: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    written_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(
        foreign_keys=[second_id], lazy="joined", init=False, default=None
    )
    published_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (UniqueConstraint("article_id", "n"),)

    def title(self, language: str) -> str:
        """Return the title in a reader's language."""
        return self.title_zh if language.startswith("zh") else self.title_en

    def body(self, language: str) -> str:
        """Return the answer in a reader's language."""
        return self.body_zh if language.startswith("zh") else self.body_en
