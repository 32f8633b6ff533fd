"""What people allowed us to do with their data, each word kept; and requests to be erased."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life


class Channel(StrEnum):
    """Where a consent was given or taken back."""

    ACCOUNT = "account"
    PROFILE = "profile"
    APPLICATION = "application"
    API = "api"
    ERASURE = "erasure"


labels.name(
    Channel,
    {
        Channel.ACCOUNT: _l("account page"),
        Channel.PROFILE: _l("page of the membership"),
        Channel.APPLICATION: _l("application form"),
        Channel.API: _l("by a program"),
        Channel.ERASURE: _l("erasure"),
    },
)


class Consent(Model):
    """One word about one purpose, given or taken back; the last word counts. Frozen by triggers.

    `org` names the organisation where the word is hers (her listing); `text_version` is the version of the
    catalogue's row whose words were read, in `language`. `about` is the one post, company or certificate that a
    word is about (`organisation:7`), empty where the purpose alone says it.
    """

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship()
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation | None] = relationship()
    purpose: Mapped[str] = mapped_column(String(40))
    receiver: Mapped[str] = mapped_column(String(200))
    fields: Mapped[list[str]] = mapped_column(JSON)
    until: Mapped[date | None]
    text_version: Mapped[int]
    language: Mapped[str] = mapped_column(String(16))
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    withdrawn: Mapped[bool]
    about: Mapped[str] = mapped_column(String(80), default="")
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (
        Index("ix_consent_purpose", "purpose", "person_id"),
        Index("ix_consent_about", "about", "purpose", "person_id"),
    )


class ErasureState(StrEnum):
    """The life of a request to be erased."""

    ASKED = "asked"
    PROPOSED = "proposed"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


E = ErasureState
ERASURE_LIFE = life(
    ErasureState,
    {
        E.ASKED: [E.PROPOSED, E.DECLINED, E.WITHDRAWN],
        E.PROPOSED: [E.PROPOSED, E.DONE, E.DECLINED, E.WITHDRAWN],
    },
)
labels.name(
    ErasureState,
    {
        E.ASKED: _l("Asked for"),
        E.PROPOSED: _l("Waits for a second person"),
        E.DONE: _l("Erased"),
        E.DECLINED: _l("Erasure declined"),
        E.WITHDRAWN: _l("Request taken back"),
    },
    {E.ASKED: "wait", E.PROPOSED: "warn", E.DONE: "good", E.DECLINED: "bad"},
)


class Erasure(Model):
    """A request to erase a person: asked for by the person or by staff, proposed with its dry run, done by a second one.

    `plan` is the dry run as it was shown: lines of item, fate, count and reason, in codes that have words.
    """

    __tablename__ = "erasure"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    due_on: Mapped[date]
    state: Mapped[ErasureState] = mapped_column(choice(ErasureState), default=ErasureState.ASKED, index=True)
    plan: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default_factory=list)
    token: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    proposed_at: Mapped[datetime | None] = mapped_column(default=None)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    proposed_by: Mapped[Person | None] = relationship(foreign_keys=[proposed_by_id], default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    closed_by: Mapped[Person | None] = relationship(foreign_keys=[closed_by_id], default=None)
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        CheckConstraint(
            "state <> 'done' OR (proposed_by_id IS NOT NULL AND closed_by_id IS NOT NULL "
            "AND proposed_by_id <> closed_by_id)",
            name="two_eyes",
        ),
        Index(
            "uq_erasure_open",
            "person_id",
            unique=True,
            sqlite_where=literal_column("state IN ('asked', 'proposed')"),
            postgresql_where=literal_column("state IN ('asked', 'proposed')"),
        ),
    )
