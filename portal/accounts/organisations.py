"""Organisations, their names, and the people who act for them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.may import ContactRole
from portal.accounts.people import Person, new_uid
from portal.core import clock, i18n
from portal.core.db import Model, choice


def called(legal: str, legal_en: str, zh: str, en: str) -> str:
    """Return which of an organisation's names this reader sees: his language's display name, the other one, the legal one."""
    if i18n.language().startswith("zh"):
        return zh or en or legal
    return en or legal_en or zh or legal


class Organisation(Model):
    """A company, university or other body; or, with `person`, the holder that one individual is, and only he.

    `legal_key` is unique where known; unclaimed ones come from an import. With `merged_into` it is only a signpost.
    """

    __tablename__ = "organisation"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    legal_name: Mapped[str] = mapped_column(String(200), index=True)
    legal_name_en: Mapped[str] = mapped_column(String(200), default="")
    display_name_zh: Mapped[str] = mapped_column(String(120), default="")
    display_name_en: Mapped[str] = mapped_column(String(120), default="")
    country: Mapped[str] = mapped_column(String(2), default="CN")
    legal_key: Mapped[str | None] = mapped_column(String(120), unique=True, default=None)
    registration_verdict: Mapped[str] = mapped_column(String(20), default="")
    category: Mapped[str] = mapped_column(String(40), default="", index=True)
    homepage: Mapped[str] = mapped_column(String(300), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    about: Mapped[str] = mapped_column(Text, default="")
    search_text: Mapped[str] = mapped_column(Text, default="")
    sort_zh: Mapped[str] = mapped_column(String(250), default="", index=True)
    sort_en: Mapped[str] = mapped_column(String(250), default="", index=True)
    listing_consent: Mapped[bool] = mapped_column(default=False)
    unclaimed: Mapped[bool] = mapped_column(default=False)
    source_key: Mapped[str | None] = mapped_column(String(200), unique=True, default=None)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    person: Mapped[Person | None] = relationship(default=None)
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("organisation.id"), init=False, default=None, index=True
    )
    merged_into: Mapped[Organisation | None] = relationship(remote_side=[id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (Index("uq_organisation_person", "person_id", unique=True),)

    @property
    def name(self) -> str:
        """Return the name for this reader: his language's display name, the other one, the legal one."""
        return called(self.legal_name, self.legal_name_en, self.display_name_zh, self.display_name_en)


class FormerName(Model):
    """A name the organisation had; searched and matched."""

    __tablename__ = "former_name"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship()
    name: Mapped[str] = mapped_column(String(200))
    until: Mapped[date]


class Ownership(Model):
    """One organisation owns a share of another, in hundredths of a percent of the votes, for `[start, end)`."""

    __tablename__ = "ownership"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    owner_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    owner: Mapped[Organisation] = relationship(foreign_keys=[owner_id])
    owned_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    owned: Mapped[Organisation] = relationship(foreign_keys=[owned_id])
    share_bp: Mapped[int]
    evidence: Mapped[str] = mapped_column(String(300))
    start: Mapped[date]
    end: Mapped[date | None] = mapped_column(default=None)


class Contact(Model):
    """A person in a role for an organisation, for `[start, end)`."""

    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[ContactRole] = mapped_column(choice(ContactRole))
    start: Mapped[date]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        Index(
            "uq_contact_live",
            "org_id",
            "person_id",
            "role",
            unique=True,
            sqlite_where=literal_column("ended_at IS NULL"),
            postgresql_where=literal_column("ended_at IS NULL"),
        ),
    )


class Invitation(Model):
    """An invitation to a role, by mail; one open per address and role of an organisation."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[ContactRole] = mapped_column(choice(ContactRole))
    email: Mapped[str] = mapped_column(String(254), index=True)
    language: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(120))
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), init=False, default=None)
    replaces: Mapped[Contact | None] = relationship(default=None)
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        Index(
            "uq_invitation_open",
            "org_id",
            "email",
            "role",
            unique=True,
            sqlite_where=literal_column("accepted_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=literal_column("accepted_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )
