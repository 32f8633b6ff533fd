"""Keys the house signs with: a life of their own, days they may sign for, private parts sealed on this machine."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import audit, catalogue, clock, labels
from portal.core.db import Model, choice, db
from portal.core.errors import Missing, Refused
from portal.core.periods import nth
from portal.core.settings import settings
from portal.core.states import life, move
from portal.core.vault import derived

Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
OVERLAP = timedelta(days=60)


class KeyUse(StrEnum):
    """What a key signs."""

    ROOT = "pdf-root"
    PDF = "pdf"
    BADGE = "badge-ed25519"
    BADGE_RSA = "badge-rsa"
    LICENCE = "licence"


class KeyState(StrEnum):
    """The life of a key."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    COMPROMISED = "compromised"


S = KeyState
KEY_LIFE = life(
    KeyState,
    {
        S.NEXT: [S.ACTIVE, S.RETIRED, S.COMPROMISED],
        S.ACTIVE: [S.RETIRED, S.COMPROMISED],
        S.RETIRED: [S.COMPROMISED],
    },
)
labels.name(
    KeyState,
    {
        S.NEXT: _l("Waits for its turn"), S.ACTIVE: _l("In use"), S.RETIRED: _l("Retired"), S.COMPROMISED: _l("Compromised"),
    },
    {S.NEXT: "wait", S.ACTIVE: "good", S.RETIRED: "mute", S.COMPROMISED: "bad"},
)  # fmt: skip


class SigningKey(Model):
    """A key pair; the public part is kept for ever, the private part lies sealed in `PORTAL_HOME/keys`.

    It signs only for moments within [start, end), of which a rotation or a leak cuts the end.
    """

    __tablename__ = "signing_key"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    use: Mapped[KeyUse] = mapped_column(choice(KeyUse), index=True)
    kid: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[KeyState] = mapped_column(choice(KeyState))
    start: Mapped[datetime]
    end: Mapped[datetime]
    public_pem: Mapped[str] = mapped_column(Text)
    by_name: Mapped[str] = mapped_column(String(120))
    second_name: Mapped[str] = mapped_column(String(120))
    certificate_pem: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint("by_name <> second_name", name="two_people"),)

    def signs(self, at: datetime) -> bool:
        """Whether what it signed for a moment counts."""
        return self.state is not KeyState.COMPROMISED and self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Pen:
    """A key in hand, taken out of the database: its id, its private part, its certificate."""

    kid: str
    secret: Private
    certificate_pem: str


class NoKey(RuntimeError):
    """There is no key to sign with; the text says which command makes one."""


def _fresh(use: KeyUse) -> Private:
    if use in (KeyUse.BADGE, KeyUse.LICENCE):
        return ed25519.Ed25519PrivateKey.generate()
    if use is KeyUse.BADGE_RSA:
        return rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return ec.generate_private_key(ec.SECP256R1())


