"""Refused claims, counted per hour in a table of their own and a transaction of their own."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.dialects import postgresql, sqlite

from portal.core.db import db, transaction
from portal.services.licences.models.record import LicenceRefusal


def count(licence_id: int, code: StrEnum, now: datetime) -> None:
    """Add one to the refusals of this hour."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with transaction():
        build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        made = build(LicenceRefusal).values(licence_id=licence_id, hour=hour, code=code.value, count=1)
        more = {"count": LicenceRefusal.count + 1}
        db.session.execute(
            made.on_conflict_do_update(index_elements=["licence_id", "hour", "code"], set_=more)
        )
