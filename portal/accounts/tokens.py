"""Tokens of the API: made by a person for himself or his organisation, shown once, kept as a hash."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Select, String, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.accounts.scopes import Scope
from portal.core import audit, clock, vault
from portal.core.db import Model, db
from portal.core.errors import Refused

MARK = "fpt_"
PREFIX_LENGTH = len(MARK) + 8
MOST = 20
DAYS = (30, 90, 365)


class ApiToken(Model):
    """A program's key. It belongs to a person, or to an organisation; `maker` is the person who made it."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    maker_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    maker: Mapped[Person] = relationship(foreign_keys=[maker_id], lazy="joined", innerjoin=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime]
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation | None] = relationship(default=None, lazy="joined")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (CheckConstraint("length(prefix) >= 8", name="prefix_is_long"),)

    @property
    def granted(self) -> frozenset[Scope]:
        """Return the scopes that still exist."""
        known = {one.value for one in Scope}
        return frozenset(Scope(word) for word in self.scopes if word in known)

    @property
    def owner(self) -> str:
        """Return who a stored answer belongs to: `person:ID` or `organisation:ID`."""
        return f"person:{self.maker_id}" if self.org_id is None else f"organisation:{self.org_id}"

    @property
    def live(self) -> bool:
        """Whether the token opens anything now."""
        return self.revoked_at is None and self.expires_at > clock.now()


def give(
    name: str, scopes: Iterable[Scope], days: int, *, org: Organisation | None = None, by: Person
) -> tuple[ApiToken, str]:
    """Make a token; return its row and the secret, which nobody can read again."""
    wanted = sorted({scope.value for scope in scopes})
    if not wanted:
        raise Refused(_l("Please choose at least one thing the token may do."), field="scopes", status=422)
    if len(list(db.session.scalars(alive(by, [org.id] if org else [])))) >= MOST:
        raise Refused(_l("There are many tokens already. Please revoke one first."), status=422)
    prefix = MARK + secrets.token_hex(4)
    secret = f"{prefix}_{vault.token()}"
    row = ApiToken(
        prefix=prefix, token_hash=vault.digest(secret), name=name.strip(), maker=by, org=org, scopes=wanted,
        expires_at=clock.now() + timedelta(days=days),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("token.created", row, by=by, org_id=row.org_id, name=row.name, prefix=prefix, scopes=wanted)
    return row, secret


def alive(person: Person, org_ids: Iterable[int]) -> Select[ApiToken]:
    """Select the tokens a person may see and end: his own, and those of organisations he manages; newest first."""
    mine = (ApiToken.maker_id == person.id) & ApiToken.org_id.is_(None)
    return (
        select(ApiToken)
        .where(
            or_(mine, ApiToken.org_id.in_(list(org_ids))),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > clock.now(),
        )
        .order_by(ApiToken.id.desc())
    )


def revoke(row: ApiToken, *, by: Person) -> None:
    """End a token at once."""
    row.revoked_at = clock.now()
    audit.record("token.revoked", row, by=by, org_id=row.org_id, name=row.name, prefix=row.prefix)


def find(secret: str) -> ApiToken | None:
    """Return the live token of a secret; None if it is unknown, over, revoked, or its person was disabled."""
    if not secret.startswith(MARK) or not secret.isascii() or len(secret) > 100:
        return None
    row = db.session.scalars(select(ApiToken).where(ApiToken.prefix == secret[:PREFIX_LENGTH])).first()
    stored = row.token_hash if row is not None else "0" * 64
    same = hmac.compare_digest(stored, vault.digest(secret))
    if row is None or not same or not row.live or row.maker.disabled_at is not None:
        return None
    return row
