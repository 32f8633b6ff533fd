"""Open Badges 3.0: the credential of a certificate, the issuer's profile and DID document, status lists; pure JSON."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from portal.certs import proofs

LIST_SIZE = 131_072
LIST_LASTS = timedelta(days=30)
PURPOSES = ("revocation", "suspension")
DID = "https://www.w3.org/ns/did/v1"
MULTIKEY = "https://w3id.org/security/multikey/v1"
JWK = "https://w3id.org/security/jwk/v1"
Public = ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the public pages of badges lie: all begin with the portal's public address."""

    base: str

    def badge(self, public_id: str) -> str:
        """Return the address of a badge."""
        return f"{self.base}/badges/{public_id}"

    def status(self, purpose: str, number: int) -> str:
        """Return the address of a status list, which stays for ever."""
        return f"{self.base}/badges/status/{purpose}/{number}"

    def level(self, code: str) -> str:
        """Return the address of a level's criteria."""
        return f"{self.base}/badges/levels/{code}"

    def image(self, code: str) -> str:
        """Return the address of a level's picture."""
        return f"{self.base}/badges/levels/{code}.png"

    def profile(self) -> str:
        """Return the address of the issuer's profile."""
        return f"{self.base}/issuers/foundation"

    def logo(self) -> str:
        """Return the address of the issuer's picture."""
        return f"{self.base}/issuers/foundation.png"


def instant(moment: datetime) -> str:
    """Return a moment as the data model writes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def profile(issuer: dict[str, Any], where: Addresses) -> dict[str, Any]:
    """Return who issues, as it stands in every badge."""
    return {
        "id": issuer["did"],
        "type": ["Profile"],
        "name": f"{issuer['name']['en']} {issuer['name']['zh']}",
        "url": issuer["url"],
        "email": issuer["mail"],
        "image": {"id": where.logo(), "type": "Image"},
    }


def _status(body: dict[str, Any], where: Addresses) -> Any:
    entries = [
        {
            "id": f"{where.status(purpose, body['badge'][purpose][0])}#{body['badge'][purpose][1]}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": purpose,
            "statusListIndex": str(body["badge"][purpose][1]),
            "statusListCredential": where.status(purpose, body["badge"][purpose][0]),
        }
        for purpose in PURPOSES
    ]
    return entries if body["badge"]["status"] == "two" else entries[0]


def _subject(body: dict[str, Any], where: Addresses) -> dict[str, Any]:
    level = body["level"]
    identifiers = [
        {
            "type": "IdentityObject", "hashed": True, "identityHash": f"sha256${body['mail']['hash']}",
            "identityType": "emailAddress", "salt": body["mail"]["salt"],
        }
    ]  # fmt: skip
    if body["name_public"]:
        name = " ".join(part for part in (body["names"]["zh"], body["names"]["latin"]) if part)
        identifiers.append(
            {"type": "IdentityObject", "hashed": False, "identityHash": name, "identityType": "name"}
        )
    return {
        "id": body["subject"],
        "type": ["AchievementSubject"],
        "identifier": identifiers,
        "achievement": {
            "id": f"{where.level(level['code'])}?scheme={body['scheme']}",
            "type": ["Achievement"],
            "achievementType": "Certification",
            "name": f"{level['en']} {level['zh']}",
            "description": f"{body['narrative']['en']} {body['narrative']['zh']}",
            "criteria": {"id": where.level(level["code"]), "narrative": f"{body['narrative']['en']}\n\n{body['narrative']['zh']}"},
            "humanCode": level["code"],
            "image": {"id": where.image(level["code"]), "type": "Image"},
        },
    }  # fmt: skip


def credential(body: dict[str, Any], where: Addresses) -> dict[str, Any]:
    """Return the unsigned badge of a certificate's snapshot."""
    level = body["level"]
    return {
        "@context": [proofs.CREDENTIALS, proofs.OPEN_BADGES],
        "id": where.badge(body["badge"]["id"]),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": f"{level['en']} {level['zh']}",
        "issuer": profile(body["issuer"], where),
        "validFrom": instant(datetime.fromisoformat(body["valid_from"])),
        "validUntil": instant(datetime.fromisoformat(body["valid_until"])),
        "credentialSubject": _subject(body, where),
        "credentialStatus": _status(body, where),
    }


def claims(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the JWT form says: the document whole, with the registered claims that follow from it."""
    issuer = document["issuer"]
    begin, end = (
        int(datetime.fromisoformat(document[key]).timestamp()) for key in ("validFrom", "validUntil")
    )
    return {
        "iss": issuer["id"] if isinstance(issuer, dict) else issuer, "jti": document["id"], "sub": document["credentialSubject"]["id"],
        "nbf": begin, "exp": end, **document,
    }  # fmt: skip


def _bits(places: Iterable[int]) -> bytes:
    bits = bytearray(LIST_SIZE // 8)
    for place in places:
        bits[place // 8] |= 0x80 >> place % 8
    return bytes(bits)


def encoded(places: Iterable[int]) -> str:
    """Return a bitstring with some bits set: the most significant first, gzip, multibase base64url."""
    return "u" + proofs.base64url(gzip.compress(_bits(places), mtime=0))


def status_list(
    purpose: str, number: int, places: Iterable[int], *, issuer: str, where: Addresses, at: datetime
) -> dict[str, Any]:
    """Return an unsigned status list as it stands at a moment."""
    address = where.status(purpose, number)
    return {
        "@context": [proofs.CREDENTIALS],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": instant(at),
        "validUntil": instant(at + LIST_LASTS),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encoded(places),
        },
    }


def method(did: str, kid: str) -> str:
    """Return the name of a key for verifiers."""
    return f"{did}#{kid}"


def did_document(did: str, keys: Sequence[tuple[str, Public]], profile_url: str) -> dict[str, Any]:
    """Return the DID document: every key ever used to sign badges, but those that leaked."""
    methods: list[dict[str, Any]] = []
    for kid, public in keys:
        said: dict[str, Any] = {"id": method(did, kid), "controller": did}
        if isinstance(public, ed25519.Ed25519PublicKey):
            methods.append({**said, "type": "Multikey", "publicKeyMultibase": proofs.multikey(public)})
        else:
            own = {**proofs.jwk(public), "alg": "RS256", "kid": kid}
            methods.append({**said, "type": "JsonWebKey", "publicKeyJwk": own})
    return {
        "@context": [DID, MULTIKEY, JWK],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [one["id"] for one in methods],
        "service": [{"id": f"{did}#profile", "type": "LinkedDomains", "serviceEndpoint": profile_url}],
    }
