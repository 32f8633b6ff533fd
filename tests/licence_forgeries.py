"""Tokens that every verifier must take, and such that each must refuse, signed by the key of RFC 8037, appendix A.1."""

from __future__ import annotations

import hmac
import json
import random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.services.licences import proofs

SECRET, X = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
KEY = Ed25519PrivateKey.from_private_bytes(proofs.raw(SECRET))
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2027-a", "use": "sig", "alg": "EdDSA", "x": X}]}
BORN, ENDS = 1803859200, 1806883200
CLAIMS = {
    "iss": "https://portal.example", "sub": "lic_1", "aud": ["flagscale"], "jti": "lf_1", "iat": BORN, "nbf": BORN, "exp": ENDS,
    "kind": "offline", "nodes": ["node-1", "node-2"], "licence": {"organisation": "某某科技有限公司", "limit": 150},
}  # fmt: skip
ASK = ("https://portal.example", "flagscale", "node-1")
HEADER = {"alg": "EdDSA", "kid": "2027-a", "typ": "licence+jwt"}
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519
GOOD = proofs.sign(CLAIMS, kid="2027-a", key=KEY)
Case = dict[str, Any]


def case(
    token: str, why: str, *, now: int = BORN + 60, ask: tuple[str, str, str] = ASK, valid: bool = False
) -> Case:
    """Return a case as the vectors write it."""
    issuer, tool, node = ask
    return {
        "why": why,
        "valid": valid,
        "token": token,
        "issuer": issuer,
        "tool": tool,
        "node": node,
        "now": now,
    }


def signed(head: str | dict[str, Any], body: str | dict[str, Any]) -> str:
    """Return a token with a right signature over whatever it says."""
    said = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in (head, body)]
    text = ".".join(proofs.encoded(one.encode()) for one in said)
    return f"{text}.{proofs.encoded(KEY.sign(text.encode()))}"


def right() -> list[Case]:
    """Return what is in force."""
    return [
        case(GOOD, "a good file", valid=True),
        case(signed({**HEADER, "alg": "Ed25519"}, CLAIMS), "the newer name of the algorithm", valid=True),
        case(GOOD, "one second before its end", now=ENDS - 1, valid=True),
        case(GOOD, "300 seconds before it begins", now=BORN - 300, valid=True),
        case(GOOD, "for its second node", ask=(*ASK[:2], "node-2"), valid=True),
    ]


def wrong() -> list[Case]:
    """Return what is over, for another, unsigned, or said in another way than the one agreed."""
    head, body, signature = GOOD.split(".")
    over = int.from_bytes(proofs.raw(signature)[32:], "little") + ORDER
    again = proofs.raw(signature)[:32] + over.to_bytes(32, "little")
    hs256 = f"{proofs.encoded(json.dumps({**HEADER, 'alg': 'HS256'}).encode())}.{body}"
    mac = proofs.encoded(hmac.digest(proofs.raw(X), hs256.encode(), "sha256"))
    least = {name: said for name, said in HEADER.items() if name != "alg"}
    return [
        case(GOOD, "at its end", now=ENDS), case(GOOD, "301 seconds before it begins", now=BORN - 301),
        case(GOOD, "for another node", ask=(*ASK[:2], "node-9")), case(GOOD, "for a piece of a node's name", ask=(*ASK[:2], "node")),
        case(GOOD, "for another tool", ask=(ASK[0], "other", ASK[2])), case(GOOD, "of another issuer", ask=("https://other.example", *ASK[1:])),
        case(f"{head}.{body}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}", "another spelling of the same signature"),
        case(f"{head}.{body}.{proofs.encoded(again)}", "a signature beyond the order of the group"),
        case(f"{hs256}.{mac}", "HS256 with the public key as its secret"),
        case(signed({**HEADER, "alg": "none"}, CLAIMS), "signed, and says that it is not"), case(f"{head}.{body}.", "no signature"),
        case(signed(least, CLAIMS), "no algorithm"), case(signed({**HEADER, "typ": "JWT"}, CLAIMS), "another kind of token"),
        case(signed({**HEADER, "typ": "licence-revocations+jwt"}, CLAIMS), "a list of revocations"),
        case(signed({**HEADER, "kid": "2027-b"}, CLAIMS), "an unknown key"), case(signed({**HEADER, "kid": 7}, CLAIMS), "a key that is a number"),
        case(signed({**HEADER, "crit": ["x"]}, CLAIMS), "something critical"), case(signed("[]", CLAIMS), "a list for a header"),
        case(f"{head}.{body}", "two parts"), case(f"{GOOD}.", "four parts"), case(f"{GOOD}=", "padding"), case(GOOD.replace(".", "..", 1), "an empty part"),
        case(f"{GOOD}\n{signature}", "a second line"), case(f"{head}.\n{body}.{signature}", "a line break within"),
        case(signed(HEADER, {**CLAIMS, "nodes": []}), "for no node"), case(signed(HEADER, {**CLAIMS, "nodes": "node-1,node-2"}), "nodes in one text"),
        case(signed(HEADER, {**CLAIMS, "aud": "flagscale"}), "tools in one text"), case(signed(HEADER, {**CLAIMS, "nodes": ["node-1", 2]}), "a node that is a number"),
        case(signed(HEADER, {**CLAIMS, "exp": str(ENDS)}), "an end in letters"), case(signed(HEADER, {**CLAIMS, "exp": True}), "an end that is true"),
        case(signed(HEADER, json.dumps(CLAIMS).replace(str(ENDS), "Infinity")), "an end that never comes"),
        case(signed(HEADER, {**CLAIMS, "nbf": None}), "no beginning"), case(signed(HEADER, {**CLAIMS, "jti": 5}), "a name that is a number"),
        case(signed(HEADER, {("NODES" if k == "nodes" else k): v for k, v in CLAIMS.items()}), "names in other letters"),
        case(signed(HEADER, json.dumps({**CLAIMS, "exp": 1}) + json.dumps(CLAIMS)), "two bodies"),
        case(signed(json.dumps({**HEADER, "alg": "none"}) + json.dumps(HEADER), CLAIMS), "two headers"), case(signed(HEADER, "null"), "nothing"),
        case("", "empty"), case("..", "three empty parts"),
    ]  # fmt: skip


def flipped(many: int) -> list[Case]:
    """Return the good token with one bit of its decoded bytes turned, part by part."""
    chance, parts, found = random.Random(5), GOOD.split("."), []
    for n in range(many):
        which = n % 3
        raw = bytearray(proofs.raw(parts[which]))
        place = chance.randrange(len(raw) * 8)
        raw[place // 8] ^= 1 << place % 8
        token = ".".join([*parts[:which], proofs.encoded(bytes(raw)), *parts[which + 1 :]])
        found.append(case(token, f"bit {place} of part {which} turned"))
    return found
