"""What is on record of a licence: signed files, numbered events, refused claims, what two of staff do together."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    literal_column,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from portal.accounts.people import Person
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life
from portal.services.licences.models.ids import naming
from portal.services.licences.models.licence import Frozen, Licence
from portal.services.licences.models.node import Node


class LicenceFile(Model):
    """A signed file by which nodes run without a network; it cannot be recalled, only returned or listed as revoked."""

    __tablename__ = "licence_file"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship()
    jti: Mapped[str] = mapped_column(String(32), unique=True)
    kid: Mapped[str] = mapped_column(String(40), index=True)
    fingerprints: Mapped[list[str]] = mapped_column(JSON)
    token: Mapped[str] = mapped_column(Text)
    by_name: Mapped[str] = mapped_column(String(120))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    returned_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    returned_why: Mapped[str] = mapped_column(String(300), init=False, default="")
    revoked_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (CheckConstraint("expires_at > issued_at", name="lasts"),)


class KeySet(Model):
    """The public set of keys as the key before the present one signed it last."""

    __tablename__ = "licence_key_set"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kid: Mapped[str] = mapped_column(String(40), unique=True)
    token: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class LicenceEvent(Model):
    """One change of a licence, numbered under its lock. Append-only."""

    __tablename__ = "licence_event"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("le"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False)
    licence: Mapped[Licence] = relationship()
    sequence: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40), index=True)
    at: Mapped[datetime]
    by_name: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    node_id: Mapped[int | None] = mapped_column(ForeignKey("licence_node.id"), init=False, index=True)
    node: Mapped[Node | None] = relationship(default=None)
    once: Mapped[str | None] = mapped_column(String(80), default=None)
    __table_args__ = (
        UniqueConstraint("licence_id", "sequence"),
        UniqueConstraint("licence_id", "once"),
    )


class LicenceRefusal(Model):
    """How many claims of a licence were refused in an hour, by code: counted beside the claims."""

    __tablename__ = "licence_refusal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"))
    hour: Mapped[datetime]
    code: Mapped[str] = mapped_column(String(40))
    count: Mapped[int]
    __table_args__ = (UniqueConstraint("licence_id", "hour", "code"),)


class Verb(StrEnum):
    """What takes two of staff."""

    GRANT = "grant"
    TRIAL = "trial"
    REVOKE = "revoke"
    LONG_FILE = "long_file"


labels.name(
    Verb,
    {
        Verb.GRANT: _l("Grant a licence"), Verb.TRIAL: _l("Give a trial beyond the rule"), Verb.REVOKE: _l("Revoke the licence"),
        Verb.LONG_FILE: _l("Sign a file for longer than usual"),
    },
)  # fmt: skip


class ProposedState(StrEnum):
    """The life of what one of staff proposed and another decides."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


P = ProposedState
PROPOSED_LIFE = life(ProposedState, {P.PROPOSED: [P.CONFIRMED, P.DECLINED]})
labels.name(
    ProposedState,
    {
        P.PROPOSED: _l("Waits for a second person"),
        P.CONFIRMED: _l("Confirmed"),
        P.DECLINED: _l("Declined"),
    },
    {P.PROPOSED: "wait", P.CONFIRMED: "good"},
)


class LicenceProposal(Model):
    """A step that one of staff proposes and another decides."""

    __tablename__ = "licence_proposal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("lp"))
    licence_id: Mapped[int] = mapped_column(ForeignKey("licence.id"), init=False, index=True)
    licence: Mapped[Licence] = relationship()
    verb: Mapped[Verb] = mapped_column(choice(Verb))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], innerjoin=True)
    state: Mapped[ProposedState] = mapped_column(
        choice(ProposedState), init=False, default=P.PROPOSED, index=True
    )
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id OR state = 'declined'", name="two_eyes"),
        CheckConstraint("(state = 'proposed') = (second_id IS NULL)", name="decided_by"),
        Index(
            "uq_licence_proposal_open",
            "licence_id",
            "verb",
            unique=True,
            sqlite_where=literal_column("state = 'proposed'"),
            postgresql_where=literal_column("state = 'proposed'"),
        ),
    )


@event.listens_for(LicenceEvent, "before_update")
@event.listens_for(LicenceEvent, "before_delete")
def _refuse(_mapper: Mapper[Any], _conn: Any, row: LicenceEvent) -> None:
    """Stop what would change what happened, before the database does."""
    raise Frozen(f"{row.subject} is on record and cannot change")
