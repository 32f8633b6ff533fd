"""Verifies a licence token with `cryptography` alone.

usage: python verify.py KEYS.json FILE.lic ISSUER TOOL NODE – prints the token's id, or fails
"""

import base64
import json
import os
import sys
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

AHEAD = 300  # seconds by which our clock may be behind


def raw(text):
    """Return what base64url says, in its one canonical spelling: lenient decoders take sixteen of a signature."""
    found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(found).decode().rstrip("=") != text:
        raise ValueError("not strict base64url")
    return found


def one_object(part):
    """Return a JSON object; no other value, and no number that JSON does not know."""
    found = json.loads(raw(part).decode(), parse_constant=lambda word: {}[word])
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def words(value):
    """Return a list of texts; a single text is none: `in` would look for a piece of it."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("not a list of texts")
    return value


def second(value):
    """Return a moment in whole seconds."""
    if type(value) is not int:
        raise ValueError("not a moment")
    return value


def verify(token, keys, *, issuer, tool, node, now):
    """Return the claims of a token that lets this node run this tool now; raises ValueError or KeyError."""
    head, body, signature = token.split(".")
    header = one_object(head)
    if header["alg"] not in ("EdDSA", "Ed25519") or header["typ"] != "licence+jwt" or "crit" in header:
        raise ValueError("not a licence token")
    known = {key["kid"]: key["x"] for key in keys["keys"]}
    if not isinstance(header["kid"], str) or header["kid"] not in known:
        raise ValueError("an unknown key")
    public = Ed25519PublicKey.from_public_bytes(raw(known[header["kid"]]))
    try:
        public.verify(raw(signature), f"{head}.{body}".encode())
    except InvalidSignature as error:
        raise ValueError("the signature does not fit") from error
    claims = one_object(body)
    if claims["iss"] != issuer or tool not in words(claims["aud"]) or node not in words(claims["nodes"]):
        raise ValueError("not for this tool and node")
    if not isinstance(claims["jti"], str) or not second(claims["nbf"]) - AHEAD <= now < second(claims["exp"]):
        raise ValueError("not in force")
    return claims


if __name__ == "__main__":
    keys_file, token_file, *asked = sys.argv[1:]
    try:
        found = verify(
            Path(token_file).read_text("utf-8").strip(), json.loads(Path(keys_file).read_text("utf-8")),
            **dict(zip(("issuer", "tool", "node"), asked, strict=True)), now=float(os.environ.get("NOW") or time.time()),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"refused: {error}")
    sys.stdout.write(found["jti"] + "\n")
