"""Second factors: a code app whose codes work once, and recovery codes."""

from __future__ import annotations

import secrets

import pyotp
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update

from portal.accounts.people import Passkey, Person, RecoveryCode
from portal.core import audit, clock, vault
from portal.core.catalogue import brand
from portal.core.db import db
from portal.core.errors import Refused

STEP = 30
RECOVERY_CODES = 10


def new_seed() -> str:
    """Return a fresh base-32 seed of 160 bits for a code app."""
    return pyotp.random_base32()


def seed_uri(person: Person, seed: str) -> str:
    """Return the `otpauth://` address that a code app reads from the QR code."""
    return str(pyotp.TOTP(seed).provisioning_uri(name=person.email, issuer_name=brand().short))


def _step() -> int:
    return int(clock.now().timestamp()) // STEP


def _right(seed: str, code: str) -> bool:
    given = code.strip().replace(" ", "")
    return given.isdigit() and bool(pyotp.TOTP(seed).verify(given, for_time=clock.now(), valid_window=0))


def enrol_totp(person: Person, seed: str, code: str, *, by: Person) -> list[str]:
    """Take a code app into use once it shows the right code; return fresh recovery codes, shown once."""
    if not _right(seed, code):
        raise Refused(
            _l("This is not the code the app shows now. Please try the next one."), field="code", status=422
        )
    person.totp_sealed = vault.seal(seed, bound_to=f"person:{person.uid}")
    person.totp_step = _step()
    audit.record("person.totp_enrolled", person, by=by)
    return fresh_recovery_codes(person)


def drop_totp(person: Person, *, by: Person) -> None:
    """Stop using the code app."""
    person.totp_sealed = None
    audit.record("person.totp_dropped", person, by=by)


def use_totp(person: Person, code: str) -> bool:
    """Use the code app's present code; the same code is refused the second time."""
    if not person.totp_sealed:
        return False
    if not _right(vault.unseal(person.totp_sealed, bound_to=f"person:{person.uid}"), code):
        return False
    step = _step()
    won = db.session.execute(
        update(Person)
        .where(Person.id == person.id, Person.totp_step < step)
        .values(totp_step=step)
        .returning(Person.id)
        .execution_options(synchronize_session=False)
    )
    return won.first() is not None


def fresh_recovery_codes(person: Person) -> list[str]:
    """Replace the person's recovery codes; return ten of 120 bits each, which nobody can show again."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    raw = [secrets.token_hex(15) for _ in range(RECOVERY_CODES)]
    codes = ["-".join(code[i : i + 6] for i in range(0, 30, 6)) for code in raw]
    for code in codes:
        db.session.add(RecoveryCode(person=person, code_hash=vault.digest(code)))
    return codes


def use_recovery(person: Person, code: str) -> bool:
    """Use a recovery code, once."""
    won = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person.id,
            RecoveryCode.code_hash == vault.digest(code.strip().lower()),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    if won.first() is None:
        return False
    audit.record("person.recovery_code_used", person, by=person)
    return True


def recovery_left(person: Person) -> int:
    """Return how many recovery codes are unused."""
    return (
        db.session.scalar(
            select(func.count()).where(RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None))
        )
        or 0
    )


def passkeys(person: Person) -> list[Passkey]:
    """Return the person's passkeys, oldest first."""
    return list(
        db.session.scalars(select(Passkey).where(Passkey.person_id == person.id).order_by(Passkey.id))
    )


def forget_all(person: Person, *, by: Person | str, agreed: str) -> None:
    """Take away app, passkeys and recovery codes of somebody who lost them; the next sign-in asks for a code by mail.

    `agreed` says which two people agreed, and how the identity was shown.
    """
    person.totp_sealed = None
    for row in (Passkey, RecoveryCode):
        db.session.execute(delete(row).where(row.person_id == person.id))
    audit.record("person.factors_forgotten", person, by=by, agreed=agreed)
