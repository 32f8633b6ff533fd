"""The signing key of licences: proofs for leases, the published set, its rotation, the list of what is revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select

from portal.core import clock, signing
from portal.core.db import db, reading
from portal.core.errors import Refused
from portal.core.settings import settings
from portal.core.signing import KeyState, KeyUse, NoKey, SigningKey
from portal.services.licences import facts, plans, proofs, quick
from portal.services.licences.claiming import Seated
from portal.services.licences.judge import Span, limit_at, period_at
from portal.services.licences.locking import spans
from portal.services.licences.models.ids import naming
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import KeySet, LicenceFile

log = structlog.get_logger(__name__)
_lease_id = naming("lt")


def signed(payload: dict[str, Any], typ: str = proofs.LICENCE) -> tuple[str, str]:
    """Return a payload signed by the key in use, and that key's id; `NoKey` if there is none."""
    pen = signing.pen(KeyUse.LICENCE)
    return proofs.sign(payload, kid=pen.kid, key=_ed(pen.secret), typ=typ), pen.kid


def _ed(secret: Any) -> Ed25519PrivateKey:
    if not isinstance(secret, Ed25519PrivateKey):
        raise TypeError("licences are signed with Ed25519")
    return secret


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom and what a proof speaks of."""

    uid: str
    organisation: str
    plan: str
    tools: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, row: Licence) -> Holder:
        """Return what proofs of a licence say of it."""
        tools = tuple((one.tool, tuple(one.features)) for one in row.tools)
        return cls(row.uid, row.org.legal_name, row.plan, tools)


def payload(
    holder: Holder,
    terms: Sequence[Span],
    *,
    jti: str,
    kind: str,
    nodes: Sequence[str],
    now: datetime,
    end: datetime,
) -> dict[str, Any]:
    """Return what a proof of a licence says; whole seconds, never beyond what was given."""
    period = period_at(terms, now)
    issued = int(now.timestamp())
    return {
        "iss": settings().public_url, "sub": holder.uid, "aud": [tool for tool, _features in holder.tools], "jti": jti,
        "iat": issued, "nbf": issued, "exp": int(end.timestamp()), "kind": kind, "nodes": list(nodes),
        "licence": {
            "organisation": holder.organisation, "plan": holder.plan, "limit": limit_at(terms, now),
            "ends_at": None if period is None else period.end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "features": sorted({feature for _tool, features in holder.tools for feature in features}),
        },
    }  # fmt: skip


def lease(seated: Seated) -> str | None:
    """Return the proof of a node's lease, by which it goes on without an answer; None where no key signs, or nothing is left.

    Asked after the claim was saved: a reader, so that no writer waits for a signature. A lease never falls, but a term may
    have been closed after it was promised: the proof ends with the grace that is left now.
    """
    now = clock.now()
    rows = quick.read(_PAPER, {"licence": seated.licence_id, "now": quick.at(now)})
    uid, organisation, plan, kid = rows[0][:4]
    terms = seated.terms or _terms(seated.licence_id)
    period = period_at(terms, now)
    if period is None or period.over <= now:
        return None
    end = min(seated.lease_until, period.over)
    holder = Holder(uid, organisation, plan, tuple((row[4], facts.features(row[5])) for row in rows))
    body = payload(holder, terms, jti=_lease_id(), kind="lease", nodes=[seated.fingerprint], now=now, end=end)
    try:
        kid = kid or _kid()
        return proofs.sign(body, kid=kid, key=_ed(signing.kept(kid)))
    except NoKey as missing:
        log.warning("licence_without_key", reason=str(missing))
        return None


def _terms(licence_id: int) -> tuple[Span, ...]:
    with reading():
        return spans(licence_id)


def _kid() -> str:
    """Return the key that signs; `NoKey` says what is missing."""
    with reading():
        return signing.active(KeyUse.LICENCE).kid


# Who holds a licence, its tools, and the key that signs today.
_PAPER = """SELECT l.uid, o.legal_name, l.plan, (SELECT s.kid FROM signing_key s WHERE s.use = 'licence' AND s.state = 'active'
 AND s.start <= :now AND s."end" > :now ORDER BY s.id LIMIT 1), e.tool, e.features
 FROM licence l JOIN organisation o ON o.id = l.org_id JOIN licence_tool e ON e.licence_id = l.id
 WHERE l.id = :licence ORDER BY e.id"""


def keys_published(at: datetime | None = None) -> list[SigningKey]:
    """Return the keys of the public set: a retired one until the last proof it signed is over, no compromised one."""
    now = at or clock.now()
    rows = [(row, needed_until(row)) for row in signing.published(KeyUse.LICENCE)]
    return [row for row, until in rows if until is None or until > now]


def needed_until(row: SigningKey) -> datetime | None:
    """Return when the last proof of a retired key is over; None for a key that may still sign."""
    if row.state is not KeyState.RETIRED:
        return None
    longest = db.session.scalar(select(func.max(Licence.lease_seconds))) or 0
    last = db.session.scalar(select(func.max(LicenceFile.expires_at)).where(LicenceFile.kid == row.kid))
    leases = row.end + timedelta(seconds=longest)
    return leases if last is None else max(last, leases)


def public_set(rows: Sequence[SigningKey] | None = None) -> dict[str, Any]:
    """Return the set that verifiers pin."""
    return {"keys": [proofs.jwk(row.kid, _public(row)) for row in rows or keys_published()]}


def _public(row: SigningKey) -> Ed25519PublicKey:
    found = serialization.load_pem_public_key(row.public_pem.encode())
    if not isinstance(found, Ed25519PublicKey):
        raise TypeError("licences are signed with Ed25519")
    return found


def signed_set() -> str:
    """Return the set signed by the key before the present one, else by the present one: who pinned that learns the next."""
    kept = db.session.scalars(select(KeySet).order_by(KeySet.id.desc())).first()
    if kept is not None and kept.kid in {row.kid for row in keys_published()}:
        return kept.token
    return signed(_set_body(), proofs.KEYS)[0]


def _set_body() -> dict[str, Any]:
    return {"iss": settings().public_url, "iat": int(clock.now().timestamp()), **public_set()}


def rotate(*, by: str, second: str) -> SigningKey:
    """Let the next key sign; published long enough before, unless the present one was lost. The old one signs the set last."""
    old = signing.current(KeyUse.LICENCE)
    waiting = next((one for one in signing.every(KeyUse.LICENCE) if one.state is KeyState.NEXT), None)
    wait = timedelta(days=plans.rule("next_key_days"))
    if old is not None and waiting is not None and clock.now() < waiting.created_at + wait:
        raise Refused(_l("The next key must be published for longer before it signs."))
    if old is not None and waiting is not None:
        db.session.add(KeySet(kid=old.kid, token=signed(_set_body(), proofs.KEYS)[0]))
    return signing.rotate(KeyUse.LICENCE, by=by, second=second)


def compromise(kid: str, *, by: str, second: str) -> list[LicenceFile]:
    """Take a key that leaked out of the set at once; return its files in force, to be issued anew."""
    if signing.found(kid).use is not KeyUse.LICENCE:
        raise Refused(_l("This key signs something else."))
    signing.compromise(kid, by=by, second=second)
    lost = select(LicenceFile).where(LicenceFile.kid == kid, LicenceFile.expires_at > clock.now())
    return list(db.session.scalars(lost.order_by(LicenceFile.id)))


def revocations() -> str:
    """Return the signed list of files that no longer count though they have not ended."""
    now = clock.now()
    gone = select(LicenceFile.jti, LicenceFile.expires_at).where(
        LicenceFile.expires_at > now,
        or_(LicenceFile.revoked_at.is_not(None), LicenceFile.returned_at.is_not(None)),
    )
    files = [
        {"jti": jti, "exp": int(end.timestamp())}
        for jti, end in db.session.execute(gone.order_by(LicenceFile.id))
    ]
    body = {"iss": settings().public_url, "iat": int(now.timestamp()), "files": files}
    return signed(body, proofs.REVOCATIONS)[0]