def folder() -> Path:
    """Return where the private parts lie, readable by the portal's user alone."""
    place = settings().home / "keys"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _seal(kid: str, private: Private) -> None:
    plain = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    nonce = secrets.token_bytes(12)
    body = nonce + AESGCM(derived("keys")).encrypt(nonce, plain, kid.encode())
    handle = os.open(folder() / f"{kid}.key", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(body)


def kept(kid: str) -> Private:
    """Return a key's private part, opened once in the life of a process: for what is signed many times a second."""
    opened: dict[str, Private] = current_app.extensions.setdefault("signing_opened", {})
    if kid not in opened:
        opened[kid] = _opened(kid)
    return opened[kid]


def private(key: SigningKey) -> Private:
    """Return a key's private part; raises `NoKey` if this machine has it not, or cannot open it."""
    return _opened(key.kid)


def _opened(kid: str) -> Private:
    file = folder() / f"{kid}.key"
    if not file.is_file():
        raise NoKey(f"the private part of {kid} is not in {folder()}")
    body = file.read_bytes()
    for secret in (settings().secret_key, *settings().secret_key_fallbacks):
        try:
            plain = AESGCM(derived("keys", secret=secret)).decrypt(body[:12], body[12:], kid.encode())
        except InvalidTag:
            continue
        # Sealed by ourselves and opened whole: to prove an RSA key's primes again takes longer than a certificate.
        found = serialization.load_der_private_key(plain, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(found, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
            return found
    raise NoKey(f"{file} does not open with the portal's secret key")


def _pem(key: Private) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def create(
    use: KeyUse, *, by: str, second: str, months: int | None = None, start: datetime | None = None
) -> SigningKey:
    """Make a key: the first of its use is active at once, a later one waits as `next` until the rotation."""
    if by == second:
        raise Refused("Two different people must stand for a key.")
    begin = start or clock.now()
    given = months or (240 if use is KeyUse.ROOT else int(catalogue.policy("keys.rotate_months")))
    end = clock.start_of(nth(clock.day_of(begin), given, 1)) + OVERLAP
    secret = _fresh(use)
    kid = f"{use.value}-{begin:%Y%m}-{secrets.token_hex(4)}"
    state = KeyState.NEXT if current(use) is not None else KeyState.ACTIVE
    row = SigningKey(
        use=use, kid=kid, state=state, start=begin, end=end, public_pem=_pem(secret), by_name=by, second_name=second
    )  # fmt: skip
    _seal(kid, secret)
    db.session.add(row)
    db.session.flush()
    audit.record("key.made", row, by=by, second=second, use=use, kid=kid)
    return row


def every(*uses: KeyUse) -> list[SigningKey]:
    """Return every key of some uses (default: all), the oldest first."""
    return list(
        db.session.scalars(
            select(SigningKey).where(SigningKey.use.in_(uses or tuple(KeyUse))).order_by(SigningKey.id)
        )
    )


def current(use: KeyUse) -> SigningKey | None:
    """Return the active key of a use."""
    return next((one for one in every(use) if one.state is KeyState.ACTIVE), None)


def active(use: KeyUse, at: datetime | None = None) -> SigningKey:
    """Return the key that signs now; `NoKey` if there is none, or its time is over."""
    found = current(use)
    if found is None or not found.signs(at or clock.now()):
        ways = f"`portal keys new {use.value}` or `portal keys rotate`"
        if use is KeyUse.LICENCE:
            ways = "`portal licence signing-keys add` or `activate`"
        raise NoKey(f"no key for {use.value} signs today: run {ways}")
    return found


def pen(use: KeyUse, *, at: datetime | None = None) -> Pen:
    """Return the key that signs now with its private part; `NoKey` if there is none, or not on this machine."""
    row = active(use, at)
    return Pen(row.kid, private(row), row.certificate_pem)


def published(*uses: KeyUse) -> list[SigningKey]:
    """Return the keys whose public parts stay published for ever: all but the compromised ones."""
    return [one for one in every(*uses) if one.state is not KeyState.COMPROMISED]


def found(kid: str) -> SigningKey:
    """Return one key."""
    row = db.session.scalars(select(SigningKey).where(SigningKey.kid == kid)).first()
    if row is None:
        raise Missing(_l("There is no key %(kid)s.", kid=kid))
    return row


def rotate(use: KeyUse, *, by: str, second: str) -> SigningKey:
    """Let the next key sign from now on; the one before signs nothing any more and stays published."""
    _two(by, second)
    waiting = next((one for one in every(use) if one.state is KeyState.NEXT), None)
    if waiting is None:
        raise Refused(
            f"No next key for {use.value} waits: make one with `portal keys new {use.value}` first."
        )
    if (old := current(use)) is not None:
        _end(old, KeyState.RETIRED)
    move(waiting, KeyState.ACTIVE)
    audit.record("key.rotated", waiting, by=by, second=second, use=use, kid=waiting.kid)
    return waiting


def _two(by: str, second: str) -> None:
    if by == second:
        raise Refused("Two different people must stand for a key.")


def _end(row: SigningKey, state: KeyState) -> None:
    row.end = max(row.start, min(row.end, clock.now()))
    move(row, state)


def retire(kid: str, *, by: str, second: str) -> SigningKey:
    """End a key in good order: it signs nothing any more, what it signed stays good."""
    _two(by, second)
    row = found(kid)
    _end(row, KeyState.RETIRED)
    audit.record("key.retired", row, by=by, second=second, use=row.use, kid=kid)
    return row


def compromise(kid: str, *, by: str, second: str) -> SigningKey:
    """Say that a key has leaked: it is published no more, and nothing it ever signed counts."""
    _two(by, second)
    row = found(kid)
    _end(row, KeyState.COMPROMISED)
    audit.record("key.compromised", row, by=by, second=second, use=row.use, kid=kid)
    return row
