"""The private address at which a person's calendar reads: its token is kept as a hash, and shown once."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model

_LIVE = "ended_at IS NULL"


class CalendarAddress(Model):
    """An address of a person, one alive at a time; `read_on` is the last day on which a calendar asked."""

    __tablename__ = "calendar_address"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    read_on: Mapped[date | None] = mapped_column(init=False, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_calendar_address_live", "person_id", unique=True, sqlite_where=literal_column(_LIVE),
            postgresql_where=literal_column(_LIVE),
        ),
    )  # fmt: skip
