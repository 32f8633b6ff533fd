"""Signed proofs as JWS compact (RFC 7515) with Ed25519: written by us, read by any stock library. Pure: keys come in.

EdDSA is written and both names are read: RFC 9864 calls the algorithm Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LICENCE, REVOCATIONS, KEYS = "licence+jwt", "licence-revocations+jwt", "licence-keys+jwt"
NAMES = frozenset({"EdDSA", "Ed25519"})
AHEAD = 300  # seconds by which a verifier's clock may be behind


class Forged(ValueError):
    """A proof that is none; the text says at which step it failed."""


def encoded(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    """Return what base64url says, in its one canonical spelling: lenient readers take sixteen of a signature."""
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Forged("not base64url") from error
    if encoded(found) != text:
        raise Forged("not strict base64url")
    return found


def _json(value: Mapping[str, Any]) -> str:
    return encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def sign(payload: Mapping[str, Any], *, kid: str, key: Ed25519PrivateKey, typ: str = LICENCE) -> str:
    """Return a payload signed: header, payload and signature with dots between."""
    text = f"{_json({'alg': 'EdDSA', 'kid': kid, 'typ': typ})}.{_json(payload)}"
    return f"{text}.{encoded(key.sign(text.encode()))}"


def jwk(kid: str, public: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as a JSON Web Key; there is nothing private in it."""
    x = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": encoded(x)}


def opened(token: str, keys: Mapping[str, Any], typ: str = LICENCE) -> dict[str, Any]:
    """Return the payload of a token that a key of the set signed; raises `Forged`. Says nothing about time."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Forged("not three parts")
    header = _object(parts[0])
    if header.get("alg") not in NAMES:
        raise Forged("another algorithm")
    if header.get("typ") != typ:
        raise Forged("another kind of token")
    if "crit" in header:
        raise Forged("a header we must understand")
    known = {one["kid"]: one for one in keys["keys"]}
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in known:
        raise Forged("an unknown key")
    signature, x = raw(parts[2]), raw(known[kid]["x"])
    try:
        Ed25519PublicKey.from_public_bytes(x).verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except (InvalidSignature, ValueError) as error:
        raise Forged("the signature does not fit") from error
    return _object(parts[1])


def _no_number(word: str) -> Any:
    raise Forged(f"{word} is no JSON")


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(raw(part).decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Forged("not JSON") from error
    if not isinstance(found, dict):
        raise Forged("not an object")
    return found


def verify(
    token: str, keys: Mapping[str, Any], *, issuer: str, tool: str, node: str, now: float
) -> dict[str, Any]:
    """Return the claims of a licence token that lets a node run a tool now; raises `Forged`."""
    claims = opened(token, keys)
    if claims.get("iss") != issuer:
        raise Forged("another issuer")
    if tool not in _texts(claims, "aud"):
        raise Forged("for other tools")
    if node not in _texts(claims, "nodes"):
        raise Forged("for other nodes")
    if not isinstance(claims.get("jti"), str):
        raise Forged("without a name")
    if _second(claims, "nbf") - AHEAD > now:
        raise Forged("not yet in force")
    if now >= _second(claims, "exp"):
        raise Forged("over")
    return claims


def _texts(claims: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts; one text is none, for a piece of it would be found in it."""
    found = claims.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Forged(f"{name} is no list of texts")
    return found


def _second(claims: Mapping[str, Any], name: str) -> int:
    found = claims.get(name)
    if type(found) is not int:
        raise Forged(f"{name} is no moment")
    return found
