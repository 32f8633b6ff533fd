"""Candidates: what they say of themselves, whom they shut out, who looked at them, and searches of the pool."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.accounts.privacy_models import Consent
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.jobs.stages import Field, Purpose


class Profile(Model):
    """What a person who looks for work says of himself; hidden until a consent shows some of it to somebody.

    `city`, `kinds` and `languages` are codes. `used_at` moves whenever its owner does something with it: unused for long it is erased.
    """

    __tablename__ = "job_profile"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, unique=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    city: Mapped[str] = mapped_column(String(40), default="")
    skills: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    kinds: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    languages: Mapped[list[str]] = mapped_column(JSON, default_factory=list)
    reach: Mapped[str] = mapped_column(String(200), default="")
    resume_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False)
    resume: Mapped[StoredFile | None] = relationship(default=None)
    used_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now, index=True)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (Index("ix_job_profile_city", "city", "uid"),)


class ProfileTerm(Model):
    """A word under which a profile is found in the pool: Latin words, and pairs of Chinese characters, of its skills."""

    __tablename__ = "job_profile_term"
    term: Mapped[str] = mapped_column(String(40), primary_key=True)
    profile_id: Mapped[int] = mapped_column(ForeignKey("job_profile.id"), primary_key=True, index=True)


class ShutOut(Model):
    """That a person wants not to be found, asked or referred by an employer."""

    __tablename__ = "job_shut_out"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    person: Mapped[Person] = relationship()
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("person_id", "org_id"),)


class Look(Model):
    """That somebody of an employer saw some fields of a candidate, by which consent; looks within an hour are one row.

    `about` names the page: an application, a request for contact, a search of the pool. Written before the page is.
    """

    __tablename__ = "job_look"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    consent_id: Mapped[int] = mapped_column(ForeignKey("consent.id"), init=False)
    consent: Mapped[Consent] = relationship()
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    about: Mapped[str] = mapped_column(String(80))
    fields: Mapped[str] = mapped_column(String(200))
    hour: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        UniqueConstraint("person_id", "by_id", "org_id", "about", "fields", "consent_id", "hour"),
        Index("ix_job_look_about", "about"),
    )

    @property
    def seen(self) -> list[Field]:
        """Return what was seen."""
        return [Field(one) for one in self.fields.split(",") if one]


class PoolSearch(Model):
    """One search of the talent pool: it counts for its organisation and day, and shows what it finds on that day."""

    __tablename__ = "job_pool_search"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    day: Mapped[date]
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (Index("ix_job_pool_search_org_id", "org_id", "day"),)
