"""People and how they come in: accounts, factors, sessions, tries, one-time tickets."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_login import UserMixin
from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.may import StaffRole
from portal.core import clock
from portal.core.db import Model, choice


def new_uid() -> str:
    """Return 128 random bits: what an address shows of a row, so that ids cannot be guessed."""
    return secrets.token_hex(16)


class Person(Model, UserMixin):
    """A human being with one mail address. The address is lower-case and unique; disabled people stay."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(String(200), default=None)
    verified_at: Mapped[datetime | None] = mapped_column(default=None)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    totp_sealed: Mapped[str | None] = mapped_column(String(300), default=None)
    totp_step: Mapped[int] = mapped_column(default=0)
    erased_at: Mapped[datetime | None] = mapped_column(default=None)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}

    def get_id(self) -> str:
        """Return what flask-login calls this person."""
        return str(self.id)


class Grant(Model):
    """A role of staff, held from a day until taken back."""

    __tablename__ = "staff_grant"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[StaffRole] = mapped_column(choice(StaffRole))
    by_name: Mapped[str] = mapped_column(String(120))
    start: Mapped[date]
    end: Mapped[date | None] = mapped_column(default=None)


class Level(StrEnum):
    """How far a session has come: the first factor, or both."""

    FIRST = "first"
    FULL = "full"


class UserSession(Model):
    """A browser that came in. Only the hash of its token is kept; ending it here ends it everywhere."""

    __tablename__ = "user_session"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    level: Mapped[Level] = mapped_column(choice(Level))
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    factor_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class SignInAttempt(Model):
    """A try at the door, by keyed hash of the account or address tried; decides how long the next one waits."""

    __tablename__ = "sign_in_attempt"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    good: Mapped[bool]
    __table_args__ = (Index("ix_sign_in_attempt_key", "key", "at"),)


class FactorLoss(Model):
    """A second factor reported lost: written down by one of staff, who saw who it is, decided by another."""

    __tablename__ = "factor_loss"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=person_id)
    shown: Mapped[str] = mapped_column(String(500))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    asked_by: Mapped[Person] = relationship(foreign_keys=asked_by_id)
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    decided_by: Mapped[Person | None] = relationship(foreign_keys=decided_by_id, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    agreed: Mapped[bool | None] = mapped_column(default=None)
    __table_args__ = (
        Index(
            "uq_factor_loss_open",
            "person_id",
            unique=True,
            sqlite_where=literal_column("decided_at IS NULL"),
            postgresql_where=literal_column("decided_at IS NULL"),
        ),
    )


class TicketKind(StrEnum):
    """What a one-time ticket opens."""

    CONFIRM = "confirm"
    RESET = "reset"
    CODE = "code"
    DEMO = "demo"


class Ticket(Model):
    """A link or code sent to somebody: kept as a hash, used once, with an end and few tries."""

    __tablename__ = "ticket"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[TicketKind] = mapped_column(choice(TicketKind))
    secret_hash: Mapped[str] = mapped_column(String(64), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship()
    expires_at: Mapped[datetime]
    session_id: Mapped[int | None] = mapped_column(default=None, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default_factory=dict)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class RecoveryCode(Model):
    """A way in when the second factor is lost: 120 bits, shown once, used once."""

    __tablename__ = "recovery_code"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship()
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (UniqueConstraint("person_id", "code_hash"),)


class Passkey(Model):
    """A device's public key."""

    __tablename__ = "passkey"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship()
    name: Mapped[str] = mapped_column(String(80))
    credential_id: Mapped[str] = mapped_column(String(700), unique=True)
    public_key: Mapped[str] = mapped_column(Text)
    sign_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
