"""Signatures of badges: Data Integrity `eddsa-rdfc-2022`, and JWT by RS256; contexts lie in the package, nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

CREDENTIALS = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
CONTEXTS = {CREDENTIALS: "credentials-v2.json", OPEN_BADGES: "ob-3.0.3.json"}
# What the files must be: a changed context would change what was signed.
PINNED = {
    CREDENTIALS: "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    OPEN_BADGES: "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
}
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ED25519 = b"\xed\x01"
Proof = dict[str, Any]
Document = dict[str, Any]


class Forged(ValueError):
    """What was signed is not what is shown, or was not signed by us."""


def base58(data: bytes) -> str:
    """Return bytes in base58btc."""
    number, found = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        found = BASE58[rest] + found
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + found


def from_base58(text: str) -> bytes:
    """Return the bytes of base58btc; ValueError if it is none."""
    number = 0
    for char in text:
        number = number * 58 + BASE58.index(char)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base64url(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of base64url without padding; ValueError if it is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@lru_cache(maxsize=8)
def _context(url: str) -> dict[str, Any]:
    raw = files("portal.certs").joinpath("contexts", CONTEXTS[url]).read_bytes()
    if hashlib.sha256(raw).hexdigest() != PINNED[url]:
        raise RuntimeError(f"the context {url} in the package is not the pinned one")
    body: dict[str, Any] = json.loads(raw)
    return body


def _loader(more: dict[str, dict[str, Any]]) -> Any:
    """Return what answers for contexts: those of the package alone, and test vectors' own."""

    def load(url: str, _options: Any = None) -> dict[str, Any]:
        if url not in CONTEXTS and url not in more:
            raise Forged(f"an unknown context: {url}")
        return {
            "contentType": "application/ld+json", "contextUrl": None, "documentUrl": url,
            "document": more.get(url) or _context(url),
        }  # fmt: skip

    return load


def canonical(document: Document, more: dict[str, dict[str, Any]] | None = None) -> bytes:
    """Return a document's statements in canonical order (RDFC-1.0 as N-Quads); `Forged` if it cannot be read so."""
    from pyld import jsonld  # noqa: PLC0415 - heavy

    options = {
        "algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _loader(more or {}), "safe": True,
    }  # fmt: skip
    try:
        return str(jsonld.normalize(document, options)).encode()
    except (jsonld.JsonLdError, ValueError, TypeError) as error:
        raise Forged(f"no JSON-LD of ours: {error}"[:300]) from error


def _hashed(document: Document, proof: Proof, more: dict[str, dict[str, Any]] | None) -> bytes:
    """Return what is signed: SHA-256 of the proof's options, then of the document."""
    options = {"@context": document["@context"], **{k: v for k, v in proof.items() if k != "proofValue"}}
    plain = {key: value for key, value in document.items() if key != "proof"}
    return b"".join(hashlib.sha256(canonical(part, more)).digest() for part in (options, plain))


def sign(
    document: Document, secret: ed25519.Ed25519PrivateKey, *, method: str, created: str,
    more: dict[str, dict[str, Any]] | None = None,
) -> Document:  # fmt: skip
    """Return a document with its `eddsa-rdfc-2022` proof (W3C vc-di-eddsa §3.2) by the key that `method` names."""
    proof = {
        "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "created": created,
        "verificationMethod": method, "proofPurpose": "assertionMethod",
    }  # fmt: skip
    value = secret.sign(_hashed(document, proof, more))
    return {**document, "proof": {**proof, "proofValue": "z" + base58(value)}}


def check(
    document: Document, public: ed25519.Ed25519PublicKey, *, more: dict[str, dict[str, Any]] | None = None
) -> None:
    """Raise `Forged` unless a document carries a good proof by a key of ours; who signed is for the caller to know."""
    proof = document.get("proof")
    if not isinstance(proof, dict) or "@context" not in document:
        raise Forged("no proof")
    asked = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "proofPurpose": "assertionMethod",
    }
    if any(proof.get(key) != value for key, value in asked.items()):
        raise Forged("another kind of proof")
    try:
        value = from_base58(str(proof["proofValue"]).removeprefix("z"))
        public.verify(value, _hashed(document, proof, more))
    except Forged:
        raise
    except (KeyError, ValueError, InvalidSignature) as error:
        raise Forged("the proof does not fit") from error


def multikey(public: ed25519.Ed25519PublicKey) -> str:
    """Return a public key as a Multikey (`z6Mk…`)."""
    return "z" + base58(ED25519 + public.public_bytes_raw())


def jwk(public: rsa.RSAPublicKey) -> dict[str, str]:
    """Return a public key as a JSON Web Key."""
    numbers = public.public_numbers()

    def written(value: int) -> str:
        return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    return {"kty": "RSA", "n": written(numbers.n), "e": written(numbers.e)}


def _part(body: dict[str, Any]) -> str:
    return base64url(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def jwt(claims: dict[str, Any], secret: rsa.RSAPrivateKey, *, kid: str) -> str:
    """Return claims as a JWT by RS256: its header says alg, typ, kid and the public key, nothing else."""
    header = {"alg": "RS256", "typ": "JWT", "kid": kid, "jwk": jwk(secret.public_key())}
    body = f"{_part(header)}.{_part(claims)}"
    return f"{body}.{base64url(secret.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def read_jwt(token: str, keys: dict[str, rsa.RSAPublicKey]) -> dict[str, Any]:
    """Return the claims of a JWT of ours: by a key we know under its `kid`, never by the one in its header."""
    try:
        head, body, signature = token.split(".")
        header = json.loads(from_base64url(head))
        if header.get("alg") != "RS256" or set(header) - {"alg", "typ", "kid", "jwk"}:
            raise Forged("another kind of token")
        public = keys[str(header["kid"])]
        public.verify(
            from_base64url(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        claims: dict[str, Any] = json.loads(from_base64url(body))
    except (KeyError, ValueError, AttributeError, TypeError, InvalidSignature) as error:
        raise Forged("the token does not fit") from error
    return claims
