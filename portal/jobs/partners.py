"""Partners who read the feeds, each with a key of its own, so that one can be cut off without the others."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core import audit, clock, vault
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.jobs.board_models import FeedKey


def keys() -> list[FeedKey]:
    """Return all keys, the live ones first."""
    rows = select(FeedKey).order_by(FeedKey.ended_at.is_not(None), FeedKey.partner, FeedKey.id)
    return list(db.session.scalars(rows))


def give(partner: str, *, by: Person) -> str:
    """Make a key for a partner and return it; only its hash is kept."""
    name = " ".join(partner.split())
    live = select(FeedKey.id).where(FeedKey.partner == name, FeedKey.ended_at.is_(None))
    if db.session.scalar(live.limit(1)) is not None:
        raise Refused(_l("This partner has a key already. End it first."), field="partner", status=422)
    key = vault.token()
    row = FeedKey(partner=name, key_hash=vault.digest(key), by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("feed_key.made", row, by=by, partner=name)
    return key


def end(uid: str, *, by: Person) -> None:
    """End a key: its feed is refused from now on."""
    row = db.session.scalars(select(FeedKey).where(FeedKey.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such key."))
    if row.ended_at is None:
        row.ended_at = clock.now()
        audit.record("feed_key.ended", row, by=by, partner=row.partner)
