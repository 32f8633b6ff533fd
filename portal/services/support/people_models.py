"""People of support: who may ask for an organisation, and who has duty."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock
from portal.core.db import Model


class SupportPerson(Model):
    """Somebody who may ask at an organisation's level, from a day until taken off the list."""

    __tablename__ = "support_person"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_support_person_live", "org_id", "person_id", unique=True,
            sqlite_where=literal_column("ended_at IS NULL"), postgresql_where=literal_column("ended_at IS NULL"),
        ),
    )  # fmt: skip


class SupportPhone(Model):
    """Under which number somebody of support is called when he has duty."""

    __tablename__ = "support_phone"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, unique=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    telephone: Mapped[str] = mapped_column(String(40))


class DutyDay(Model):
    """Who has duty on a day, and one stand-in."""

    __tablename__ = "support_duty"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    day: Mapped[date] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    stand_in_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    stand_in: Mapped[Person | None] = relationship(foreign_keys=[stand_in_id], lazy="joined", default=None)
    __table_args__ = (CheckConstraint("stand_in_id IS NULL OR stand_in_id <> person_id", name="two"),)
