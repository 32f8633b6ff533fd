"""Facts about this installation that lie in the database, such as: this is a demo."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app, g, has_request_context
from sqlalchemy import String, exists, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Model, db
from portal.core.settings import settings

DEMO = "demo"


class Flag(Model):
    """A fact that stands once its row is there."""

    __tablename__ = "flag"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    set_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


def stands(name: str) -> Any:
    """Return the column that says whether a flag stands, for a statement that asks more."""
    return exists().where(Flag.name == name).label("stands")


def raised(name: str) -> bool:
    """Whether a flag stands."""
    return db.session.scalar(select(Flag.name).where(Flag.name == name)) is not None


def demo() -> bool:
    """Whether this is a demo foundation; never so in production. Once raised the flag stays."""
    if settings().production:
        return False
    if not current_app.extensions.get("demo"):
        if has_request_context() and "demo" in g:
            return bool(g.demo)
        current_app.extensions["demo"] = raised(DEMO)
        if has_request_context():
            g.demo = current_app.extensions["demo"]
    return bool(current_app.extensions["demo"])


def open_mailbox() -> bool:
    """Whether every mail can be read in the portal: in the demo and in development, never in production."""
    return not settings().production
