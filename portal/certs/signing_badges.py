"""Badges signed by the house's keys, checked by them alone, and the status lists as they stand now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.certs import badges, issuing, proofs
from portal.certs.badges import Addresses
from portal.certs.models.award import Award, AwardState, Suspension
from portal.certs.models.document import Badge, Certificate
from portal.core import clock, signing
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.settings import settings
from portal.core.signing import KeyUse, NoKey, Pen, SigningKey

BADGE_KEYS = (KeyUse.BADGE, KeyUse.BADGE_RSA)


def where() -> Addresses:
    """Return the public addresses of badges."""
    return Addresses(settings().public_url)


def signers() -> tuple[Pen, Pen]:
    """Return the keys that sign badges today: of the embedded proof and of the JWT; `NoKey` if one is missing."""
    return signing.pen(KeyUse.BADGE), signing.pen(KeyUse.BADGE_RSA)


def sign(body: dict[str, Any], pair: tuple[Pen, Pen], at: datetime) -> tuple[str, str]:
    """Return both forms of a snapshot's badge: JSON with its proof, and that document as JWT."""
    embedded, token = pair
    did = body["issuer"]["did"]
    document = proofs.sign(
        badges.credential(body, where()), _ed(embedded), method=badges.method(did, embedded.kid),
        created=badges.instant(at),
    )  # fmt: skip
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return text, proofs.jwt(badges.claims(document), _rsa(token), kid=badges.method(did, token.kid))


def _ed(key: Pen) -> ed25519.Ed25519PrivateKey:
    if not isinstance(key.secret, ed25519.Ed25519PrivateKey):
        raise NoKey(f"{key.kid} is no key for proofs")
    return key.secret


def _rsa(key: Pen) -> rsa.RSAPrivateKey:
    if not isinstance(key.secret, rsa.RSAPrivateKey):
        raise NoKey(f"{key.kid} is no key for tokens")
    return key.secret


def public(key: SigningKey) -> Any:
    """Return a key's public part."""
    return serialization.load_pem_public_key(key.public_pem.encode())


def check(document: dict[str, Any]) -> SigningKey:
    """Return the key that signed a badge of ours; `Forged` if none did, or not on one of its days."""
    proof = document.get("proof")
    named = str(proof.get("verificationMethod", "")) if isinstance(proof, dict) else ""
    known = {badges.method(issuing.did(), one.kid): one for one in signing.published(KeyUse.BADGE)}
    key = known.get(named)
    if key is None or not isinstance(proof, dict):
        raise proofs.Forged("no key of ours")
    proofs.check(document, public(key))
    if not key.signs(_moment(proof.get("created"))):
        raise proofs.Forged("signed on a day that is not this key's")
    return key


def check_token(token: str) -> dict[str, Any]:
    """Return what a badge in its JWT form says; `Forged` if no key of ours signed it, on one of its days."""
    known = {badges.method(issuing.did(), one.kid): one for one in signing.published(KeyUse.BADGE_RSA)}
    claims = proofs.read_jwt(token, {name: public(key) for name, key in known.items()})
    kid = json.loads(proofs.from_base64url(token.split(".")[0]))["kid"]
    proof = claims.get("proof")
    if not isinstance(proof, dict) or not known[kid].signs(_moment(proof.get("created"))):
        raise proofs.Forged("signed on a day that is not this key's")
    return claims


def _moment(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise proofs.Forged("no moment of signing") from None
    if found.tzinfo is None:
        raise proofs.Forged("no moment of signing")
    return found


def found(public_id: str) -> Badge:
    """Return a badge whose forms are made; `Missing` for all others, those of erased people too."""
    row = db.session.scalars(select(Badge).where(Badge.public_id == public_id)).first()
    if row is None or row.document is None or row.jwt is None:
        raise Missing(_l("There is no such badge."))
    return row


def of_certificate(certificate: Certificate) -> Badge | None:
    """Return the badge of a document."""
    return db.session.scalars(select(Badge).where(Badge.certificate_id == certificate.id)).first()


def places(purpose: str, number: int, at: datetime) -> list[int]:
    """Return which bits of a list are set at a moment: as the standing of each document says.

    A replaced document's badge is revoked: its holder has the new one. Where one status object is all a badge has
    (`badge.status: revocation_only`), the suspension list is still kept, for nobody to read.
    """
    index = getattr(Badge, f"{purpose}_index")
    asked = select(index).join(Certificate, Badge.certificate_id == Certificate.id).join(Award)
    asked = asked.where(getattr(Badge, f"{purpose}_list") == number)
    gone = or_(
        Award.state == AwardState.REVOKED,
        Certificate.superseded_at.is_not(None),
        Certificate.erased_at.is_not(None),
    )
    if purpose == "revocation":
        return sorted(db.session.scalars(asked.where(gone)))
    falls = Suspension.confirmed_at.is_(None) & Suspension.confirm_by.is_not(None)
    held = (
        (Suspension.start <= at)
        & or_(Suspension.lifted_at.is_(None), Suspension.lifted_at > at)
        & or_(~falls, Suspension.confirm_by > at)
    )
    on_hold = select(Suspension.award_id).where(held)
    return sorted(db.session.scalars(asked.where(Award.id.in_(on_hold), Award.state != AwardState.REVOKED)))


def status_list(purpose: str, number: int) -> tuple[str, str]:
    """Return a signed status list as it stands now, in both forms; `Missing` if no badge has a place in it."""
    if purpose not in badges.PURPOSES:
        raise Missing(_l("There is no such list."))
    column = getattr(Badge, f"{purpose}_list")
    if db.session.scalar(select(Badge.id).where(column == number).limit(1)) is None:
        raise Missing(_l("There is no such list."))
    now, did = clock.now(), issuing.did()
    key, other = signers()
    document = badges.status_list(
        purpose, number, places(purpose, number, now), issuer=did, where=where(), at=now
    )
    signed = proofs.sign(document, _ed(key), method=badges.method(did, key.kid), created=badges.instant(now))
    token = proofs.jwt(badges.claims(signed), _rsa(other), kid=badges.method(did, other.kid))
    return json.dumps(signed, ensure_ascii=False), token


def did_document() -> dict[str, Any]:
    """Return the DID document with every key that is published."""
    known = [(one.kid, public(one)) for one in signing.published(*BADGE_KEYS)]
    return badges.did_document(issuing.did(), known, where().profile())
